/** Softmax and its logarithm: one kernel each way, rules in ops. */
import { softmaxGroupKernel, softmaxThreadKernel } from "../../shaders/gen/kernels.js";
import { describe, ShapeError } from "../errors.js";
import { call, gridFor, type Launch, type LaunchContext, linearGrid, type TensorSpec } from "../lower.js";
import { apply, type Draw, type Failure, type HostTensor, type OpSpec, type Sample } from "../op.js";
import { normaliseAxis, sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { mul, sub } from "./arithmetic.js";
import { sum } from "./reduce.js";
import { exp } from "./unary.js";

interface AxisAttrs {
  readonly axis: number;
}

/** exp(x) / Σ exp(x) along `axis` (default the last), without overflow. */
export function softmax(x: Tensor, axis = -1): Tensor {
  return apply(softmaxSpec, [x], { axis: normaliseAxis("softmax", axis, x) });
}
export const softmaxSpec: OpSpec<AxisAttrs> = {
  name: "softmax",
  shape: (inputs) => floatSpec("softmax", inputs),
  reference: ([x], { axis }, y) =>
    forEachRow(x, axis, (indices, largest, total) => {
      for (const i of indices) y.data[i] = Math.exp(x.data[i] - largest) / total;
    }),
  // ∂yᵢ/∂xⱼ = yᵢ (δᵢⱼ − yⱼ); of one element it is 1, whatever the element.
  vjp: (g, { output: y, attrs: { axis } }) => [
    y.shape[axis] === 1 ? null : () => mul(y, sub(g, sum(mul(g, y), axis, { keepDims: true }))),
  ],
  launch: (context, { axis }) => softmaxCalls(context, axis, false),
  ...rows(softmax),
  sums: (terms) => [{ inputs: [{ shape: [2, terms] }], call: (x) => softmax(x) }],
  failures: () => refusals("softmax", softmax),
};

/** x − log Σ exp(x) along `axis` (default the last), without overflow. */
export function logSoftmax(x: Tensor, axis = -1): Tensor {
  return apply(logSoftmaxSpec, [x], { axis: normaliseAxis("logSoftmax", axis, x) });
}
export const logSoftmaxSpec: OpSpec<AxisAttrs> = {
  name: "logSoftmax",
  shape: (inputs) => floatSpec("logSoftmax", inputs),
  reference: ([x], { axis }, y) =>
    forEachRow(x, axis, (indices, largest, total) => {
      for (const i of indices) y.data[i] = x.data[i] - largest - Math.log(total);
    }),
  // ∂yᵢ/∂xⱼ = δᵢⱼ − exp(yⱼ); of one element it is 0, whatever the element.
  vjp: (g, { output: y, attrs: { axis } }) => [
    y.shape[axis] === 1 ? null : () => sub(g, mul(exp(y), sum(g, axis, { keepDims: true }))),
  ],
  launch: (context, { axis }) => softmaxCalls(context, axis, true),
  ...rows(logSoftmax),
  sums: (terms) => [{ inputs: [{ shape: [2, terms] }], call: (x) => logSoftmax(x) }],
  failures: () => refusals("logSoftmax", logSoftmax),
};

/** Visits each row along `axis` with the flat indices of its elements, its largest element and Σ exp(x − largest). */
function forEachRow(
  x: HostTensor,
  axis: number,
  visit: (indices: readonly number[], largest: number, total: number) => void,
): void {
  const n = x.shape[axis];
  const inner = sizeOf(x.shape.slice(axis + 1));
  for (let row = 0; row < x.data.length / n; row++) {
    const first = Math.floor(row / inner) * n * inner + (row % inner);
    const indices = Array.from({ length: n }, (_, i) => first + i * inner);
    const largest = indices.reduce((m, i) => Math.max(m, x.data[i]), -Infinity);
    visit(
      indices,
      largest,
      indices.reduce((total, i) => total + Math.exp(x.data[i] - largest), 0),
    );
  }
}

/** Rows longer than this get a workgroup each, shorter ones a thread. */
const THREAD_ROW = 128;
/** So many columns beside each other fill the adapter with a thread each, and their loads lie together. */
const threadColumns = { software: 64, gpu: 16_384 };

function softmaxCalls({ inputs: [x], output: y, caps }: LaunchContext, axis: number, log: boolean): Launch[] {
  const n = x.shape[axis];
  const inner = sizeOf(x.shape.slice(axis + 1));
  const rows = sizeOf(x.shape) / n;
  const { software } = caps;
  const columns = software ? threadColumns.software : threadColumns.gpu;
  const perRow = n > THREAD_ROW && (inner < 8 || rows < columns);
  return [
    call<"softmax.group" | "softmax.thread">(perRow ? softmaxGroupKernel : softmaxThreadKernel, {
      bind: { x, y },
      params: { rows, n, inner },
      // A barrier costs a software adapter a switch per vector of threads.
      spec: perRow ? { LOG: log, THREADS: software ? 8 : 64 } : { LOG: log },
      grid: perRow
        ? linearGrid(rows, 1, caps.maxWorkgroupsPerDimension)
        : gridFor(softmaxThreadKernel, rows, caps.maxWorkgroupsPerDimension),
    }),
  ];
}

function floatSpec(op: string, [x]: readonly TensorSpec[]): TensorSpec {
  if (x.dtype !== "f32") throw new ShapeError(`${op}: ${describe(x)} given; f32 is needed; convert with cast()`);
  return { shape: x.shape, dtype: x.dtype };
}

function rows(f: (x: Tensor, axis?: number) => Tensor): { samples(): Sample[]; draw(d: Draw): Sample } {
  return {
    samples: () => [
      { inputs: [{ shape: [3, 5] }], call: (x) => f(x) },
      { inputs: [{ shape: [2, 4, 3] }], call: (x) => f(x, 1) },
      { inputs: [{ shape: [4] }], call: (x) => f(x, 0) },
      { inputs: [{ shape: [2, 150], low: -30, high: 30 }], call: (x) => f(x), note: "a workgroup per row" },
      { inputs: [{ shape: [3], low: 999, high: 1001 }], call: (x) => f(x), note: "no overflow" },
      { inputs: [{ shape: [0, 4] }], call: (x) => f(x) },
    ],
    draw: (d) => {
      const shape = d.shape({ minRank: 1, maxRank: 3 });
      const axis = d.int(-shape.length, shape.length - 1);
      return { inputs: [{ shape }], call: (x) => f(x, axis) };
    },
  };
}

function refusals(op: string, f: (x: Tensor, axis?: number) => Tensor): Failure[] {
  return [
    { inputs: [{ shape: [2, 3] }], call: (x) => f(x, 2), message: new RegExp(`${op}: axis 2 is out of range`) },
    {
      inputs: [{ shape: [2, 3], dtype: "i32" }],
      call: (x) => f(x),
      message: new RegExp(`${op}: i32\\[2,3\\] given; f32 is needed`),
    },
  ];
}
