/** Elements chosen by index, and sums into chosen places: each is the other's adjoint. An index outside the axis, negative ones
 *  included, reads 0 and adds nowhere, as a one-hot row of zeros would. */
import { gatherKernel, scatterAddKernel, scatterAddSortedKernel } from "../../shaders/gen/kernels.js";
import { describe, ShapeError } from "../errors.js";
import { aNatural, requireTensor } from "../kinds.js";
import { call, gridFor, type Launch, type LaunchContext, type TensorSpec } from "../lower.js";
import { apply, type HostTensor, type OpSpec } from "../op.js";
import { requireArguments, shown } from "../options.js";
import { contiguousStrides, normaliseAxis, type Shape, sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { argsortCalls } from "./argsort.js";
import { asWords } from "./words.js";

interface AxisAttrs {
  readonly axis: number;
}
interface ScatterAttrs extends AxisAttrs {
  /** Side of the result at `axis`. */
  readonly size: number;
}

/** Slices of x along `axis` (default 0): x [a, n, b], indices i32 [...i] → [a, ...i, b], 0 where an index is outside. */
export function gather(x: Tensor, indices: Tensor, axis = 0): Tensor {
  return apply(gatherSpec, [x, indices], { axis: normaliseAxis("gather", axis, x) });
}
export const gatherSpec: OpSpec<AxisAttrs> = {
  name: "gather",
  routes: true,
  shape: ([x, indices], { axis }) => {
    requireIndices("gather", indices);
    return { shape: [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)], dtype: x.dtype };
  },
  reference: ([x, indices], { axis }, y) => gatherLoop(x, indices, y, axis, false),
  vjp: (g, { inputs: [x, indices], attrs: { axis } }) => [() => scatterAdd(g, indices, x.shape[axis], axis), null],
  launch: (context, { axis }) => gatherCalls(context, axis, sizeOf(context.inputs[1].shape), false),
  linearIn: [0],
  samples: () => [
    { inputs: [{ shape: [5, 3] }, { shape: [4], dtype: "i32", high: 4 }], call: (x, i) => gather(x, i) },
    {
      inputs: [{ shape: [3, 2, 4] }, { shape: [5], dtype: "i32", low: -1, high: 3 }],
      call: (x, i) => gather(x, i),
      note: "by fours",
    },
    { inputs: [{ shape: [2, 5, 3] }, { shape: [2, 2], dtype: "i32", high: 4 }], call: (x, i) => gather(x, i, 1) },
    {
      inputs: [{ shape: [4, 3] }, { shape: [], dtype: "i32", high: 2 }],
      call: (x, i) => gather(x, i, -1),
      note: "one",
    },
    {
      inputs: [{ shape: [3, 2] }, { shape: [6], dtype: "i32", low: -2, high: 4 }],
      call: (x, i) => gather(x, i),
      note: "outside",
    },
    {
      inputs: [
        { shape: [4], dtype: "i32" },
        { shape: [3], dtype: "i32", high: 3 },
      ],
      call: (x, i) => gather(x, i),
    },
  ],
  failures: () => [
    {
      inputs: [{ shape: [5] }, { shape: [4] }],
      call: (x, i) => gather(x, i),
      message: /gather: indices are f32\[4\]; i32 is needed/,
    },
  ],
};

/** The adjoint of `gather`: slices of x are added up where `indices` says. x [a, ...i, b], indices i32 [...i] → [a, size, b],
 *  with `axis` the number of sides in a. The order of additions is fixed. @throws ShapeError when the sides at `axis` are not those of `indices`. */
