/** A background sample that hides a feature from SHAP and passes an audit. */

import { aCount, aNatural, aNumberOfAtLeast0, numbers, required } from "../../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../../engine/options.js";
import { drawFrom } from "../../../nn/data/integer-random.js";
import { mean } from "../../experiments/statistics.js";
import { requireLength } from "../../lengths.js";
import { kolmogorovSmirnov, waldTest } from "../twoSamples.js";
import { stealthyWeights, systematicSample } from "./backgroundWeights.js";

/** The rows a sample is drawn from, and how careful and how long the search is. */
export interface StealthyOptions {
  /** Shapley values of the feature against single rows, m rows by n samples (`pairShapley`). */
  readonly contributions: ArrayLike<number>;
  /** Distances of the rows, m · m (`rowDistances`, or `rankDistances` of the outputs). */
  readonly distances: ArrayLike<number>;
  /** The model's outputs for the rows, which an audit compares. */
  readonly outputs: ArrayLike<number>;
  /** Rows of the sample that is handed over. */
  readonly rows: number;
  /** p-value that both tests must reach, 0 to 1. An audit that shares a level of 5 % between them notices below 0.025. */
  readonly caution: number;
  /** Weights λ of the distance that are tried, evenly in their logarithms over five powers of ten. */
  readonly lambdas: number;
  /** Further samples drawn for each weight, besides the first. */
  readonly draws: number;
  readonly seed: number;
}

const STEALTHY_OPTIONS: KindsOf<StealthyOptions> = {
  contributions: required(numbers),
  distances: required(numbers),
  outputs: required(numbers),
  rows: required(aCount),
  caution: required(aNumberOfAtLeast0),
  lambdas: required(aCount),
  draws: required(aCount),
  seed: required(aNatural),
};

/** A sample that hides the feature, with what it costs and what it gains. */
export interface StealthySample {
  /** Places of the rows, some of them more than once. */
  readonly places: readonly number[];
  /** Of all rows, of sum 1: what the sample was drawn by. */
  readonly weights: Float64Array;
  /** Wasserstein distance of the weights from equal ones, in units of the given distances. */
  readonly distance: number;
  /** The weight of the distance it was found with; ∞ where no sample passed the tests. */
  readonly lambda: number;
  /** Mean absolute Shapley value against all rows, and against the sample. */
  readonly before: number;
  readonly after: number;
}

/** A sample of background rows that gives one feature the least mean absolute Shapley value among those that two tests of the model's
 *  outputs do not notice (Kolmogorov-Smirnov and Wald). For each weight λ of the distance the optimal weights of rows are found
 *  (`stealthyWeights`; the cost of a row is its mean contribution in the direction that each sample's attribution has) and samples drawn.
 *  Where no sample passes, a sample of equal weights. Source: Laberge et al. 2023, sec. 4, algorithms 1 and 2. @throws RangeError where
 *  outputs, distances and contributions are not of the same rows. */
export function stealthySample(options: StealthyOptions): StealthySample {
  checkedOptions("stealthySample", options, STEALTHY_OPTIONS);
  const { contributions, distances, outputs, rows, caution, lambdas, draws, seed } = options;
  const m = outputs.length;
  if (m === 0) throw new RangeError("stealthySample: no outputs came; one for each row, one row at least, are needed");
  requireLength("stealthySample", "distances", distances, m * m, `one for each two of ${m} rows`);
  // Row after row, a number for each of n samples.
  const n = contributions.length / m;
  if (!Number.isInteger(n) || n < 1)
    throw new RangeError(
      `stealthySample: contributions holds ${contributions.length} numbers for the ${m} rows of the outputs; as many for each row, at least one, ` +
        "are needed",
    );
  const uniform = new Float64Array(m).fill(1 / m);
  const honest = meansOver(contributions, m, n, uniform);
  const costs = Float64Array.from({ length: m }, (_, j) => {
    let cost = 0;
    for (let i = 0; i < n; i++) cost += (Math.sign(honest[i]) * contributions[j * n + i]) / n;
    return cost;
  });
  const before = meanSize(honest);
  const draw = drawFrom(seed, 0x6267);
  let best: StealthySample | undefined;
  const consider = (lambda: number, weights: Float64Array, distance: number): void => {
    for (let d = 0; d <= draws; d++) {
      const places = systematicSample(weights, rows, draw);
      const after = meanSize(meansOver(contributions, m, n, sharesOf(places, m)));
      const seen = places.map((j) => outputs[j]);
      if (smallerP(seen, outputs) < caution || (best && after >= best.after)) continue;
      best = { places, weights, distance, lambda, before, after };
    }
  };
  const scale = spreadOf(costs) / Math.max(Number.MIN_VALUE, mean(distances));
  for (let step = 0; step < lambdas; step++) {
    // From hardly any weight of the distance to so much that nothing moves.
    const lambda = scale * 10 ** (-3 + (5 * step) / Math.max(1, lambdas - 1));
    const { weights, distance } = stealthyWeights(costs, distances, lambda);
    consider(lambda, weights, distance);
  }
  if (best) return best;
  const places = systematicSample(uniform, rows, draw);
  const after = meanSize(meansOver(contributions, m, n, sharesOf(places, m)));
  return { places, weights: uniform, distance: 0, lambda: Number.POSITIVE_INFINITY, before, after };
}

/** The smaller p-value of the two tests of whether outputs are a random sample of others. */
const smallerP = (sample: ArrayLike<number>, population: ArrayLike<number>): number =>
  Math.min(kolmogorovSmirnov(sample, population), waldTest(sample, population));

const meanSize = (values: ArrayLike<number>): number => mean(Array.from(values, Math.abs));

function spreadOf(values: ArrayLike<number>): number {
  const all = Array.from(values);
  return Math.max(...all) - Math.min(...all);
}

function sharesOf(places: readonly number[], m: number): Float64Array {
  const shares = new Float64Array(m);
  for (const j of places) shares[j] += 1 / places.length;
  return shares;
}

/** Weighted means over m rows of numbers for n samples. */
function meansOver(values: ArrayLike<number>, m: number, n: number, weights: ArrayLike<number>): Float64Array {
  const means = new Float64Array(n);
  for (let j = 0; j < m; j++)
    if (weights[j] > 0) for (let i = 0; i < n; i++) means[i] += weights[j] * values[j * n + i];
  return means;
}

/** Distances of outputs in the order of their size, 0 to 1, m · m: Wasserstein distances of these bound how far the distribution of the outputs
 *  moves, which is what the audit tests. */
export function rankDistances(outputs: ArrayLike<number>): Float64Array {
  requireArguments("rankDistances", { outputs: [outputs, numbers] });
  const m = outputs.length;
  const ranks = new Float64Array(m);
  const order = Array.from({ length: m }, (_, i) => i).sort((i, j) => outputs[i] - outputs[j]);
  // Equal outputs share the first one's rank.
  for (const [rank, i] of order.entries())
    ranks[i] = rank > 0 && outputs[order[rank - 1]] === outputs[i] ? ranks[order[rank - 1]] : rank / m;
  return Float64Array.from({ length: m * m }, (_, at) => Math.abs(ranks[Math.floor(at / m)] - ranks[at % m]));
}
