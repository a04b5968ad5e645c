/** Reductions over any axes. */

import { describe, ShapeError } from "../errors.js";
import { aFlag } from "../kinds.js";
import { apply, type OpSpec } from "../op.js";
import { checkedOptions } from "../options.js";
import { contiguousStrides, normaliseAxes, reducedShape, type Shape, sameShape, sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { div, mul } from "./arithmetic.js";
import { forEachOffset } from "./host.js";
import { expand, reshape } from "./movement.js";
import { reduceCalls } from "./reduce.launch.js";

/** What all reductions take; by default reduced axes are dropped. */
export interface ReduceOptions {
  /** Keep reduced axes as sides of 1. */
  readonly keepDims?: boolean;
}

export const REDUCE_OPTIONS = { keepDims: aFlag };

export interface ReduceAttrs {
  readonly axes: readonly number[];
  readonly keepDims: boolean;
}

/** Sum over `axes` (all by default). */
export function sum(x: Tensor, axes?: number | readonly number[], options: ReduceOptions = {}): Tensor {
  const { keepDims = false } = checkedOptions("sum", options, REDUCE_OPTIONS);
  const list = normaliseAxes("sum", axes, x);
  return list.length === 0 ? x : apply(sumSpec, [x], { axes: list, keepDims });
}
export const sumSpec: OpSpec<ReduceAttrs> = {
  name: "sum",
  shape: ([x], { axes, keepDims }) => {
    if (x.dtype !== "f32") throw new ShapeError(`sum: ${describe(x)} given; f32 is needed; convert with cast()`);
    return { shape: reducedShape(x.shape, axes, keepDims), dtype: x.dtype };
  },
  reference: ([x], { axes }, y) => {
    const kept = contiguousStrides(reducedShape(x.shape, axes, true)).map((s, i) => (axes.includes(i) ? 0 : s));
    forEachOffset(x.shape, [kept], (i, [at]) => {
      y.data[at] += x.data[i];
    });
  },
  vjp: (g, { inputs: [x], attrs: { axes } }) => [() => expand(reshape(g, reducedShape(x.shape, axes, true)), x.shape)],
  launch: (context, { axes }) => reduceCalls(context, axes, "sum"),
  linearIn: [0],
  sums: (terms) => [
    { inputs: [{ shape: [terms] }], call: (x) => sum(x), note: "all" },
    { inputs: [{ shape: [terms, 3] }], call: (x) => sum(x, 0), note: "columns" },
    { inputs: [{ shape: [300, terms >> 3] }], call: (x) => sum(x, 1), note: "many rows" },
  ],
  samples: () => [
    { inputs: [{ shape: [2, 3, 4] }], call: (x) => sum(x, [0, 2]) },
    { inputs: [{ shape: [5] }], call: (x) => sum(x) },
    { inputs: [{ shape: [3, 0] }], call: (x) => sum(x, 1) },
    { inputs: [{ shape: [3, 5, 2, 4] }], call: (x) => sum(x, [0, 2]), note: "two passes" },
    { inputs: [{ shape: [3, 1100] }], call: (x) => sum(x, 1), note: "in parts" },
    { inputs: [{ shape: [2, 1100, 4] }], call: (x) => sum(x, 1, { keepDims: true }), note: "in parts, by fours" },
  ],
  draw: (d) => {
    const shape = d.shape();
    const axes = shape.map((_, i) => i).filter(() => d.boolean());
    const keepDims = d.boolean();
    return { inputs: [{ shape }], call: (x) => sum(x, axes, { keepDims }) };
  },
  failures: () => [
    { inputs: [{ shape: [2, 3] }], call: (x) => sum(x, 2), message: /sum: axis 2 is out of range for f32\[2,3\]/ },
  ],
};

/** Arithmetic mean over `axes` (all by default); NaN over no elements. */
export function mean(x: Tensor, axes?: number | readonly number[], options: ReduceOptions = {}): Tensor {
  checkedOptions("mean", options, REDUCE_OPTIONS);
  const count = sizeOf(normaliseAxes("mean", axes, x).map((a) => x.shape[a]));
  const total = sum(x, axes, options);
  return count === 0 ? div(total, 0) : mul(total, 1 / count);
}

/** Sums a tensor down to a shape that broadcasts to it: the adjoint of `expand`. */
export function sumTo(g: Tensor, shape: Shape): Tensor {
  if (sameShape(g.shape, shape)) return g;
  const lead = g.shape.length - shape.length;
  const axes = g.shape.flatMap((d, i) => (i < lead || (shape[i - lead] === 1 && d !== 1) ? [i] : []));
  return reshape(sum(g, axes), shape);
}
