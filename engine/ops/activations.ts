/** Activation functions and the error function. */
import { aFiniteNumber, aPositiveNumber } from "../kinds.js";
import { literal } from "../literal.js";
import { apply } from "../op.js";
import { requireArguments, shown } from "../options.js";
import type { Tensor } from "../tensor.js";
import { add, mul, multiplyNoNan, neg, sub } from "./arithmetic.js";
import { clamp } from "./binary.js";
import { definePointwise } from "./define.js";
import { exp, square, unary } from "./unary.js";

/** The hyperbolic tangent of each element, in [−1, 1]. */
export function tanh(x: Tensor): Tensor {
  return apply(tanhSpec, [x], null);
}
export const tanhSpec = unary("tanh", tanh, {
  scalar: Math.tanh,
  wgsl: (x) => `tanhSafe(${x})`,
  rule: (g, _, y) => mul(g, sub(1, square(y))),
});

/** 1 / (1 + e⁻ˣ) */
export function sigmoid(x: Tensor): Tensor {
  return apply(sigmoidSpec, [x], null);
}
export const sigmoidSpec = unary("sigmoid", sigmoid, {
  scalar: (x) => 1 / (1 + Math.exp(-x)),
  wgsl: (x) => `sigmoid(${x})`,
  rule: (g, _, y) => mul(g, mul(y, sub(1, y))),
});

/** max(x, 0); its gradient at 0 is 0. */
export function relu(x: Tensor): Tensor {
  return apply(reluSpec, [x], null);
}
export const reluSpec = unary("relu", relu, {
  scalar: (x) => (Number.isNaN(x) ? x : Math.max(x, 0)),
  wgsl: (x) => `relu(${x})`,
  rule: (g, x) => multiplyNoNan(g, step(x)),
  domain: { avoid: [0] },
});

/** 1 for x > 0, else 0: the derivative of relu. */
export function step(x: Tensor): Tensor {
  return apply(stepSpec, [x], null);
}
export const stepSpec = unary("step", step, {
  scalar: (x) => Number(x > 0),
  wgsl: (x) => `select(0.0, 1.0, ${x} > 0.0)`,
  rule: null,
});

/** Where a derivative has reached its limit: beyond, products with an infinite x would be 0 · ∞. */
const FAR = 1e18;
const inside = (x: Tensor): Tensor => clamp(x, -FAR, FAR);
/** −∞ as a number that a factor of 0 makes 0. */
const finite = (x: number): number => (x === Number.NEGATIVE_INFINITY ? -FAR : x);

/** x Φ(x), by erf, not its tanh approximation; −0 at −∞, its limit. Source: Hendrycks, Gimpel 2016. */
export function gelu(x: Tensor): Tensor {
  return apply(geluSpec, [x], null);
}
export const geluSpec = unary("gelu", gelu, {
  scalar: (x) => 0.5 * finite(x) * (1 + erf64(x / Math.SQRT2)),
  wgsl: (x) => `gelu(${x})`,
  // Φ(x) + x φ(x)
  rule: (g, x) => {
    const z = inside(x);
    const cumulative = mul(add(erf(mul(z, Math.SQRT1_2)), 1), 0.5);
    const density = mul(exp(mul(square(z), -0.5)), 1 / Math.sqrt(2 * Math.PI));
    return mul(g, add(cumulative, mul(z, density)));
  },
});

/** x · sigmoid(x); −0 at −∞, its limit. */
export function silu(x: Tensor): Tensor {
  return apply(siluSpec, [x], null);
}
export const siluSpec = unary("silu", silu, {
  scalar: (x) => finite(x) / (1 + Math.exp(-x)),
  wgsl: (x) => `silu(${x})`,
  rule: (g, x) => {
    const z = inside(x);
    const s = sigmoid(z);
    return mul(g, add(s, mul(z, mul(s, sub(1, s)))));
  },
});

/** 2/√π ∫₀ˣ e^(−t²) dt */
export function erf(x: Tensor): Tensor {
  return apply(erfSpec, [x], null);
}
export const erfSpec = unary("erf", erf, {
  scalar: erf64,
  wgsl: (x) => `erf(${x})`,
  rule: (g, x) => mul(g, mul(exp(neg(square(inside(x)))), 2 / Math.sqrt(Math.PI))),
});

/** Inverse of erf on (−1, 1); ±∞ at the ends. */
export function erfinv(x: Tensor): Tensor {
  return apply(erfinvSpec, [x], null);
}
export const erfinvSpec = unary("erfinv", erfinv, {
  scalar: erfinv64,
  wgsl: (x) => `erfinv(${x})`,
  rule: (g, _, y) => mul(g, mul(exp(square(y)), Math.sqrt(Math.PI) / 2)),
  domain: { low: -0.9, high: 0.9 },
});

interface BetaAttrs {
  readonly beta: number;
}
/** log(1 + exp(beta x)) / beta, beta > 0: a smooth relu; its derivative is sigmoid(beta x).
 *  Source: Dombrowski et al. 2019, sec. 3.3. @throws RangeError for beta ≤ 0. */
