/** What stands for features that are taken away: rows of other samples, few of them and weighted, or a constant. */

import {
  callerScope,
  type Done,
  expand,
  full,
  greater,
  type LongOptions,
  mean,
  mul,
  reshape,
  ShapeError,
  sqrt,
  square,
  sum,
  type Tensor,
  Turns,
  tensor,
  variance,
  where,
} from "../../engine/index.js";
import { aCount, aNatural } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../engine/options.js";
import { asOneBatch, inChunks } from "../copies.js";
import { LONG_OPTIONS, someSamples } from "../kinds.js";
import { RefusalError } from "../refusal.js";
import type { Score } from "../score.js";
import type { ExplainerContext } from "./explainer.js";
import { flatSamples } from "./features.js";
import { kMeansPieces } from "./kMeans.js";

/** Samples that stand for features that are taken away, and how much each counts: what `summariseBackground` gives. */
export interface Background {
  /** [m, ...shape] */
  readonly rows: Tensor;
  /** Shares of the rows, each at least 0 and all of sum 1; default equal ones. */
  readonly weights?: readonly number[];
}

/** In how many rows a background is summarised; `onProgress` counts starts of the clustering. */
export interface SummaryOptions extends LongOptions<Done> {
  /** Rows at most, at least 1; default 10. */
  readonly clusters?: number;
  /** Of the first centres; default 0. */
  readonly seed?: number;
}

const SUMMARY_OPTIONS: KindsOf<SummaryOptions> = {
  clusters: aCount,
  seed: aNatural,
  ...LONG_OPTIONS,
};

/** The background in at most `clusters` rows, the centres of a k-means clustering, weighted with the shares of the clusters: the
 *  weighted mean of the rows is the mean of the background. rows [m, ...shape] → rows [k, ...shape]; the caller owns them.
 *  Source: Lundberg, Lee 2017 (the summary that their method is used with). */
export async function summariseBackground(rows: Tensor, options: SummaryOptions = {}): Promise<Background> {
  requireArguments("summariseBackground", { rows: [rows, someSamples] });
  checkedOptions("summariseBackground", options, SUMMARY_OPTIONS);
  const here = callerScope();
  const { clusters = 10, seed = 0 } = options;
  const turns = new Turns("summariseBackground", options);
  const [m, ...shape] = rows.shape;
  const clustering = kMeansPieces(await here.wait(rows.read()), m, { clusters, seed });
  let piece = clustering.next();
  for (; !piece.done; piece = clustering.next()) await here.wait(turns.next(piece.value));
  const { centres, shares } = piece.value;
  return { rows: tensor(centres, [shares.length, ...shape]), weights: shares };
}

/** The background that an explainer of the table works with: a constant if one is set, else the summary or all rows.
 *  @throws RefusalError when there is none. */
export function backgroundOf(
  name: string,
  baseline: number | undefined,
  { summary, background }: ExplainerContext,
): Background | number {
  if (baseline !== undefined) return baseline;
  if (summary) return summary;
  if (background) return { rows: background };
  throw new RefusalError(
    `${name}: no background came; samples to compare with are needed, or a number as baseline for what is taken away`,
  );
}

/** Rows and weights, checked: [m, d] and m shares. */
export function backgroundRows(
  name: string,
  background: Background | number,
  shape: readonly number[],
): { readonly rows: Tensor; readonly weights: readonly number[] } {
  if (typeof background === "number") {
    if (!Number.isFinite(background)) throw new RangeError(`${name}: baseline ${background} came; a number is needed`);
    return { rows: full([1, shape.reduce((a, b) => a * b, 1)], background), weights: [1] };
  }
  const rows = flatSamples(`${name}, background`, background.rows, shape);
  const [m] = rows.shape;
  const weights = background.weights ?? Array<number>(m).fill(1 / m);
  const total = weights.reduce((a, b) => a + b, 0);
  if (m < 1 || weights.length !== m || weights.some((w) => !(w >= 0)) || Math.abs(total - 1) > 1e-6)
    throw new ShapeError(
      `${name}: a background of ${m} rows with ${weights.length} weights of sum ${total}; at least one row, and a weight of at ` +
        "least 0 for each, of sum 1, are needed",
    );
  return { rows, weights };
}

/** The weighted mean of the score over the background, for samples of which only the masked elements are kept: masks
 *  [count, 1 or n, d] of each chunk, 1 for kept → [total, n]. x [n, ...shape] */
export function maskedScores(
  name: string,
  score: Score,
  x: Tensor,
  total: number,
  masks: (start: number, count: number) => Tensor,
  background: Background | number,
  budget?: number,
): Tensor {
  const [n, ...shape] = x.shape;
  const { rows, weights } = backgroundRows(name, background, shape);
  const [m, d] = rows.shape;
  const own = reshape(x, [1, 1, n, d]);
  const others = reshape(rows, [1, m, 1, d]);
  return inChunks(total, m * n * d, budget, ({ start, count }) => {
    const mask = masks(start, count);
    const points = where(reshape(mask, [count, 1, ...mask.shape.slice(1)]), own, others);
    return weighted(reshape(score(reshape(points, [count * m * n, ...shape])), [count, m, n]), weights);
  });
}

/** The score of the background alone, as the scores of the samples at x see it: [n]. */
export function backgroundScore(name: string, score: Score, x: Tensor, background: Background | number): Tensor {
  const [n, ...shape] = x.shape;
  const { rows, weights } = backgroundRows(name, background, shape);
  const m = weights.length;
  const copies = expand(reshape(rows, [m, 1, ...shape]), [m, n, ...shape]);
  return reshape(weighted(reshape(score(asOneBatch(copies)), [1, m, n]), weights), [n]);
}

/** [k, m, n] → [k, n] */
function weighted(scores: Tensor, weights: readonly number[]): Tensor {
  const [k, m, n] = scores.shape;
  return m === 1 ? reshape(scores, [k, n]) : sum(mul(scores, tensor(weights, [1, m, 1])), 1);
}

/** Mean and standard deviation of each element over samples, the deviation 1 where an element does not vary. [m, ...] → two of [d] */
export function columnStatistics(rows: Tensor): { readonly mean: Tensor; readonly deviation: Tensor } {
  const flat = reshape(rows, [rows.shape[0], rows.size / rows.shape[0]]);
  const centre = mean(flat, 0);
  const spread = variance(flat, 0);
  // The mean of equal numbers is off by a rounding error of f32.
  const varies = greater(spread, mul(square(centre), 1e-12));
  return { mean: centre, deviation: sqrt(where(varies, spread, 1)) };
}
