/** Powers, extrema and choices. */

import { describe, ShapeError } from "../errors.js";
import { aNumber, requireTensor } from "../kinds.js";
import { literal } from "../literal.js";
import { apply, type InputSpec, type OpSpec } from "../op.js";
import { requireArguments } from "../options.js";
import { broadcastShapes } from "../shape.js";
import { isTensor, type Tensor } from "../tensor.js";
import { add, mul, multiplyNoNan, operands, sub, type TensorOrNumber } from "./arithmetic.js";
import { equal, greater, greaterEqual, less, notEqual } from "./compare.js";
import { definePointwise } from "./define.js";
import { mapBroadcast } from "./host.js";
import { log } from "./unary.js";

const pairSamples = (
  call: (a: Tensor, b: Tensor) => Tensor,
  domain: Omit<InputSpec, "shape"> = {},
): Pick<OpSpec, "samples" | "draw"> => ({
  samples: () => [
    { inputs: [{ shape: [2, 3], ...domain }, { shape: [2, 3] }], call },
    { inputs: [{ shape: [2, 1, 3], ...domain }, { shape: [4, 1] }], call, note: "broadcast" },
  ],
  draw: (d) => {
    const shape = d.shape({ maxRank: 3 });
    return { inputs: [{ shape, ...domain }, { shape: shape.map((s) => (d.boolean() ? s : 1)) }], call };
  },
});

/** As in IEEE 754, where JavaScript has NaN for 1 and −1 to the power of ±∞, and for 1 to the power of NaN. */
function power(x: number, y: number): number {
  return x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : x ** y;
}

interface ExponentAttrs {
  readonly exponent: number;
}
/** xʸ as in IEEE 754: a negative base takes whole exponents only (else NaN), x⁰ is 1. At x = 0 the gradient in y ≥ 0 is 0, and so
 *  is that in x for y = 0, as PyTorch has it. A plain number as exponent also gives the right gradient for negative x. */
export function pow(x: TensorOrNumber, y: TensorOrNumber): Tensor {
  if (isTensor(x) && typeof y === "number") return apply(powNumberSpec, [x], { exponent: y });
  return apply(powSpec, operands("pow", x, y), null);
}
export const powSpec = definePointwise<null>({
  name: "pow",
  arity: 2,
  scalar: ([x, y]) => power(x, y),
  expression: ([x, y]) => `power(${x}, ${y})`,
  // At base 0 the products would be 0 · ∞: x⁰ does not change with x, nor 0ʸ with y ≥ 0. There the base is taken for 1.
  vjp: (g, { inputs: [x, y], output }) => [
    () => mul(g, mul(y, pow(where(mul(equal(x, 0), equal(y, 0)), 1, x), sub(y, 1)))),
    () => mul(g, mul(output, log(where(mul(equal(x, 0), greaterEqual(y, 0)), 1, x)))),
  ],
  tolerance: { rtol: 2e-5 },
  ...pairSamples((x, y) => pow(x, y), { low: 0.3, high: 3 }),
});
export const powNumberSpec = definePointwise<ExponentAttrs>({
  name: "powNumber",
  arity: 1,
  scalar: ([x], { exponent }) => power(x, exponent),
  expression: ([x], { exponent }) =>
    Number.isInteger(exponent) && Math.abs(exponent) <= 64
      ? `powWhole(${x}, ${literal(exponent, "i32")})`
      : `power(${x}, ${literal(exponent)})`,
  vjp: (g, { inputs: [x], attrs: { exponent } }) => [
    exponent === 0 ? null : () => mul(g, mul(pow(x, exponent - 1), exponent)),
  ],
  tolerance: { rtol: 2e-5 },
  samples: () => [
    { inputs: [{ shape: [3, 4] }], call: (x) => pow(x, 3), note: "cube" },
    { inputs: [{ shape: [3, 4], avoid: [0], gap: 0.4 }], call: (x) => pow(x, -2), note: "negative" },
    { inputs: [{ shape: [3, 4], low: 0.3 }], call: (x) => pow(x, 0.7), note: "fraction" },
    { inputs: [{ shape: [3] }], call: (x) => pow(x, 0), note: "zero" },
  ],
});

/** The larger of two, NaN if one is; equal operands share the gradient by halves. */
export function maximum(a: TensorOrNumber, b: TensorOrNumber): Tensor {
  return apply(maximumSpec, operands("maximum", a, b), null);
}
export const maximumSpec = definePointwise<null>({
  name: "maximum",
  arity: 2,
  scalar: ([a, b]) => Math.max(a, b),
  expression: ([a, b]) => `maximum(${a}, ${b})`,
  vjp: (g, { inputs: [a, b] }) => [
    () => multiplyNoNan(g, preference(greater(a, b), equal(a, b))),
    () => multiplyNoNan(g, preference(less(a, b), equal(a, b))),
  ],
  ...pairSamples((a, b) => maximum(a, b)),
});