export function softplus(x: Tensor, beta = 1): Tensor {
  if (!aPositiveNumber.fits(beta))
    throw new RangeError(`softplus: beta ${shown(beta)} given; a positive number is needed`);
  return apply(softplusSpec, [x], { beta });
}
export const softplusSpec = definePointwise<BetaAttrs>({
  name: "softplus",
  arity: 1,
  scalar: ([x], { beta }) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(beta * x))) / beta,
  expression: ([x], { beta }) => `softplus(${x}, ${literal(beta)})`,
  vjp: (g, { inputs: [x], attrs: { beta } }) => [() => mul(g, sigmoid(mul(x, beta)))],
  samples: () => [
    { inputs: [{ shape: [3, 5] }], call: (x) => softplus(x) },
    { inputs: [{ shape: [7] }], call: (x) => softplus(x, 10), note: "beta 10" },
  ],
  draw: (d) => {
    const beta = d.int(1, 5);
    return { inputs: [{ shape: d.shape() }], call: (x) => softplus(x, beta) };
  },
  failures: () => [{ inputs: [{ shape: [2] }], call: (x) => softplus(x, 0), message: /softplus: beta 0 given/ }],
});

interface SlopeAttrs {
  readonly slope: number;
}
/** x above 0, slope · x elsewhere. */
export function leakyRelu(x: Tensor, slope = 0.01): Tensor {
  requireArguments("leakyRelu", { slope: [slope, aFiniteNumber] });
  return apply(leakyReluSpec, [x], { slope });
}
export const leakyReluSpec = definePointwise<SlopeAttrs>({
  name: "leakyRelu",
  arity: 1,
  scalar: ([x], { slope }) => (x > 0 ? x : x * slope),
  expression: ([x], { slope }) => `leakyRelu(${x}, ${literal(slope)})`,
  vjp: (g, { inputs: [x], attrs: { slope } }) => [() => multiplyNoNan(g, add(mul(step(x), 1 - slope), slope))],
  samples: () => [{ inputs: [{ shape: [3, 5], avoid: [0] }], call: (x) => leakyRelu(x, 0.2) }],
  draw: (d) => ({ inputs: [{ shape: d.shape(), avoid: [0] }], call: (x) => leakyRelu(x) }),
});

interface AlphaAttrs {
  readonly alpha: number;
}
/** x above 0, alpha (eˣ − 1) elsewhere. Source: Clevert et al. 2016. */
export function elu(x: Tensor, alpha = 1): Tensor {
  requireArguments("elu", { alpha: [alpha, aFiniteNumber] });
  return apply(eluSpec, [x], { alpha });
}
export const eluSpec = definePointwise<AlphaAttrs>({
  name: "elu",
  arity: 1,
  scalar: ([x], { alpha }) => (x > 0 ? x : alpha * Math.expm1(x)),
  expression: ([x], { alpha }) => `elu(${x}, ${literal(alpha)})`,
  // Above 0 the slope is 1, elsewhere alpha eˣ; eˣ is taken where it cannot overflow.
  vjp: (g, { inputs: [x], attrs: { alpha } }) => [
    () => {
      const positive = step(x);
      if (alpha === 0) return multiplyNoNan(g, positive);
      const negative = sub(1, positive);
      const below = mul(exp(multiplyNoNan(x, negative)), alpha);
      return multiplyNoNan(g, add(positive, mul(below, negative)));
    },
  ],
  samples: () => [{ inputs: [{ shape: [3, 5], avoid: [0] }], call: (x) => elu(x, 0.7) }],
  draw: (d) => ({ inputs: [{ shape: d.shape(), avoid: [0] }], call: (x) => elu(x) }),
});

/** erf in float64: its series for |x| < 2.5, a continued fraction of erfc beyond. */
function erf64(x: number): number {
  const a = Math.abs(x);
  if (Number.isNaN(a)) return a;
  if (a > 6) return Math.sign(x);
  if (a < 2.5) {
    let term = x;
    let total = x;
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(total); n++) {
      term *= (-x * x) / n;
      total += term / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * total;
  }
  let fraction = 0;
  for (let k = 60; k >= 1; k--) fraction = k / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / ((a + fraction) * Math.sqrt(Math.PI)));
}

/** Newton's iteration on erf64, from Winitzki's approximation. */
function erfinv64(y: number): number {
  if (Math.abs(y) >= 1) return Math.abs(y) === 1 ? y * Number.POSITIVE_INFINITY : Number.NaN;
  const c = 0.147;
  const l = Math.log((1 - y) * (1 + y));
  const b = 2 / (Math.PI * c) + l / 2;
  let x = Math.sign(y) * Math.sqrt(Math.sqrt(b * b - l / c) - b);
  for (let i = 0; i < 4; i++) x -= ((erf64(x) - y) * Math.sqrt(Math.PI) * Math.exp(x * x)) / 2;
  return x;
}
