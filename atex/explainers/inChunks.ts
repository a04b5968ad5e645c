/** Many copies of a batch, a few at a time. */
import { concat, scope, type Tensor } from "../../engine/index.js";

/** Input elements evaluated at once unless told otherwise: 16 MiB of f32, of which the layers of a network make several times more. */
export const ELEMENT_BUDGET = 2 ** 22;

export interface Chunk {
  readonly start: number;
  readonly count: number;
}

/** `total` copies of `elements` numbers each in pieces of at most `budget` numbers, of nearly equal size; never fewer than one copy. */
export function chunksOf(total: number, elements: number, budget = ELEMENT_BUDGET): Chunk[] {
  const most = copiesAtOnce(elements, budget);
  const pieces = Math.ceil(total / most);
  const starts = Array.from({ length: pieces + 1 }, (_, i) => Math.round((i * total) / pieces));
  return starts.slice(1).map((end, i) => ({ start: starts[i], count: end - starts[i] }));
}

/** How many copies of `elements` numbers are evaluated at once. @throws RangeError unless the budget is at least 1. */
export function copiesAtOnce(elements: number, budget = ELEMENT_BUDGET): number {
  if (!(budget >= 1)) throw new RangeError(`explainer: an element budget of ${budget} came; at least 1 is needed`);
  return Math.max(1, Math.floor(budget / Math.max(1, elements)));
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
