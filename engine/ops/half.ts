/** Numbers in 16 bits: storage at half the memory. Nothing computes in them. */
import { halfToNumber, numberToHalf } from "../halves.js";
import type { InputSpec } from "../op.js";
import { apply } from "../op.js";
import type { Tensor } from "../tensor.js";
import { definePointwise } from "./define.js";

const HALVES: InputSpec = { shape: [4, 5], dtype: "u32", low: 0, high: 0xffff };

/** The nearest binary16 of each element, ties to even, in the lower half of a word: infinite from 65 520 on, 0 below 2⁻²⁵. No
 *  gradient flows. */
export const toHalf = (x: Tensor): Tensor => apply(toHalfSpec, [x], null);
export const toHalfSpec = definePointwise<null>({
  name: "toHalf",
  arity: 1,
  result: () => "u32",
  scalar: ([x]) => numberToHalf(x),
  expression: ([x]) => `toHalf(${x})`,
  vjp: null,
  samples: () => [
    { inputs: [{ shape: [3, 5], low: -3, high: 3 }], call: toHalf },
    { inputs: [{ shape: [40], low: -7e-5, high: 7e-5 }], call: toHalf, note: "subnormal results" },
    { inputs: [{ shape: [20], low: 6e4, high: 7e4 }], call: toHalf, note: "too large" },
  ],
  failures: () => [
    { inputs: [{ shape: [2], dtype: "u32" }], call: toHalf, message: /toHalf: u32\[2\] given; f32 is needed/ },
  ],
});

/** The number that the lower half of each word stands for; subnormal ones too. */
export const fromHalf = (word: Tensor): Tensor => apply(fromHalfSpec, [word], null);
export const fromHalfSpec = definePointwise<null>({
  name: "fromHalf",
  arity: 1,
  dtypes: ["u32"],
  result: () => "f32",
  scalar: ([word]) => halfToNumber(word),
  expression: ([word]) => `fromHalf(${word})`,
  vjp: null,
  samples: () => [{ inputs: [HALVES], call: fromHalf }],
  failures: () => [{ inputs: [{ shape: [2] }], call: fromHalf, message: /fromHalf: f32\[2\] given; u32 is needed/ }],
});
