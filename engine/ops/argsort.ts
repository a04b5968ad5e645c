/** The order that sorts rows, as an op: bitonic sorting on the GPU. */
import { sortBlockKernel, sortMergeKernel, sortStepKernel } from "../../shaders/gen/kernels.js";
import { describe, ShapeError } from "../errors.js";
import type { HostArray } from "../executor.js";
import { call, gridFor, type Launch, type LaunchContext, linearGrid } from "../lower.js";
import { apply, type OpSpec } from "../op.js";
import { sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { asWords } from "./words.js";

/** Positions along the last axis in sorted order, i32, of x's shape. */
export function argsortRows(x: Tensor, descending = false): Tensor {
  return apply(argsortSpec, [x], { descending });
}
export const argsortSpec: OpSpec<{ readonly descending: boolean }> = {
  name: "argsort",
  shape: ([x]) => {
    if (x.shape.length === 0) throw new ShapeError(`argsort: ${describe(x)} given; rank 1 or more is needed`);
    return { shape: x.shape, dtype: "i32" };
  },
  reference: ([x], { descending }, y) => {
    const n = x.shape.at(-1)!;
    for (let start = 0; start < x.data.length; start += n)
      y.data.set(orderOf(x.data.subarray(start, start + n), descending), start);
  },
  vjp: null,
  launch: argsortCalls,
  samples: () => [
    { inputs: [{ shape: [2, 7] }], call: (x) => argsortRows(x) },
    { inputs: [{ shape: [3, 4, 2] }], call: (x) => argsortRows(x, true) },
    { inputs: [{ shape: [40], dtype: "i32", low: -3, high: 3 }], call: (x) => argsortRows(x), note: "ties" },
    {
      inputs: [{ shape: [40], dtype: "i32", low: -3, high: 3 }],
      call: (x) => argsortRows(x, true),
      note: "ties, descending",
    },
    { inputs: [{ shape: [2, 9], dtype: "u32", high: 2 ** 32 - 1 }], call: (x) => argsortRows(x) },
    { inputs: [{ shape: [2, 3000] }], call: (x) => argsortRows(x), note: "several passes" },
    { inputs: [{ shape: [3, 1] }], call: (x) => argsortRows(x) },
    { inputs: [{ shape: [3, 0] }], call: (x) => argsortRows(x) },
  ],
  draw: (d) => {
    const shape = d.shape({ minRank: 1, maxRank: 3, maxSide: 6 });
    const descending = d.boolean();
    return {
      inputs: [{ shape, dtype: d.pick(["f32", "i32", "u32"]), low: d.boolean() ? 0 : -2, high: 2 } as const],
      call: (x) => argsortRows(x, descending),
    };
  },
  failures: () => [
    {
      inputs: [{ shape: [] }],
      call: (x) => argsortRows(x),
      message: /argsort: f32\[\] given; rank 1 or more is needed/,
    },
  ],
};

/** The order that sorts a row on the host. */
export function orderOf(row: HostArray, descending: boolean): number[] {
  // Array sorting is stable by the language's definition.
  return Array.from(row.keys()).sort((i, j) => compare(row[i], row[j], descending));
}

function compare(a: number, b: number, descending: boolean): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return descending ? b - a : a - b;
}

/** Elements a workgroup sorts in its own memory, as (key, position) pairs of 8 bytes. */
const BLOCK = 1024;

/**
 * Bitonic sorting of (key, position) pairs, which are all different, so that the order is the stable one. Rows are padded
 * to a power of two with pairs that sort last. Source: Batcher, "Sorting networks and their applications", 1968.
 */
export function argsortCalls(
  { inputs: [x], output: y, caps, temp }: LaunchContext,
  attrs: { descending: boolean },
): Launch[] {
  const n = x.shape.at(-1)!;
  const rows = sizeOf(x.shape) / n;
  const padded = 2 ** Math.ceil(Math.log2(n));
  const limit = caps.maxWorkgroupsPerDimension;
  // A barrier costs a software adapter a switch per thread.
  const spec = { BLOCK, THREADS: caps.software ? 32 : Math.min(256, caps.maxInvocationsPerWorkgroup) };
  const load = { ...spec, FLOAT: x.dtype === "f32", SIGNED: x.dtype === "i32", DESCENDING: attrs.descending };
  const words = asWords(x);
  const params = { n, padded, rows };
  const blocks = linearGrid(rows * padded, BLOCK, limit);
  if (padded <= BLOCK) {
    const whole = { ...load, WHOLE: true };
    return [
      call(sortBlockKernel, { bind: { x: words, y }, params: { ...params, run: padded }, spec: whole, grid: blocks }),
    ];
  }

  const pairs = temp([rows, padded, 2], "u32");
  const half = (rows * padded) / 2;
  const calls: Launch[] = [
    call(sortBlockKernel, { bind: { x: words, pairs }, params: { ...params, run: BLOCK }, spec: load, grid: blocks }),
  ];
  for (let run = 2 * BLOCK; run <= padded; run *= 2) {
    for (let span = run; span > BLOCK; span /= 2)
      calls.push(
        call(sortStepKernel, {
          bind: { pairs },
          params: { count: half, span, mirrored: Number(span === run) },
          grid: gridFor(sortStepKernel, half, limit),
        }),
      );
    const last = run === padded;
    const bind = last ? { pairs, y } : { pairs };
    calls.push(call(sortMergeKernel, { bind, params, spec: { ...spec, LAST: last }, grid: blocks }));
  }
  return calls;
}
