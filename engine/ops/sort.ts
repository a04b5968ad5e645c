/** Sorting along any axis. */

import { describe, ShapeError } from "../errors.js";
import { aFlag, anInteger, aShare } from "../kinds.js";
import { apply, type InputSpec, type OpSpec } from "../op.js";
import { checkedOptions, shown } from "../options.js";
import { normaliseAxis } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { argsortRows } from "./argsort.js";
import { add, mul } from "./arithmetic.js";
import { where } from "./binary.js";
import { gatherAlong, gatherAlongSpec } from "./gather.js";
import { reshape } from "./movement.js";
import { slice } from "./slice.js";
import { firstOfRows, MOST_SELECTED } from "./topK.js";
import { nanMask } from "./unary.js";
import { transpose } from "./view.js";

/** Options of `sort` and `argsort`; ascending by default. */
export interface SortOptions {
  /** Default the last. */
  readonly axis?: number;
  readonly descending?: boolean;
}

const SORT_OPTIONS = { axis: anInteger, descending: aFlag };

/** Positions along `axis` in sorted order, i32, of x's shape. Stable: equal elements keep their order, also when descending.
 *  NaN comes last either way. */
export function argsort(x: Tensor, options: SortOptions = {}): Tensor {
  const { axis = -1, descending = false } = checkedOptions("argsort", options, SORT_OPTIONS);
  const at = normaliseAxis("argsort", axis, x);
  return alongRows(x, at, (rows) => argsortRows(rows, descending));
}

/** `f` of rows, applied along `axis`. */
function alongRows(x: Tensor, axis: number, f: (rows: Tensor) => Tensor): Tensor {
  const last = x.rank - 1;
  if (axis === last) return f(x);
  const swap = x.shape.map((_, i) => (i === axis ? last : i === last ? axis : i));
  return transpose(f(transpose(x, swap)), swap);
}

/** The elements in sorted order along `axis`, ascending unless `descending`; NaN last. */
export function sort(x: Tensor, options: SortOptions = {}): Tensor {
  checkedOptions("sort", options, SORT_OPTIONS);
  return permute(x, argsort(x, options), normaliseAxis("sort", options.axis ?? -1, x));
}

/** `gatherAlong` by positions of which each comes once, so that the adjoint is a gather too, by the inverse order: a scatter
 *  would look at all pairs of positions. */
function permute(x: Tensor, order: Tensor, axis: number): Tensor {
  return apply(permuteSpec, [x, order], { axis });
}
const unsorted: InputSpec = { shape: [2, 5], distinct: true };
export const permuteSpec: OpSpec<{ readonly axis: number }> = {
  ...gatherAlongSpec,
  name: "permute",
  vjp: (g, { inputs: [, order], attrs: { axis } }) => [() => permute(g, argsort(order, { axis }), axis), null],
  // The order comes from an input of its own, so that moving x does not move it.
  samples: () => [
    { inputs: [unsorted, unsorted], call: (x, other) => permute(x, argsort(other), 1) },
    { inputs: [unsorted, unsorted], call: (x, other) => permute(x, argsort(other, { axis: 0 }), 0) },
  ],
  draw: (d) => {
    const shape = d.shape({ minRank: 1, maxRank: 3 });
    const options = { axis: d.int(0, shape.length - 1), descending: d.boolean() };
    return { inputs: [{ shape, distinct: true }], call: (x) => sort(x, options) };
  },
  failures: () => [
    {
      inputs: [{ shape: [3] }],
      call: (x) => sort(x, { axis: 1 }),
      message: /argsort: axis 1 is out of range for f32\[3\]/,
    },
  ],
};

/** Options of `topK`. */
export interface TopKOptions {
  /** Default the last. */
  readonly axis?: number;
  /** The k smallest instead, smallest first. */
  readonly smallest?: boolean;
}

/** The k largest elements along `axis`, largest first, and their positions (i32); among equals the first come first, NaN
 *  comes last either way, as `sort` has it (PyTorch counts it as largest), so that k numbers are found where there are as many. Values are differentiable. x [...,n,...] → [...,k,...]. @throws ShapeError when k is more than n. */
export function topK(x: Tensor, k: number, options: TopKOptions = {}): { values: Tensor; indices: Tensor } {
  const { axis = -1, smallest = false } = checkedOptions("topK", options, { axis: anInteger, smallest: aFlag });
  const at = normaliseAxis("topK", axis, x);
  if (!Number.isInteger(k) || k < 0 || k > x.shape[at])
    throw new ShapeError(
      `topK: ${shown(k)} of ${describe(x)} asked for along axis ${at}, which has ${x.shape[at]}; take at most that many`,
    );
  const indices = firstAlong(x, at, k, !smallest);
  return { values: gatherAlong(x, indices, at), indices };
}

function firstAlong(x: Tensor, axis: number, k: number, descending: boolean): Tensor {
  if (k === 0 || k > Math.min(MOST_SELECTED, x.shape[axis] / 2))
    return part(argsort(x, { axis, descending }), axis, 0, k);
  return alongRows(x, axis, (rows) => firstOfRows(rows, k, descending));
}

/** Options of `quantile` and `median`. */
export interface QuantileOptions {
  /** Default the last. It is dropped from the result. */
  readonly axis?: number;
}

/** The value with a share q of the elements along `axis` below it, linear between neighbours (NumPy's default): position
 *  q·(n − 1) of the sorted elements, of which there must be at least one. NaN where there is one, as in NumPy.
 *  @throws ShapeError for none. */
export function quantile(x: Tensor, q: number, options: QuantileOptions = {}): Tensor {
  const { axis = -1 } = checkedOptions("quantile", options, { axis: anInteger });
  const at = normaliseAxis("quantile", axis, x);
  const n = x.shape[at];
  if (!aShare.fits(q)) throw new RangeError(`quantile: ${shown(q)} given; a number on [0, 1] is needed`);
  if (n === 0) throw new ShapeError(`quantile: ${describe(x)} has no elements along axis ${at}; 1 or more are needed`);
  const sorted = sort(x, { axis: at });
  const below = Math.floor(q * (n - 1));
  const weight = q * (n - 1) - below;
  const low = part(sorted, at, below, 1);
  const value = weight === 0 ? low : add(mul(low, 1 - weight), mul(part(sorted, at, below + 1, 1), weight));
  // NaN sorts last.
  const last = part(sorted, at, n - 1, 1);
  return reshape(
    where(nanMask(last), last, value),
    x.shape.filter((_, i) => i !== at),
  );
}

/** The middle element along `axis`, or the mean of the two middle ones; NaN where there is one. */
export function median(x: Tensor, options: QuantileOptions = {}): Tensor {
  checkedOptions("median", options, { axis: anInteger });
  return quantile(x, 0.5, options);
}

/** `count` positions of `axis` from `start`. */
function part(x: Tensor, axis: number, start: number, count: number): Tensor {
  return slice(
    x,
    x.shape.map((_, i) => (i === axis ? start : 0)),
    x.shape.map((side, i) => (i === axis ? count : side)),
  );
}