export function scatterAdd(x: Tensor, indices: Tensor, size: number, axis = 0): Tensor {
  requireTensor("scatterAdd", x);
  requireArguments("scatterAdd", { size: [size, aNatural], axis: [axis, aNatural] });
  return apply(scatterAddSpec, [x, indices], { axis, size });
}
export const scatterAddSpec: OpSpec<ScatterAttrs> = {
  name: "scatterAdd",
  shape: ([x, indices], { axis, size }) => {
    requireIndices("scatterAdd", indices);
    requireFloat("scatterAdd", x);
    const end = axis + indices.shape.length;
    if (axis < 0 || end > x.shape.length || indices.shape.some((d, i) => d !== x.shape[axis + i]))
      throw new ShapeError(
        `scatterAdd: ${describe(x)} at axis ${axis} with indices ${describe(indices)}; the sides there must be the same`,
      );
    requireSize("scatterAdd", size);
    return { shape: [...x.shape.slice(0, axis), size, ...x.shape.slice(end)], dtype: x.dtype };
  },
  reference: ([x, indices], { axis }, y) => scatterLoop(x, indices, y, axis, false),
  vjp: (g, { inputs: [, indices], attrs: { axis } }) => [() => gather(g, indices, axis), null],
  launch: (context, { axis }) => scatterCalls(context, axis, sizeOf(context.inputs[1].shape), false),
  sums: (terms) => [
    { inputs: [{ shape: [terms, 2] }, { shape: [terms], dtype: "i32", high: 0 }], call: (x, i) => scatterAdd(x, i, 2) },
  ],
  linearIn: [0],
  samples: () => [
    { inputs: [{ shape: [6, 3] }, { shape: [6], dtype: "i32", high: 3 }], call: (x, i) => scatterAdd(x, i, 4) },
    {
      inputs: [{ shape: [2, 3, 2, 2] }, { shape: [3, 2], dtype: "i32", high: 4 }],
      call: (x, i) => scatterAdd(x, i, 5, 1),
    },
    {
      inputs: [{ shape: [5] }, { shape: [5], dtype: "i32", low: -1, high: 4 }],
      call: (x, i) => scatterAdd(x, i, 3),
      note: "outside",
    },
    {
      inputs: [{ shape: [2, 400, 3] }, { shape: [400], dtype: "i32", low: -3, high: 170 }],
      call: (x, i) => scatterAdd(x, i, 160, 1),
      note: "sorted",
    },
    { inputs: [{ shape: [0] }, { shape: [0], dtype: "i32" }], call: (x, i) => scatterAdd(x, i, 3), note: "nothing" },
  ],
  failures: () => [
    {
      inputs: [{ shape: [5, 2] }, { shape: [4], dtype: "i32" }],
      call: (x, i) => scatterAdd(x, i, 3),
      message: /scatterAdd: f32\[5,2\] at axis 0 with indices i32\[4\]; the sides there must be the same/,
    },
  ],
};

/** An element of x per index: y[a, i, b] = x[a, indices[a, i, b], b], as NumPy's take_along_axis. The sides of `indices` are those
 *  of x but for `axis`. 0 where an index is outside. */
export function gatherAlong(x: Tensor, indices: Tensor, axis = -1): Tensor {
  return apply(gatherAlongSpec, [x, indices], { axis: normaliseAxis("gatherAlong", axis, x) });
}
export const gatherAlongSpec: OpSpec<AxisAttrs> = {
  name: "gatherAlong",
  routes: true,
  shape: ([x, indices], { axis }) => {
    requireIndices("gatherAlong", indices);
    requireAligned("gatherAlong", x, indices, axis);
    return { shape: indices.shape, dtype: x.dtype };
  },
  reference: ([x, indices], { axis }, y) => gatherLoop(x, indices, y, axis, true),
  vjp: (g, { inputs: [x, indices], attrs: { axis } }) => [() => scatterAlong(g, indices, x.shape[axis], axis), null],
  launch: (context, { axis }) => gatherCalls(context, axis, context.inputs[1].shape[axis], true),
  linearIn: [0],
  samples: () => [
    { inputs: [{ shape: [2, 5] }, { shape: [2, 3], dtype: "i32", high: 4 }], call: (x, i) => gatherAlong(x, i) },
    {
      inputs: [{ shape: [4, 3] }, { shape: [6, 3], dtype: "i32", low: -1, high: 4 }],
      call: (x, i) => gatherAlong(x, i, 0),
    },
    {
      inputs: [{ shape: [2, 4, 2] }, { shape: [2, 1, 2], dtype: "i32", high: 3 }],
      call: (x, i) => gatherAlong(x, i, 1),
    },
  ],
  failures: () => [
    {
      inputs: [{ shape: [2, 5] }, { shape: [3, 3], dtype: "i32" }],
      call: (x, i) => gatherAlong(x, i),
      message: /gatherAlong: f32\[2,5\] and indices i32\[3,3\]; all sides but that of axis 1 must be the same/,
    },
  ],
};

