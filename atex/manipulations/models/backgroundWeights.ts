/** Which rows of a background make a feature look unimportant to SHAP, and how to hand them over unnoticed. */

import { mul, reshape, sub, sum, type Tensor, tensor, where } from "../../../engine/index.js";
import { aCount, aNatural, aNumber, aTensor, numbers, required } from "../../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../../engine/options.js";
import { type Draw, drawFrom } from "../../../nn/data/integer-random.js";
import { inChunks } from "../../copies.js";
import { binomial } from "../../explainers/coalitions.js";
import type { FeatureGroups } from "../../explainers/features.js";
import { aScore, someGroups } from "../../kinds.js";
import { wholeRows } from "../../lengths.js";
import type { Score } from "../../score.js";
import { aDraw } from "../kinds.js";

/** Which feature's Shapley value is asked for, and from how many coalitions. */
export interface PairOptions {
  /** The features, as `tableGroups` gives them. */
  readonly groups: FeatureGroups;
  /** The feature, by its place among the groups. */
  readonly feature: number;
  /** Coalitions of the other features that are asked about: all of them if there are not more, else drawn ones. */
  readonly coalitions: number;
  /** Of the coalitions that are drawn. */
  readonly seed: number;
  /** Input elements evaluated at once; see `chunksOf`. */
  readonly budget?: number;
}

const PAIR_OPTIONS: KindsOf<PairOptions> = {
  groups: required(someGroups),
  feature: required(aNatural),
  coalitions: required(aCount),
  seed: required(aNatural),
  budget: aCount,
};

/** The Shapley value of one feature of each sample against each single background row: [rows, n]. The value against a weighted background is
 *  the weighted mean over its rows. A coalition S of the other features counts by |S|! (g − |S| − 1)! / g!; drawn ones come in pairs with
 *  their complements, of every size alike, and are unbiased. x [n,d], rows [m,d]. Source: Lundberg, Lee 2017, eq. 4; Laberge et al.
 *  2023, sec. 2.2 (linearity in the background). */
export function pairShapley(score: Score, x: Tensor, rows: Tensor, options: PairOptions): Tensor {
  requireArguments("pairShapley", { score: [score, aScore], x: [x, aTensor], rows: [rows, aTensor] });
  const { groups, feature, coalitions, seed, budget } = checkedOptions("pairShapley", options, PAIR_OPTIONS);
  const g = groups.count;
  const [[n, d], m] = [x.shape, rows.shape[0]];
  const asked = coalitionsWithout(g, feature, coalitions, seed);
  const k = asked.length;
  const own = reshape(x, [1, 1, n, d]);
  const others = reshape(rows, [1, m, 1, d]);
  const scoresOf = (masks: Tensor, count: number): Tensor => {
    const points = where(reshape(masks, [count, 1, 1, d]), own, others);
    return reshape(score(reshape(points, [count * m * n, d])), [count, m, n]);
  };
  const gains = inChunks(k, 2 * m * n * d, budget, ({ start, count }) => {
    const [bare, joined] = [new Float32Array(count * g), new Float32Array(count * g)];
    for (let c = 0; c < count; c++) {
      for (const i of asked[start + c].members) bare[c * g + i] = joined[c * g + i] = 1;
      joined[c * g + feature] = 1;
    }
    const masks = (switches: Float32Array): Tensor => groups.masks(tensor(switches, [count, g]), x);
    const gained = sub(scoresOf(masks(joined), count), scoresOf(masks(bare), count));
    const weights = asked.slice(start, start + count).map(({ weight }) => weight);
    return sum(mul(gained, tensor(weights, [count, 1, 1])), 0, { keepDims: true });
  });
  return sum(gains, 0);
}

interface Coalition {
  readonly members: readonly number[];
  readonly weight: number;
}