/** The smaller of two, NaN if one is; equal operands share the gradient by halves. */
export function minimum(a: TensorOrNumber, b: TensorOrNumber): Tensor {
  return apply(minimumSpec, operands("minimum", a, b), null);
}
export const minimumSpec = definePointwise<null>({
  name: "minimum",
  arity: 2,
  scalar: ([a, b]) => Math.min(a, b),
  expression: ([a, b]) => `minimum(${a}, ${b})`,
  vjp: (g, { inputs: [a, b] }) => [
    () => multiplyNoNan(g, preference(less(a, b), equal(a, b))),
    () => multiplyNoNan(g, preference(greater(a, b), equal(a, b))),
  ],
  ...pairSamples((a, b) => minimum(a, b)),
});

/** 1 for the winner, ½ for a tie. */
function preference(wins: Tensor, tie: Tensor): Tensor {
  return add(wins, mul(tie, 0.5));
}

interface RangeAttrs {
  readonly low: number;
  readonly high: number;
}
/** x limited to [low, high]; the gradient passes inside, ends included. @throws RangeError when low > high. */
export function clamp(x: Tensor, low: number, high: number): Tensor {
  requireArguments("clamp", { low: [low, aNumber], high: [high, aNumber] });
  if (!(low <= high)) throw new RangeError(`clamp: [${low}, ${high}] given; low <= high is needed`);
  return apply(clampSpec, [x], { low, high });
}
export const clampSpec = definePointwise<RangeAttrs>({
  name: "clamp",
  arity: 1,
  scalar: ([x], { low, high }) => Math.min(Math.max(x, low), high),
  expression: ([x], { low, high }) => `clampTo(${x}, ${literal(low)}, ${literal(high)})`,
  vjp: (g, { inputs: [x], output }) => [() => multiplyNoNan(g, equal(x, output))],
  samples: () => [{ inputs: [{ shape: [4, 4], avoid: [-1, 0.5] }], call: (x) => clamp(x, -1, 0.5) }],
  draw: (d) => ({ inputs: [{ shape: d.shape(), avoid: [-1, 1] }], call: (x) => clamp(x, -1, 1) }),
  failures: () => [{ inputs: [{ shape: [2] }], call: (x) => clamp(x, 1, 0), message: /clamp: \[1, 0\] given/ }],
});

/** a where the mask is not 0, b elsewhere; all broadcast. mask f32 (0 and 1; NaN is not 0), a and b of one dtype. The value not chosen
 *  gets no gradient. @throws ShapeError for other types. */
export function where(mask: Tensor, a: TensorOrNumber, b: TensorOrNumber): Tensor {
  requireTensor("where", mask);
  return apply(whereSpec, [mask, ...operands("where", a, b)], null);
}
export const whereSpec: OpSpec<null> = {
  name: "where",
  routes: true,
  shape(inputs) {
    const [mask, a, b] = inputs;
    if (mask.dtype !== "f32" || a.dtype !== b.dtype)
      throw new ShapeError(
        `where: ${inputs.map(describe).join(", ")} given; an f32 mask and two values of one type are needed; use cast()`,
      );
    return { shape: broadcastShapes("where", inputs), dtype: a.dtype };
  },
  reference: (inputs, _, y) => mapBroadcast(inputs, y, (mask, a, b) => (mask !== 0 ? a : b)),
  expression: ([mask, a, b]) => `select(${a}, ${b}, ${mask} == 0.0)`,
  // A product with the mask would carry NaN over from the side not chosen.
  vjp: (g, { inputs: [mask] }) => [null, () => where(mask, g, 0), () => where(mask, 0, g)],
  samples: () => [
    {
      inputs: [{ shape: [3, 1] }, { shape: [3, 4] }, { shape: [4] }],
      call: (m, a, b) => where(greater(m, 0), a, b),
    },
    {
      inputs: [{ shape: [5] }, { shape: [5], dtype: "i32" }, { shape: [5], dtype: "i32" }],
      call: (m, a, b) => where(notEqual(m, 0), a, b),
      note: "integers",
      differentiable: false,
    },
  ],
  draw: (d) => {
    const shape = d.shape();
    return { inputs: [{ shape }, { shape }, { shape }], call: (m, a, b) => where(less(m, 0.3), a, b) };
  },
  failures: () => [
    {
      inputs: [{ shape: [2] }, { shape: [2] }, { shape: [2], dtype: "i32" }],
      call: (m, a, b) => where(m, a, b),
      message: /where: f32\[2\], f32\[2\], i32\[2\] given/,
    },
  ],
};