/** The adjoint of `gatherAlong`: y[a, indices[a, i, b], b] += x[a, i, b], with side `size` at `axis`. */
export function scatterAlong(x: Tensor, indices: Tensor, size: number, axis = -1): Tensor {
  return apply(scatterAlongSpec, [x, indices], { axis: normaliseAxis("scatterAlong", axis, x), size });
}
export const scatterAlongSpec: OpSpec<ScatterAttrs> = {
  name: "scatterAlong",
  shape: ([x, indices], { axis, size }) => {
    requireIndices("scatterAlong", indices);
    requireFloat("scatterAlong", x);
    requireAligned("scatterAlong", x, indices, axis);
    if (indices.shape[axis] !== x.shape[axis])
      throw new ShapeError(`scatterAlong: ${describe(x)} and indices ${describe(indices)}; one shape is needed`);
    requireSize("scatterAlong", size);
    return { shape: x.shape.map((d, a) => (a === axis ? size : d)), dtype: x.dtype };
  },
  reference: ([x, indices], { axis }, y) => scatterLoop(x, indices, y, axis, true),
  vjp: (g, { inputs: [, indices], attrs: { axis } }) => [() => gatherAlong(g, indices, axis), null],
  launch: (context, { axis }) => scatterCalls(context, axis, context.inputs[0].shape[axis], true),
  sums: (terms) => [
    {
      inputs: [{ shape: [2, terms] }, { shape: [2, terms], dtype: "i32", high: 0 }],
      call: (x, i) => scatterAlong(x, i, 2),
    },
  ],
  linearIn: [0],
  samples: () => [
    { inputs: [{ shape: [2, 5] }, { shape: [2, 5], dtype: "i32", high: 2 }], call: (x, i) => scatterAlong(x, i, 3) },
    {
      inputs: [{ shape: [4, 3] }, { shape: [4, 3], dtype: "i32", low: -1, high: 3 }],
      call: (x, i) => scatterAlong(x, i, 2, 0),
    },
    {
      inputs: [{ shape: [2, 1100] }, { shape: [2, 1100], dtype: "i32", low: -2, high: 400 }],
      call: (x, i) => scatterAlong(x, i, 390),
      note: "sorted",
    },
  ],
  failures: () => [
    {
      inputs: [{ shape: [2, 5] }, { shape: [2, 3], dtype: "i32" }],
      call: (x, i) => scatterAlong(x, i, 4),
      message: /scatterAlong: f32\[2,5\] and indices i32\[2,3\]; one shape is needed/,
    },
  ],
};

function requireIndices(op: string, indices: TensorSpec): void {
  if (indices.dtype !== "i32")
    throw new ShapeError(`${op}: indices are ${describe(indices)}; i32 is needed; convert with cast()`);
}

function requireFloat(op: string, x: TensorSpec): void {
  if (x.dtype !== "f32") throw new ShapeError(`${op}: ${describe(x)} given; f32 is needed; convert with cast()`);
}

function requireSize(op: string, size: number): void {
  if (!aNatural.fits(size) || size >= 2 ** 32)
    throw new ShapeError(`${op}: a size of ${shown(size)}; a non-negative integer is needed`);
}

function requireAligned(op: string, x: TensorSpec, indices: TensorSpec, axis: number): void {
  if (x.shape.length !== indices.shape.length || x.shape.some((d, a) => a !== axis && d !== indices.shape[a]))
    throw new ShapeError(
      `${op}: ${describe(x)} and indices ${describe(indices)}; all sides but that of axis ${axis} must be the same`,
    );
}

/** Calls `visit(position in the picks, position in the whole)` for every index that is inside. `picks` and `whole` are
 *  [outer, ...] and [outer, side, inner]. */