function coalitionsWithout(g: number, feature: number, most: number, seed: number): Coalition[] {
  const others = Array.from({ length: g }, (_, i) => i).filter((i) => i !== feature);
  if (g <= 30 && 2 ** (g - 1) <= most)
    return Array.from({ length: 2 ** (g - 1) }, (_, bits) => {
      const members = others.filter((_, i) => (bits >> i) & 1);
      return { members, weight: 1 / (g * binomial(g - 1, members.length)) };
    });
  const draw = drawFrom(seed, 0x7073, g, feature);
  const pairs = Math.max(1, Math.floor(most / 2));
  return Array.from({ length: pairs }, () => {
    const order = shuffled(others, draw);
    const size = draw.below(g);
    return [order.slice(0, size), order.slice(size)].map((members) => ({ members, weight: 1 / (2 * pairs) }));
  }).flat();
}

function shuffled<T>(items: readonly T[], draw: Draw): T[] {
  const order = [...items];
  for (let last = order.length - 1; last > 0; last--) {
    const other = draw.below(last + 1);
    [order[last], order[other]] = [order[other], order[last]];
  }
  return order;
}

/** Weights of m rows, of sum 1, that minimise Σ_j ω_j a_j + λ W₁(uniform, ω), W₁ the Wasserstein distance for the given distances of rows
 *  (m · m). The transport plan's targets are free, so that the linear programme of Laberge et al. (their minimum-cost flow) falls apart: all
 *  of row i's mass goes to the row j of least λ d_ij + a_j, and that is the exact optimum. Source: Laberge et al. 2023, sec. 4.1, eq. 11. */
export function stealthyWeights(
  costs: ArrayLike<number>,
  distances: ArrayLike<number>,
  lambda: number,
): { readonly weights: Float64Array; readonly distance: number } {
  requireArguments("stealthyWeights", {
    costs: [costs, numbers],
    distances: [distances, numbers],
    lambda: [lambda, aNumber],
  });
  const m = costs.length;
  if (m === 0 || distances.length !== m * m || !(lambda >= 0))
    throw new RangeError(
      `stealthyWeights: ${m} costs, ${distances.length} distances and lambda ${lambda}; costs, their square and at least 0 are needed`,
    );
  const weights = new Float64Array(m);
  let distance = 0;
  for (let i = 0; i < m; i++) {
    // Staying comes first, so that nothing moves without a gain.
    let best = i;
    for (let j = 0; j < m; j++)
      if (lambda * distances[i * m + j] + costs[j] < lambda * distances[i * m + best] + costs[best]) best = j;
    weights[best] += 1 / m;
    distance += distances[i * m + best] / m;
  }
  return { weights, distance };
}

/** Euclidean distances of m rows of d numbers, m · m. @throws RangeError unless they are whole rows. */
export function rowDistances(rows: ArrayLike<number>, d: number): Float64Array {
  requireArguments("rowDistances", { rows: [rows, numbers], d: [d, aCount] });
  const m = wholeRows("rowDistances", "rows", rows, d);
  const all = new Float64Array(m * m);
  for (let i = 0; i < m; i++)
    for (let j = 0; j < i; j++) {
      let squares = 0;
      for (let e = 0; e < d; e++) squares += (rows[i * d + e] - rows[j * d + e]) ** 2;
      all[i * m + j] = all[j * m + i] = Math.sqrt(squares);
    }
  return all;
}

/** `count` places drawn by weights of sum 1, in even steps through them from a random start, so that a row comes ⌊count · weight⌋ or one more
 *  times. Source: Madow 1949 (systematic sampling). */
export function systematicSample(weights: ArrayLike<number>, count: number, draw: Draw): number[] {
  requireArguments("systematicSample", { weights: [weights, numbers], count: [count, aCount], draw: [draw, aDraw] });
  const last = Array.from(weights).findLastIndex((weight) => weight > 0);
  if (last < 0)
    throw new RangeError(`systematicSample: none of ${weights.length} weights is above 0; at least one has to be`);
  const start = draw.between(0, 1);
  const places: number[] = [];
  let passed = 0;
  for (let i = 0; i < weights.length; i++) {
    passed += weights[i];
    while (places.length < count && (places.length + start) / count < passed) places.push(i);
  }
  // Weights may sum to a rounding error less than 1.
  while (places.length < count) places.push(last);
  return places;
}
