/** Movement that is always free: other strides over the same storage. */

import { describe, ShapeError } from "../errors.js";
import { requireTensor } from "../kinds.js";
import { apply, type OpSpec } from "../op.js";
import { isList, shown } from "../options.js";
import { contiguousStrides, normaliseAxes, normaliseAxis, type Shape } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { forEachOffset } from "./host.js";
import { reshape } from "./movement.js";

interface PermutationAttrs {
  readonly permutation: readonly number[];
}

/** Axes in another order: axis i of the result is axis permutation[i] of x; reversed by default.
 *  @throws ShapeError unless every axis is named once. */
export function transpose(x: Tensor, permutation?: readonly number[]): Tensor {
  requireTensor("transpose", x);
  if (permutation !== undefined && !isList(permutation))
    throw new TypeError(
      `transpose: permutation ${shown(permutation)} given; a list with each axis of ${describe(x)} is needed, like transpose(x, [1, 0])`,
    );
  const order = permutation
    ? permutation.map((a) => normaliseAxis("transpose", a, x))
    : x.shape.map((_, i) => x.shape.length - 1 - i);
  return apply(transposeSpec, [x], { permutation: order });
}
export const transposeSpec: OpSpec<PermutationAttrs> = {
  name: "transpose",
  routes: true,
  shape: ([x], { permutation }) => {
    if (permutation.length !== x.shape.length || new Set(permutation).size !== permutation.length)
      throw new ShapeError(
        `transpose: permutation [${permutation.join(",")}] of ${describe(x)}; each of its ${x.shape.length} axes is needed once`,
      );
    return { shape: permutation.map((a) => x.shape[a]), dtype: x.dtype };
  },
  reference: ([x], { permutation }, y) => {
    const strides = contiguousStrides(x.shape);
    forEachOffset(y.shape, [permutation.map((a) => strides[a])], (i, [at]) => {
      y.data[i] = x.data[at];
    });
  },
  vjp: (g, { attrs: { permutation } }) => [
    () =>
      transpose(
        g,
        permutation.map((_, i) => permutation.indexOf(i)),
      ),
  ],
  view: (x, { permutation }) => ({ strides: permutation.map((a) => x.strides[a]), offset: x.offset }),
  linearIn: [0],
  samples: () => [
    { inputs: [{ shape: [2, 3] }], call: (x) => transpose(x) },
    { inputs: [{ shape: [2, 3, 1, 4] }], call: (x) => transpose(x, [3, 0, -2, 1]) },
    { inputs: [{ shape: [] }], call: (x) => transpose(x) },
  ],
  draw: (d) => {
    const shape = d.shape();
    const left = shape.map((_, i) => i);
    const permutation = shape.map(() => left.splice(d.int(0, left.length - 1), 1)[0]);
    return { inputs: [{ shape }], call: (x) => transpose(x, permutation) };
  },
  failures: () => [
    {
      inputs: [{ shape: [2, 3] }],
      call: (x) => transpose(x, [0, 0]),
      message: /transpose: permutation \[0,0\] of f32\[2,3\]; each of its 2 axes is needed once/,
    },
  ],
};

interface AxesAttrs {
  readonly axes: readonly number[];
}

/** The elements in reverse order along `axes` (all by default). */
export function flip(x: Tensor, axes?: number | readonly number[]): Tensor {
  return apply(flipSpec, [x], { axes: normaliseAxes("flip", axes, x) });
}
export const flipSpec: OpSpec<AxesAttrs> = {
  name: "flip",
  routes: true,
  shape: ([x]) => ({ shape: x.shape, dtype: x.dtype }),
  reference: ([x], { axes }, y) => {
    const strides = contiguousStrides(x.shape);
    const last = axes.reduce((sum, a) => sum + strides[a] * (x.shape[a] - 1), 0);
    forEachOffset(x.shape, [strides.map((s, a) => (axes.includes(a) ? -s : s))], (i, [at]) => {
      y.data[i] = x.data[last + at];
    });
  },
  vjp: (g, { attrs: { axes } }) => [() => flip(g, axes)],
  view: (x, { axes }) => ({
    strides: x.strides.map((s, a) => (axes.includes(a) ? -s : s)),
    offset: axes.reduce((at, a) => at + x.strides[a] * Math.max(0, x.shape[a] - 1), x.offset),
  }),
  linearIn: [0],
  samples: () => [
    { inputs: [{ shape: [2, 3, 4] }], call: (x) => flip(x, [0, -1]) },
    { inputs: [{ shape: [5] }], call: (x) => flip(x) },
    { inputs: [{ shape: [0, 3] }], call: (x) => flip(x) },
  ],
  failures: () => [
    { inputs: [{ shape: [2] }], call: (x) => flip(x, 1), message: /flip: axis 1 is out of range for f32\[2\]/ },
  ],
};

/** Without the sides of 1 at `axes` (all of them by default). @throws ShapeError for another side. */
export function squeeze(x: Tensor, axes?: number | readonly number[]): Tensor {
  requireTensor("squeeze", x);
  if (axes === undefined)
    return reshape(
      x,
      x.shape.filter((d) => d !== 1),
    );
  const list = normaliseAxes("squeeze", axes, x);
  for (const a of list)
    if (x.shape[a] !== 1)
      throw new ShapeError(`squeeze: axis ${a} of ${describe(x)} has ${x.shape[a]} elements; 1 is needed`);
  return reshape(
    x,
    x.shape.filter((_, i) => !list.includes(i)),
  );
}

/** With a side of 1 put in before `axis`; -1 puts it last. x [...] → rank one higher. */
export function unsqueeze(x: Tensor, axis: number): Tensor {
  requireTensor("unsqueeze", x);
  const shape: Shape = [...x.shape, 1];
  const at = normaliseAxis("unsqueeze", axis, { shape, dtype: x.dtype });
  return reshape(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)]);
}

/** All elements in one row, row-major. x [...] → [x.size] */
export function ravel(x: Tensor): Tensor {
  requireTensor("ravel", x);
  return reshape(x, [-1]);
}