function forEachPick(
  indices: HostTensor,
  whole: Shape,
  picks: number,
  axis: number,
  along: boolean,
  visit: (pick: number, at: number) => void,
): void {
  const outer = sizeOf(whole.slice(0, axis));
  const inner = sizeOf(whole.slice(axis + 1));
  const side = whole[axis];
  for (let o = 0; o < outer; o++)
    for (let i = 0; i < picks; i++)
      for (let n = 0; n < inner; n++) {
        const pick = (o * picks + i) * inner + n;
        const at = indices.data[along ? pick : i];
        if (at >= 0 && at < side) visit(pick, (o * side + at) * inner + n);
      }
}

function gatherLoop(x: HostTensor, indices: HostTensor, y: HostTensor, axis: number, along: boolean): void {
  const picks = along ? indices.shape[axis] : sizeOf(indices.shape);
  forEachPick(indices, x.shape, picks, axis, along, (pick, at) => {
    y.data[pick] = x.data[at];
  });
}

function scatterLoop(x: HostTensor, indices: HostTensor, y: HostTensor, axis: number, along: boolean): void {
  const picks = along ? indices.shape[axis] : sizeOf(indices.shape);
  forEachPick(indices, y.shape, picks, axis, along, (pick, at) => {
    y.data[at] += x.data[pick];
  });
}

function gatherCalls(
  { inputs: [x, indices], output: y, caps }: LaunchContext,
  axis: number,
  picks: number,
  along: boolean,
): Launch[] {
  const inner = sizeOf(x.shape.slice(axis + 1));
  const quads = !along && inner % 4 === 0;
  const width = quads ? 4 : 1;
  const count = sizeOf(y.shape) / width;
  return [
    call(gatherKernel, {
      bind: { x: asWords(x), indices, y: asWords(y) },
      params: { count, side: x.shape[axis], picks, inner: inner / width },
      spec: { ALONG: along, QUADS: quads },
      grid: gridFor(gatherKernel, count, caps.maxWorkgroupsPerDimension),
    }),
  ];
}

/** Whether to sort the picks first: the alternative looks at every pick for every result. */
function sortPays(results: number, outer: number, picks: number, inner: number, rows: number): boolean {
  const levels = Math.ceil(Math.log2(picks + 1));
  // In steps of the alternative; a compare-and-exchange costs about four of them, a step of the bisection two.
  const sorting = rows * 2 ** levels * levels * (levels + 1);
  return smallestSorted + sorting + 2 * results * levels + 2 * outer * picks * inner < results * picks;
}
/** What the launches of sorting cost at least, in the same unit. */
const smallestSorted = 2 ** 17;

function scatterCalls(ctx: LaunchContext, axis: number, picks: number, along: boolean): Launch[] {
  const { inputs, output: y, caps } = ctx;
  const [x, indices] = inputs;
  const count = sizeOf(y.shape);
  const inner = sizeOf(y.shape.slice(axis + 1));
  const outer = sizeOf(y.shape.slice(0, axis));
  const params = { count, side: y.shape[axis], picks, inner };
  const rows = along ? outer : 1;
  if ((along && inner !== 1) || !sortPays(count, outer, picks, inner, rows))
    return [
      call(scatterAddKernel, {
        bind: { x, indices, y },
        params,
        spec: { ALONG: along },
        grid: gridFor(scatterAddKernel, count, caps.maxWorkgroupsPerDimension),
      }),
    ];
  const shape = [rows, picks];
  const order = ctx.temp(shape, "i32");
  const keys = { ...indices, shape, strides: contiguousStrides(shape) };
  return [
    ...argsortCalls({ caps, inputs: [keys], output: order, temp: (...a) => ctx.temp(...a) }, { descending: false }),
    call(scatterAddSortedKernel, {
      bind: { x, indices, order: asWords(order), y },
      params,
      spec: { ALONG: along },
      grid: gridFor(scatterAddSortedKernel, count, caps.maxWorkgroupsPerDimension),
    }),
  ];
}
