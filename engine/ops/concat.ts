/** Tensors side by side. */
import { concatKernel } from "../../shaders/gen/kernels.js";
import { describe, ShapeError } from "../errors.js";
import { anInteger, requireTensor } from "../kinds.js";
import { call, gridFor, type Launch } from "../lower.js";
import { apply, type OpSpec } from "../op.js";
import { isList, requireArguments, shown } from "../options.js";
import { normaliseAxis, sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { slice } from "./slice.js";
import { unsqueeze } from "./view.js";
import { asWords } from "./words.js";

interface ConcatAttrs {
  readonly axis: number;
}

/** The second tensor of `concat(a, b)` would be taken for the axis. */
function requireTensors(op: string, xs: readonly Tensor[], axis: number): void {
  if (!isList(xs)) throw new TypeError(`${op}: ${shown(xs)} given; a list of tensors is needed: ${op}([a, b], axis)`);
  for (const x of xs) requireTensor(op, x);
  requireArguments(op, { axis: [axis, anInteger] });
}

/** Tensors one after the other along `axis`; the other sides and the dtype are the same. @throws ShapeError otherwise. */
export function concat(xs: readonly Tensor[], axis = 0): Tensor {
  requireTensors("concat", xs, axis);
  if (xs.length === 0) throw new ShapeError("concat: no tensor given; at least one is needed");
  return apply(concatSpec, xs, { axis: normaliseAxis("concat", axis, xs[0]) });
}
export const concatSpec: OpSpec<ConcatAttrs> = {
  name: "concat",
  routes: true,
  shape: (xs, { axis }) => {
    const [first] = xs;
    for (const x of xs)
      if (
        x.dtype !== first.dtype ||
        x.shape.length !== first.shape.length ||
        x.shape.some((d, a) => a !== axis && d !== first.shape[a])
      )
        throw new ShapeError(
          `concat: ${describe(first)} and ${describe(x)} along axis ${axis}; dtype and all other sides must be the same`,
        );
    const total = xs.reduce((sum, x) => sum + x.shape[axis], 0);
    return { shape: first.shape.map((d, a) => (a === axis ? total : d)), dtype: first.dtype };
  },
  reference: (xs, { axis }, y) => {
    const row = sizeOf(y.shape.slice(axis));
    let start = 0;
    for (const x of xs) {
      const size = sizeOf(x.shape.slice(axis));
      for (let i = 0; i < x.data.length; i++) y.data[Math.floor(i / size) * row + start + (i % size)] = x.data[i];
      start += size;
    }
  },
  vjp: (g, { inputs, attrs: { axis } }) => {
    let start = 0;
    return inputs.map((x) => {
      const starts = x.shape.map((_, a) => (a === axis ? start : 0));
      start += x.shape[axis];
      return () => slice(g, starts, x.shape);
    });
  },
  launch: ({ inputs, output: y, caps }, { axis }) => {
    const sizes = inputs.map((x) => sizeOf(x.shape.slice(axis)));
    const quads = sizes.every((size) => size % 4 === 0);
    const width = quads ? 4 : 1;
    const row = sizes.reduce((a, b) => a + b, 0) / width;
    let start = 0;
    return inputs.flatMap((x, i): Launch[] => {
      const count = sizeOf(x.shape) / width;
      const size = sizes[i] / width;
      const params = { count, size, row, start };
      start += size;
      if (count === 0) return [];
      const bind = { x: asWords(x), y: asWords(y) };
      const grid = gridFor(concatKernel, count, caps.maxWorkgroupsPerDimension);
      return [call(concatKernel, { bind, params, spec: { QUADS: quads }, grid })];
    });
  },
  linearIn: [],
  samples: () => [
    { inputs: [{ shape: [2, 3] }, { shape: [2, 1] }, { shape: [2, 2] }], call: (...xs) => concat(xs, 1) },
    {
      inputs: [{ shape: [2, 3] }, { shape: [0, 3] }, { shape: [1, 3] }],
      call: (...xs) => concat(xs),
      note: "one empty",
    },
    { inputs: [{ shape: [2, 4] }, { shape: [2, 8] }], call: (...xs) => concat(xs, 1), note: "by fours" },
    { inputs: [{ shape: [2] }], call: (x) => concat([x, x]), note: "the same twice" },
    {
      inputs: [
        { shape: [3], dtype: "i32" },
        { shape: [2], dtype: "i32" },
      ],
      call: (...xs) => concat(xs),
    },
    { inputs: [{ shape: [2, 3] }, { shape: [2, 3] }], call: (...xs) => stack(xs, -1), note: "stack" },
  ],
  draw: (d) => {
    const shape = d.shape({ minRank: 1, maxRank: 3, maxSide: 3 });
    const axis = d.int(0, shape.length - 1);
    const other = shape.map((n, a) => (a === axis ? d.int(1, 3) : n));
    return { inputs: [{ shape }, { shape: other }], call: (...xs) => concat(xs, axis) };
  },
  failures: () => [
    {
      inputs: [{ shape: [2, 3] }, { shape: [3, 3] }],
      call: (...xs) => concat(xs, 1),
      message: /concat: f32\[2,3\] and f32\[3,3\] along axis 1; dtype and all other sides/,
    },
    { inputs: [], call: () => concat([]), message: /concat: no tensor given/ },
  ],
};

/** Tensors of one shape along a new axis. n tensors [...] → rank one higher, side n at `axis`. */
export function stack(xs: readonly Tensor[], axis = 0): Tensor {
  requireTensors("stack", xs, axis);
  if (xs.length === 0) throw new ShapeError("stack: no tensor given; at least one is needed");
  return concat(
    xs.map((x) => unsqueeze(x, axis)),
    axis,
  );
}
