/** Elements as another type. */

import { halfPackKernel, halfUnpackKernel } from "../../shaders/gen/kernels.js";
import { nearestHalf } from "../halves.js";
import { requireTensor } from "../kinds.js";
import { call, type DType, gridFor } from "../lower.js";
import { apply, type OpSpec } from "../op.js";
import { requireStored } from "../options.js";
import { sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { definePointwise } from "./define.js";
import { reshape } from "./movement.js";
import { asWords } from "./words.js";

const COMPUTED: readonly DType[] = ["f32", "i32", "u32"];

interface CastAttrs {
  readonly from: DType;
  readonly to: DType;
}
/** Elements as another type. Floats are cut towards zero and clipped to an integer's range, NaN becomes 0; between i32 and
 *  u32 the bits stay. No gradient flows from or to integers. f16 (IEEE 754 binary16) is only stored, in half the memory on every adapter:
 *  the nearest, ties to even, in steps of 2⁻²⁴ below 2⁻¹⁴ and infinite from 65 520 on; `cast(h, "f32")` gives the same numbers to
 *  compute with. Gradients pass both ways as they are, in f32. @throws TypeError for no type. */
export function cast(x: Tensor, dtype: DType): Tensor {
  requireTensor("cast", x);
  requireStored("cast", dtype);
  if (x.dtype === dtype) return x;
  if (dtype === "f16") return apply(packHalfSpec, [cast(x, "f32")], null);
  if (x.dtype === "f16") return cast(apply(unpackHalfSpec, [x], null), dtype);
  return apply(castSpec, [x], { from: x.dtype, to: dtype });
}
export const castSpec = definePointwise<CastAttrs>({
  name: "cast",
  arity: 1,
  dtypes: COMPUTED,
  result: (_, { to }) => to,
  scalar: ([x], { from, to }) => (to === "f32" ? x : from === "f32" ? cut(x, to) : to === "i32" ? x | 0 : x >>> 0),
  expression: ([x], { from, to }) => (from === "f32" ? `to${to.toUpperCase()}(${x})` : `${to}(${x})`),
  vjp: null,
  samples: () =>
    COMPUTED.flatMap((from) =>
      COMPUTED.filter((to) => to !== from).map((to) => ({
        inputs: [from === "f32" ? { shape: [5, 3], low: -3, high: 9 } : { shape: [5, 3], dtype: from }],
        call: (x: Tensor) => cast(x, to),
        note: `${from} to ${to}`,
      })),
    ),
});

/** Towards zero, inside the range: 2147483520 and 4294967040 are the largest f32 below 2³¹ and 2³². */
function cut(x: number, to: DType): number {
  if (Number.isNaN(x)) return 0;
  return Math.trunc(
    to === "i32" ? Math.min(Math.max(x, -(2 ** 31)), 2147483520) : Math.min(Math.max(x, 0), 4294967040),
  );
}

const thereAndBack = (x: Tensor): Tensor => cast(cast(x, "f16"), "f32");

/** f32 → f16. */
export const packHalfSpec: OpSpec<null> = {
  name: "packHalf",
  shape: ([x]) => ({ shape: x.shape, dtype: "f16" }),
  reference: ([x], _, y) => {
    y.data.set(x.data.map(nearestHalf));
  },
  // That of the numbers before they are rounded, which is what mixed precision trains with; the steps themselves are flat.
  vjp: (g) => [() => g],
  launch: ({ inputs: [x], output: y, caps }) => [
    call(halfPackKernel, {
      bind: { x: asWords(x), y },
      params: { count: sizeOf(y.shape) },
      grid: gridFor(halfPackKernel, Math.ceil(sizeOf(y.shape) / 4), caps.maxWorkgroupsPerDimension),
    }),
  ],
  samples: () => [
    { inputs: [{ shape: [3, 5] }], call: thereAndBack, differentiable: false },
    { inputs: [{ shape: [2, 3, 2] }], call: thereAndBack, differentiable: false, note: "even" },
    { inputs: [{ shape: [] }], call: thereAndBack, differentiable: false, note: "scalar" },
    { inputs: [{ shape: [0, 3] }], call: thereAndBack, differentiable: false, note: "empty" },
    {
      inputs: [{ shape: [300], low: -1e-5, high: 1e-5 }],
      call: thereAndBack,
      differentiable: false,
      note: "below the smallest normal number",
    },
    { inputs: [{ shape: [300], low: -7e4, high: 7e4 }], call: thereAndBack, differentiable: false, note: "infinite" },
  ],
  tolerance: { rtol: 0, atol: 0 },
  failures: () => [
    {
      inputs: [{ shape: [2], dtype: "f16" }],
      call: (x) => apply(castSpec, [x], { from: "f16", to: "f32" }),
      message: /cast: f16\[2\] given; f16 is only stored/,
    },
  ],
};

/** f16 → f32. */
export const unpackHalfSpec: OpSpec<null> = {
  name: "unpackHalf",
  takesHalves: true,
  routes: true,
  shape: ([x]) => ({ shape: x.shape, dtype: "f32" }),
  reference: ([x], _, y) => y.data.set(x.data),
  vjp: (g) => [() => g],
  linearIn: [0],
  launch: ({ inputs: [x], output: y, caps }) => [
    call(halfUnpackKernel, {
      bind: { x, y },
      params: { count: sizeOf(y.shape) },
      grid: gridFor(halfUnpackKernel, Math.ceil(sizeOf(y.shape) / 4), caps.maxWorkgroupsPerDimension),
    }),
  ],
  samples: () => [
    { inputs: [{ shape: [3, 5], dtype: "f16" }], call: (x) => cast(x, "f32") },
    { inputs: [{ shape: [4, 2], dtype: "f16", low: -7e4, high: 7e4 }], call: (x) => cast(x, "f32"), note: "infinite" },
    { inputs: [{ shape: [300], dtype: "f16", low: -1e-6, high: 1e-6 }], call: (x) => cast(x, "f32"), note: "small" },
    { inputs: [{ shape: [0], dtype: "f16" }], call: (x) => cast(x, "f32"), note: "empty" },
    { inputs: [{ shape: [3, 5], dtype: "f16" }], call: (x) => cast(reshape(x, [5, 3]), "f32"), note: "reshaped" },
  ],
  tolerance: { rtol: 0, atol: 0 },
  failures: () => [],
};
