/** Parts of a tensor, and a tensor as part of a larger one; each is the other's adjoint. */
import { placeKernel } from "../../shaders/gen/kernels.js";
import { describe, ShapeError } from "../errors.js";
import { aCount, anyNumber, requireTensor } from "../kinds.js";
import { call, gridFor, type Launch, type LaunchContext } from "../lower.js";
import { apply, type OpSpec } from "../op.js";
import { holds, isList, rangeOf, requireArguments, shown, shownList } from "../options.js";
import { contiguousStrides, normaliseAxis, type Shape, sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { forEachOffset } from "./host.js";
import { asWords, wordOf } from "./words.js";

/** Element i of the part lies at starts + i · steps of the whole, axis by axis; steps may be negative. */
interface Part {
  readonly starts: readonly number[];
  readonly steps: readonly number[];
}

interface SliceAttrs extends Part {
  readonly sizes: Shape;
}

/** `sizes[a]` elements of each axis a, from `starts[a]` by `steps[a]` (1 by default, negative runs backwards). A negative
 *  start counts from the end; a size of -1 takes all that fit. Free. @throws ShapeError when the part leaves the tensor. */
export function slice(x: Tensor, starts: Shape, sizes: Shape, given?: Shape): Tensor {
  requireTensor("slice", x);
  const rank = x.shape.length;
  const steps = given === undefined ? x.shape.map(() => 1) : given;
  const areIntegers = [starts, sizes, steps].every((list) => isList(list) && list.every(Number.isInteger));
  if (!areIntegers || starts.length !== rank || sizes.length !== rank || steps.length !== rank || steps.includes(0))
    throw new ShapeError(
      `slice: starts ${shownList(starts)}, sizes ${shownList(sizes)}, steps ${shownList(steps)} for ${describe(x)}; ` +
        `integers, ${rank} of each are needed, and steps other than 0`,
    );
  const from = starts.map((s, a) => (s < 0 ? s + x.shape[a] : s));
  const fitting = (a: number): number =>
    Math.max(0, Math.ceil((steps[a] > 0 ? x.shape[a] - from[a] : -1 - from[a]) / steps[a]));
  return apply(sliceSpec, [x], { starts: from, sizes: sizes.map((n, a) => (n === -1 ? fitting(a) : n)), steps });
}
export const sliceSpec: OpSpec<SliceAttrs> = {
  name: "slice",
  routes: true,
  shape: ([x], { starts, sizes, steps }) => {
    requireInside("slice", x.shape, sizes, { starts, steps });
    return { shape: sizes, dtype: x.dtype };
  },
  reference: ([x], { sizes, ...part }, y) => {
    const { strides, offset } = layoutOf(part, contiguousStrides(x.shape), 0);
    forEachOffset(sizes, [strides], (i, [at]) => {
      y.data[i] = x.data[offset + at];
    });
  },
  vjp: (g, { inputs: [x], attrs: { starts, steps } }) => [() => place(g, x.shape, starts, steps)],
  view: (x, part) => layoutOf(part, x.strides, x.offset),
  linearIn: [0],
  samples: () => [
    { inputs: [{ shape: [4, 5] }], call: (x) => slice(x, [1, 0], [2, -1]) },
    { inputs: [{ shape: [7, 3] }], call: (x) => slice(x, [-1, 1], [-1, 2], [-2, 1]) },
    { inputs: [{ shape: [2, 3, 6] }], call: (x) => slice(x, [0, 0, 1], [2, 3, 3], [1, 1, 2]) },
    { inputs: [{ shape: [3] }], call: (x) => slice(x, [3], [0]), note: "empty" },
  ],
  draw: (d) => {
    const shape = d.shape({ maxRank: 3, maxSide: 5 });
    const starts = shape.map((n) => d.int(0, n - 1));
    const steps = shape.map(() => d.pick([-2, -1, 1, 2]));
    const sizes = shape.map(() => -1);
    return { inputs: [{ shape }], call: (x) => slice(x, starts, sizes, steps) };
  },
  failures: () => [
    {
      inputs: [{ shape: [4] }],
      call: (x) => slice(x, [2], [3]),
      message: /slice: 3 elements from 2 by 1 on axis 0 leave \[4\]/,
    },
    { inputs: [{ shape: [4] }], call: (x) => slice(x, [0, 0], [1]), message: /slice: starts .* 1 of each are needed/ },
  ],
};

function layoutOf({ starts, steps }: Part, strides: readonly number[], offset: number) {
  return {
    strides: strides.map((s, a) => s * steps[a]),
    offset: starts.reduce((at, start, a) => at + start * strides[a], offset),
  };
}

function requireInside(op: string, whole: Shape, sizes: Shape, { starts, steps }: Part): void {
  for (const [a, n] of sizes.entries()) {
    const last = starts[a] + (n - 1) * steps[a];
    const inside = (at: number): boolean => Number.isInteger(at) && at >= 0 && at < whole[a];
    if (!Number.isInteger(n) || n < 0 || (n > 0 && !(inside(starts[a]) && inside(last))))
      throw new ShapeError(
        `${op}: ${n} elements from ${starts[a]} by ${steps[a]} on axis ${a} leave [${whole.join(",")}]; ` +
          `positions 0 to ${whole[a] - 1} exist`,
      );
  }
}

interface PlaceAttrs extends Part {
  readonly shape: Shape;
  readonly value: number;
}

/** A tensor of `shape` that holds x at starts + i · steps and `value` elsewhere; the adjoint of `slice` where that is 0. */
function place(x: Tensor, shape: Shape, starts: Shape, steps: Shape, value = 0): Tensor {
  return apply(placeSpec, [x], { shape, starts, steps, value });
}
export const placeSpec: OpSpec<PlaceAttrs> = {
  name: "place",
  routes: true,
  shape: ([x], { shape, ...part }) => {
    requireInside("place", shape, x.shape, part);
    return { shape, dtype: x.dtype };
  },
  reference: ([x], { value, ...part }, y) => {
    y.data.fill(value);
    const { strides, offset } = layoutOf(part, contiguousStrides(y.shape), 0);
    forEachOffset(x.shape, [strides], (i, [at]) => {
      y.data[offset + at] = x.data[i];
    });
  },
  vjp: (g, { inputs: [x], attrs: { starts, steps } }) => [() => slice(g, starts, x.shape, steps)],
  launch: placeCalls,
  linearIn: [],
  samples: () => [
    { inputs: [{ shape: [2, 3] }], call: (x) => place(x, [5, 4], [4, 0], [-3, 1]) },
    { inputs: [{ shape: [3] }], call: (x) => place(x, [7], [1], [2], 1.5) },
    {
      inputs: [{ shape: [2, 3, 5] }],
      call: (x) => place(x, [4, 3, 8], [1, 0, 2], [2, 1, 1], 1.5),
      note: "whole fours",
    },
    { inputs: [{ shape: [2, 2, 1, 3] }], call: (x) => place(x, [3, 4, 5, 9], [2, 3, 4, 7], [-2, -1, 1, -3]) },
    { inputs: [{ shape: [1, 1] }], call: (x) => place(x, [1, 1], [0, 0], [1, 1]), note: "one" },
    { inputs: [{ shape: [0] }], call: (x) => place(x, [3], [0], [1]), note: "nothing" },
  ],
  failures: () => [
    {
      inputs: [{ shape: [2] }],
      call: (x) => place(x, [2], [1], [1]),
      message: /place: 2 elements from 1 by 1 on axis 0/,
    },
  ],
};

function placeCalls({ inputs: [x], output: y, caps }: LaunchContext, attrs: PlaceAttrs): Launch[] {
  // [side, size, start, step] per axis; an axis that is filled joins the one before, which makes fewer divisions.
  const axes: [number, number, number, number][] = [];
  y.shape.forEach((side, a) => {
    const last = axes.at(-1);
    const [size, start, step] = [x.shape[a], attrs.starts[a], attrs.steps[a]];
    if (last && side === size && start === 0 && step === 1 && last[3] === 1) {
      last[0] *= side;
      last[1] *= side;
      last[2] *= side;
    } else if (side > 1 || size !== side) axes.push([side, size, start, step]);
  });
  if (axes.length === 0) axes.push([1, 1, 0, 1]);
  const side = axes.at(-1)![0];
  const quads = Math.ceil(side / 4);
  const count = quads * (sizeOf(y.shape) / side);
  return [
    call(placeKernel, {
      bind: { x: asWords(x), y: asWords(y) },
      params: { count, quads, value: wordOf(attrs.value, y.dtype), axes: axes.flat() },
      spec: { RANK: axes.length, STEPPED: axes.some(([, , , step]) => step !== 1), VECTORS: side % 4 === 0 },
      grid: gridFor(placeKernel, count, caps.maxWorkgroupsPerDimension),
    }),
  ];
}

/** x with `before` and `after` elements of `value` added to each axis. @throws ShapeError unless there is a pair of
 *  non-negative integers per axis. */
export function pad(x: Tensor, amounts: readonly (readonly [before: number, after: number])[], value = 0): Tensor {
  requireTensor("pad", x);
  const pairs = isList(amounts) && amounts.every((pair) => isList(pair) && pair.length === 2);
  if (!pairs || amounts.length !== x.shape.length || amounts.flat().some((n) => !Number.isInteger(n) || n < 0))
    throw new ShapeError(
      `pad: amounts ${shownList(amounts)} for ${describe(x)}; ` +
        `${x.shape.length} pairs of non-negative integers are needed`,
    );
  requireArguments("pad", { value: [value, anyNumber] });
  if (!holds(x.dtype, value))
    throw new RangeError(
      `pad: a value of ${value} for ${describe(x)}; ${rangeOf(x.dtype)} is needed; cast() to f32 before`,
    );
  if (amounts.flat().every((n) => n === 0)) return x;
  return place(
    x,
    x.shape.map((n, a) => n + amounts[a][0] + amounts[a][1]),
    amounts.map(([before]) => before),
    amounts.map(() => 1),
    value,
  );
}

/** Consecutive parts of one axis: their sizes, or how many equal ones. Free.
 *  @throws ShapeError when they do not make up the axis. */
export function split(x: Tensor, parts: number | readonly number[], axis = 0): Tensor[] {
  const at = normaliseAxis("split", axis, x);
  if (!aCount.fits(parts) && !isList(parts))
    throw new ShapeError(
      `split: ${shown(parts)} parts of ${describe(x)}; how many there are, or a list of their sizes, is needed`,
    );
  const whole = typeof parts === "number" && parts <= Math.max(1, x.shape[at]);
  const sizes = whole ? new Array<number>(parts).fill(x.shape[at] / parts) : [parts].flat();
  if (sizes.some((n) => !Number.isInteger(n) || n < 0) || sizes.reduce((a, b) => a + b, 0) !== x.shape[at])
    throw new ShapeError(
      `split: parts of ${shownList(sizes)} for axis ${at} of ${describe(x)}; integers that add to ${x.shape[at]} are needed`,
    );
  let start = 0;
  return sizes.map((n) => {
    const part = slice(
      x,
      x.shape.map((_, a) => (a === at ? start : 0)),
      x.shape.map((d, a) => (a === at ? n : d)),
    );
    start += n;
    return part;
  });
}
