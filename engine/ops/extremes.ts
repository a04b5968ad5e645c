/** Largest and smallest elements, and where they are. */

import { describe, ShapeError } from "../errors.js";
import type { TensorSpec } from "../lower.js";
import { apply, type OpSpec } from "../op.js";
import { checkedOptions } from "../options.js";
import { contiguousStrides, normaliseAxes, normaliseAxis, reducedShape } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { div, multiplyNoNan } from "./arithmetic.js";
import { equal } from "./compare.js";
import { forEachOffset } from "./host.js";
import { reshape } from "./movement.js";
import { REDUCE_OPTIONS, type ReduceAttrs, type ReduceOptions, sum } from "./reduce.js";
import { argCalls, reduceCalls } from "./reduce.launch.js";

/** Largest element over `axes` (all by default), NaN where there is one. Equal largest elements share the gradient evenly.
 *  @throws ShapeError where there is no element to choose. */
export function max(x: Tensor, axes?: number | readonly number[], options: ReduceOptions = {}): Tensor {
  const { keepDims = false } = checkedOptions("max", options, REDUCE_OPTIONS);
  const list = normaliseAxes("max", axes, x);
  return list.length === 0 ? x : apply(maxSpec, [x], { axes: list, keepDims });
}
export const maxSpec = extremeSpec("max", max, (a, b) => Math.max(a, b));

/** Smallest element over `axes` (all by default), NaN where there is one. Equal smallest elements share the gradient evenly.
 *  @throws ShapeError where there is no element to choose. */
export function min(x: Tensor, axes?: number | readonly number[], options: ReduceOptions = {}): Tensor {
  const { keepDims = false } = checkedOptions("min", options, REDUCE_OPTIONS);
  const list = normaliseAxes("min", axes, x);
  return list.length === 0 ? x : apply(minSpec, [x], { axes: list, keepDims });
}
export const minSpec = extremeSpec("min", min, (a, b) => Math.min(a, b));

function extremeSpec(
  name: "max" | "min",
  call: typeof max,
  choose: (a: number, b: number) => number,
): OpSpec<ReduceAttrs> {
  const distinct = (shape: readonly number[]) => ({ shape, distinct: true });
  return {
    name,
    shape: ([x], { axes, keepDims }) => {
      requireElements(name, x, axes);
      return { shape: reducedShape(x.shape, axes, keepDims), dtype: "f32" };
    },
    reference: ([x], { axes }, y) => {
      const kept = contiguousStrides(reducedShape(x.shape, axes, true)).map((s, i) => (axes.includes(i) ? 0 : s));
      y.data.fill(name === "max" ? -Infinity : Infinity);
      forEachOffset(x.shape, [kept], (i, [at]) => {
        y.data[at] = choose(y.data[at], x.data[i]);
      });
    },
    vjp: (g, { inputs: [x], output: y, attrs: { axes } }) => {
      const kept = reducedShape(x.shape, axes, true);
      return [
        () => {
          const attained = equal(x, reshape(y, kept));
          return multiplyNoNan(div(reshape(g, kept), sum(attained, axes, { keepDims: true })), attained);
        },
      ];
    },
    launch: (context, { axes }) => reduceCalls(context, axes, name),
    samples: () => [
      { inputs: [distinct([2, 3, 4])], call: (x) => call(x, [0, 2]) },
      { inputs: [distinct([5])], call: (x) => call(x, -1, { keepDims: true }) },
      { inputs: [{ shape: [3, 1100] }], call: (x) => call(x, 1), note: "in parts" },
    ],
    draw: (d) => {
      const shape = d.shape();
      const axes = shape.map((_, i) => i).filter(() => d.boolean());
      const keepDims = d.boolean();
      return { inputs: [distinct(shape)], call: (x) => call(x, axes, { keepDims }) };
    },
    failures: () => [
      { inputs: [{ shape: [3, 0] }], call: (x) => call(x, 1), message: new RegExp(`${name}: f32.3,0. has no element`) },
      {
        inputs: [{ shape: [3], dtype: "i32" }],
        call: (x) => call(x),
        message: new RegExp(`${name}: i32.3. given; f32`),
      },
    ],
  };
}

function requireElements(op: string, x: TensorSpec, axes: readonly number[]): void {
  if (x.dtype !== "f32") throw new ShapeError(`${op}: ${describe(x)} given; f32 is needed; convert with cast()`);
  if (axes.some((a) => x.shape[a] === 0))
    throw new ShapeError(`${op}: ${describe(x)} has no element along axes ${axes}; at least one is needed`);
}

/** Position of the largest element along `axis`, i32: the first of equals, and the first NaN where there is one, as in NumPy. Loses the axis.
 *  @throws ShapeError where there is no element to choose. */
export function argmax(x: Tensor, axis = -1): Tensor {
  return apply(argmaxSpec, [x], { axis: normaliseAxis("argmax", axis, x) });
}
export const argmaxSpec = argSpec("argmax", argmax, (a, b) => a > b);

/** Position of the smallest element along `axis`, i32: the first of equals, and the first NaN where there is one, as in NumPy. Loses the axis.
 *  @throws ShapeError where there is no element to choose. */
export function argmin(x: Tensor, axis = -1): Tensor {
  return apply(argminSpec, [x], { axis: normaliseAxis("argmin", axis, x) });
}
export const argminSpec = argSpec("argmin", argmin, (a, b) => a < b);

function argSpec(
  name: "argmax" | "argmin",
  call: (x: Tensor, axis?: number) => Tensor,
  beats: (a: number, b: number) => boolean,
): OpSpec<{ readonly axis: number }> {
  const better = (a: number, b: number): boolean => (Number.isNaN(a) ? !Number.isNaN(b) : beats(a, b));
  return {
    name,
    shape: ([x], { axis }) => {
      requireElements(name, x, [axis]);
      return { shape: reducedShape(x.shape, [axis], false), dtype: "i32" };
    },
    reference: ([x], { axis }, y) => {
      const strides = contiguousStrides(reducedShape(x.shape, [axis], true)).map((s, i) => (i === axis ? 0 : s));
      const step = contiguousStrides(x.shape)[axis];
      const rest = x.shape.map((d, i) => (i === axis ? 1 : d));
      forEachOffset(rest, [contiguousStrides(x.shape), strides], (_, [start, at]) => {
        for (let k = 1; k < x.shape[axis]; k++)
          if (better(x.data[start + k * step], x.data[start + y.data[at] * step])) y.data[at] = k;
      });
    },
    vjp: null,
    launch: (context, { axis }) => argCalls(context, axis, name === "argmax"),
    samples: () => [
      { inputs: [{ shape: [4, 7] }], call: (x) => call(x) },
      { inputs: [{ shape: [3, 5, 2] }], call: (x) => call(x, 1) },
      { inputs: [{ shape: [1500] }], call: (x) => call(x), note: "in parts" },
      { inputs: [{ shape: [2, 0] }], call: (x) => call(x, 0), note: "of no rows" },
    ],
    draw: (d) => {
      const shape = d.shape({ minRank: 1 });
      const axis = d.int(0, shape.length - 1);
      return { inputs: [{ shape }], call: (x) => call(x, axis) };
    },
    failures: () => [
      { inputs: [{ shape: [3, 0] }], call: (x) => call(x), message: new RegExp(`${name}: f32.3,0. has no element`) },
      { inputs: [{ shape: [] }], call: (x) => call(x), message: new RegExp(`${name}: axis -1 is out of range`) },
    ],
  };
}
