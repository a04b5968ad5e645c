/** The first elements of each row in sorted order, found without sorting the rest. */
import { topKKernel } from "../../shaders/gen/kernels.js";
import { describe, ShapeError } from "../errors.js";
import { anyNumber, requireTensor } from "../kinds.js";
import { call, type Launch, type LaunchContext, linearGrid } from "../lower.js";
import { apply, type InputSpec, type OpSpec, type Sample } from "../op.js";
import { requireArguments } from "../options.js";
import { sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { orderOf } from "./argsort.js";
import { zeros } from "./create.js";
import { asWords } from "./words.js";

interface Taken {
  readonly k: number;
  readonly descending: boolean;
}

/** More are sorted with the rest: the last step sorts them in a workgroup's memory. */
export const MOST_SELECTED = 1024;

/** Positions of the k elements of each row that a stable sort puts first, in its order. x [..., n] → i32 [..., k], for k from
 *  1 to `MOST_SELECTED`. */
export function firstOfRows(x: Tensor, k: number, descending = false): Tensor {
  return apply(firstOfRowsSpec, [x], { k, descending });
}
export const firstOfRowsSpec: OpSpec<Taken> = {
  name: "firstOfRows",
  shape: ([x], { k }) => {
    if (!(k <= x.shape.at(-1)!)) throw new ShapeError(`firstOfRows: ${k} of the rows of ${describe(x)} asked for`);
    return { shape: [...x.shape.slice(0, -1), k], dtype: "i32" };
  },
  reference: ([x], { k, descending }, y) => {
    const n = x.shape.at(-1)!;
    for (let row = 0; row * n < x.data.length; row++)
      y.data.set(orderOf(x.data.subarray(row * n, (row + 1) * n), descending).slice(0, k), row * k);
  },
  vjp: null,
  launch: (context, attrs) => selectCalls(context, attrs, false),
  samples: () => samplesOf(firstOfRows),
  draw: (d) => {
    const shape = d.shape({ minRank: 1, maxRank: 3, maxSide: 9 });
    const k = d.int(1, shape.at(-1)!);
    const descending = d.boolean();
    return { inputs: [tied(shape, d.pick(["f32", "i32", "u32"]))], call: (x) => firstOfRows(x, k, descending) };
  },
  failures: () => [],
};

/** 1 at the k largest elements of each row, 0 elsewhere; among equals the first are taken, and NaN last. x [..., n] → f32 [..., n];
 *  piecewise constant, so it has no gradient. @throws ShapeError for a k that is not an integer from 0 to n. */
export function topKMask(x: Tensor, k: number): Tensor {
  requireTensor("topKMask", x);
  requireArguments("topKMask", { k: [k, anyNumber] });
  const n = x.shape.at(-1);
  if (n === undefined) throw new ShapeError(`topKMask: ${describe(x)} given; rank 1 or more is needed`);
  if (!Number.isInteger(k) || k < 0 || k > n)
    throw new ShapeError(`topKMask: ${k} of the rows of ${describe(x)} asked for; 0 to ${n} is needed`);
  return k === 0 ? zeros(x.shape) : apply(topKMaskSpec, [x], { k, descending: true });
}
export const topKMaskSpec: OpSpec<Taken> = {
  name: "topKMask",
  shape: ([x]) => ({ shape: x.shape, dtype: "f32" }),
  reference: ([x], { k, descending }, y) => {
    const n = x.shape.at(-1)!;
    for (let start = 0; start < x.data.length; start += n)
      for (const i of orderOf(x.data.subarray(start, start + n), descending).slice(0, k)) y.data[start + i] = 1;
  },
  vjp: null,
  launch: (context, attrs) => selectCalls(context, attrs, true),
  samples: () => samplesOf(topKMask),
  draw: (d) => {
    const shape = d.shape({ minRank: 1, maxRank: 3, maxSide: 9 });
    const k = d.int(0, shape.at(-1)!);
    return { inputs: [tied(shape, d.pick(["f32", "i32", "u32"]))], call: (x) => topKMask(x, k) };
  },
  failures: () => [
    { inputs: [{ shape: [] }], call: (x) => topKMask(x, 1), message: /topKMask: f32\[\] given; rank 1 or more/ },
    { inputs: [{ shape: [2, 3] }], call: (x) => topKMask(x, 4), message: /topKMask: 4 of the rows .* 0 to 3/ },
    { inputs: [{ shape: [3] }], call: (x) => topKMask(x, 1.5), message: /topKMask: 1.5 of the rows .* 0 to 3/ },
  ],
};

/** Many equal elements, where they are integers. */
function tied(shape: readonly number[], dtype: "f32" | "i32" | "u32"): InputSpec {
  return { shape, dtype, low: dtype === "i32" ? -2 : 0, high: 2 };
}

function samplesOf(f: (x: Tensor, k: number) => Tensor): Sample[] {
  return [
    { inputs: [{ shape: [2, 7] }], call: (x) => f(x, 3) },
    { inputs: [{ shape: [3, 4, 2] }], call: (x) => f(x, 2), note: "all of them" },
    { inputs: [{ shape: [2, 300], dtype: "i32", low: -1, high: 1 }], call: (x) => f(x, 250), note: "ties" },
    { inputs: [{ shape: [70], dtype: "u32", high: 2 ** 32 - 1 }], call: (x) => f(x, 1) },
    { inputs: [{ shape: [3, 784] }], call: (x) => f(x, 50) },
    { inputs: [{ shape: [2, 5000] }], call: (x) => f(x, 1000), note: "as many as there may be" },
    { inputs: [{ shape: [0, 4] }], call: (x) => f(x, 2) },
  ];
}

/** Radix selection: the last one taken is found two bits at a time from the highest, counting what shares the bits so far. */
function selectCalls(
  { inputs: [x], output: y, caps }: LaunchContext,
  { k, descending }: Taken,
  mask: boolean,
): Launch[] {
  if (sizeOf(y.shape) === 0) return [];
  const n = x.shape.at(-1)!;
  const rows = sizeOf(x.shape) / n;
  const positionBits = 32 - Math.clz32(n - 1);
  return [
    call(topKKernel, {
      bind: { x: asWords(x), y },
      params: { rows, n, taken: k, position_shift: 2 * Math.max(0, Math.ceil(positionBits / 2) - 1) },
      spec: {
        MASK: mask,
        BLOCK: 2 ** Math.ceil(Math.log2(k)),
        // A barrier costs a software adapter a switch per thread.
        THREADS: caps.software ? 8 : Math.min(256, caps.maxInvocationsPerWorkgroup),
        ...{ FLOAT: x.dtype === "f32", SIGNED: x.dtype === "i32", DESCENDING: descending },
      },
      grid: linearGrid(rows, 1, caps.maxWorkgroupsPerDimension),
    }),
  ];
}
