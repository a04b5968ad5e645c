/** Running sums. */

import { cumsumKernel } from "../../shaders/gen/kernels.js";
import { describe, ShapeError } from "../errors.js";
import { aFlag } from "../kinds.js";
import { call, gridFor, type KernelCall, type Launch, type LaunchContext, type Operand } from "../lower.js";
import { apply, type OpSpec } from "../op.js";
import { checkedOptions } from "../options.js";
import { normaliseAxis, sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";

interface CumsumAttrs {
  readonly axis: number;
  readonly reverse: boolean;
}

/** Running sums along `axis`, each element included; with `reverse` from the end. Same shape. */
export function cumsum(x: Tensor, axis = 0, options: { readonly reverse?: boolean } = {}): Tensor {
  const { reverse = false } = checkedOptions("cumsum", options, { reverse: aFlag });
  return apply(cumsumSpec, [x], { axis: normaliseAxis("cumsum", axis, x), reverse });
}
export const cumsumSpec: OpSpec<CumsumAttrs> = {
  name: "cumsum",
  shape: ([x]) => {
    if (x.dtype !== "f32") throw new ShapeError(`cumsum: ${describe(x)} given; f32 is needed; convert with cast()`);
    return { shape: x.shape, dtype: x.dtype };
  },
  reference: ([x], { axis, reverse }, y) => {
    const n = x.shape[axis];
    const inner = sizeOf(x.shape.slice(axis + 1));
    for (let row = 0; row < x.data.length / n; row++) {
      const first = Math.floor(row / inner) * n * inner + (row % inner);
      let total = 0;
      for (let k = 0; k < n; k++) {
        const at = first + (reverse ? n - 1 - k : k) * inner;
        total += x.data[at];
        y.data[at] = total;
      }
    }
  },
  vjp: (g, { attrs: { axis, reverse } }) => [() => cumsum(g, axis, { reverse: !reverse })],
  launch: ({ inputs: [x], output, caps, temp }, { axis, reverse }) => {
    const outer = sizeOf(x.shape.slice(0, axis));
    const inner = sizeOf(x.shape.slice(axis + 1));
    return scanCalls(x, output, { outer, n: x.shape[axis], inner, reverse }, caps, temp);
  },
  linearIn: [0],
  sums: (terms) => [
    { inputs: [{ shape: [terms] }], call: (x) => cumsum(x), note: "all" },
    { inputs: [{ shape: [terms, 2] }], call: (x) => cumsum(x, 0, { reverse: true }), note: "columns, reversed" },
    { inputs: [{ shape: [300, terms >> 3] }], call: (x) => cumsum(x, 1), note: "many rows" },
  ],
  samples: () => [
    { inputs: [{ shape: [2, 3, 4] }], call: (x) => cumsum(x, 1) },
    { inputs: [{ shape: [5] }], call: (x) => cumsum(x, -1, { reverse: true }) },
    { inputs: [{ shape: [2000] }], call: (x) => cumsum(x), note: "in parts" },
    { inputs: [{ shape: [2, 1500, 3] }], call: (x) => cumsum(x, 1, { reverse: true }), note: "in parts, reversed" },
    { inputs: [{ shape: [3, 0] }], call: (x) => cumsum(x, 1) },
  ],
  draw: (d) => {
    const shape = d.shape({ minRank: 1, maxRank: 3 });
    const axis = d.int(0, shape.length - 1);
    const reverse = d.boolean();
    return { inputs: [{ shape }], call: (x) => cumsum(x, axis, { reverse }) };
  },
  // Sums of up to 2000 terms pass through 0.
  tolerance: { atol: 1e-4 },
  failures: () => [
    { inputs: [{ shape: [] }], call: (x) => cumsum(x), message: /cumsum: axis 0 is out of range for f32\[\]/ },
    {
      inputs: [{ shape: [3], dtype: "i32" }],
      call: (x) => cumsum(x),
      message: /cumsum: i32\[3\] given; f32 is needed/,
    },
  ],
};

interface Scan {
  readonly outer: number;
  readonly n: number;
  readonly inner: number;
  readonly reverse: boolean;
}

/** Elements a thread sums at least, where a row is cut. */
const shortest = 64;

type ScanCall = KernelCall<"cumsum">;

/** Rows are cut so that a few long ones still fill the adapter: sums of the parts, their running sums, then the parts. */
function scanCalls(
  x: Operand,
  y: Operand,
  scan: Scan,
  caps: LaunchContext["caps"],
  temp: LaunchContext["temp"],
): Launch[] {
  const { outer, n, inner, reverse } = scan;
  const wanted = Math.ceil((caps.software ? 256 : 65_536) / (outer * inner));
  const length = Math.max(shortest, Math.ceil(n / wanted));
  const parts = Math.ceil(n / length);
  const scanCall = (bind: ScanCall["bind"], spec: ScanCall["spec"]): Launch =>
    call(cumsumKernel, {
      bind,
      params: { count: outer * parts * inner, n, parts, length, inner },
      spec: { REVERSE: reverse, ...spec },
      grid: gridFor(cumsumKernel, outer * parts * inner, caps.maxWorkgroupsPerDimension),
    });
  if (parts === 1) return [scanCall({ x, y }, {})];
  const totals = temp([outer, parts, inner]);
  const start = temp([outer, parts, inner]);
  return [
    scanCall({ x, y: totals }, { TOTALS: true }),
    ...scanCalls(totals, start, { outer, n: parts, inner, reverse }, caps, temp),
    scanCall({ x, y, start }, { STARTS: true }),
  ];
}
