/** Copies of a batch: how they lie one after another, and how many are evaluated at once. */
import { concat, expand, reshape, scope, type Tensor } from "../engine/index.js";

/** Input elements that a network is given at once unless told otherwise. Its widest layer often holds some thirty times as much,
 *  and one buffer of a software adapter 2²⁵ numbers. */
export const ELEMENT_BUDGET = 2 ** 19;

/** `k` copies of a batch. [n,...] → [k,n,...] */
export function copiesOf(x: Tensor, k: number): Tensor {
  return expand(reshape(x, [1, ...x.shape]), [k, ...x.shape]);
}

/** Copies of a batch, one after another. [k,n,...] → [k·n,...] */
export function asOneBatch(copies: Tensor): Tensor {
  const [k, n, ...rest] = copies.shape;
  return reshape(copies, [k * n, ...rest]);
}

/** `k` copies of a batch as one batch, copy after copy. [n,...] → [k·n,...] */
export function repeated(x: Tensor, k: number): Tensor {
  return asOneBatch(copiesOf(x, k));
}

/** Copies that are evaluated together. */
export interface Chunk {
  readonly start: number;
  readonly count: number;
}

/** How many copies of `elements` numbers are evaluated at once. @throws RangeError unless the budget is at least 1. */
export function copiesAtOnce(elements: number, budget = ELEMENT_BUDGET): number {
  if (!(budget >= 1)) throw new RangeError(`explainer: an element budget of ${budget} came; at least 1 is needed`);
  return Math.max(1, Math.floor(budget / Math.max(1, elements)));
}

/** How many samples of a shape are evaluated at once: at most `most`, and one at least. */
export function samplesAtOnce(shape: readonly number[], most: number): number {
  return Math.min(most, copiesAtOnce(shape.reduce((a, b) => a * b, 1)));
}

/** `total` copies of `elements` numbers each in pieces of at most `budget` numbers, of one size but for the last, so that each reuses the memory
 *  of the one before; never fewer than one copy. */
export function chunksOf(total: number, elements: number, budget = ELEMENT_BUDGET): Chunk[] {
  const size = Math.ceil(total / Math.ceil(total / copiesAtOnce(elements, budget)));
  return Array.from({ length: total === 0 ? 0 : Math.ceil(total / size) }, (_, i) => ({
    start: i * size,
    count: Math.min(size, total - i * size),
  }));
}

/** What `use` makes of the copies of each chunk, [count, ...], one after another: [total, ...]. Only results stay in memory. */
export function inChunks(
  total: number,
  elements: number,
  budget: number | undefined,
  use: (chunk: Chunk) => Tensor,
): Tensor {
  return concat(chunksOf(total, elements, budget).map((chunk) => scope(() => use(chunk), "chunk")));
}
