/** Functions of one element. */
import { apply, type InputSpec, type OpSpec } from "../op.js";
import type { Tensor } from "../tensor.js";
import { div, mul, multiplyNoNan, neg, sub } from "./arithmetic.js";
import { clamp } from "./binary.js";
import { definePointwise } from "./define.js";

interface UnaryRow {
  readonly scalar: (x: number) => number;
  /** WGSL of one element. */
  readonly wgsl: (x: string) => string;
  /** Null for piecewise constant functions. */
  readonly rule: ((g: Tensor, x: Tensor, y: Tensor) => Tensor) | null;
  /** Where test inputs come from. */
  readonly domain?: Omit<InputSpec, "shape">;
  readonly tolerance?: OpSpec["tolerance"];
}

/** The spec of a function of one f32 element. */
export function unary(name: string, call: (x: Tensor) => Tensor, row: UnaryRow): OpSpec<null> {
  const { scalar, wgsl, rule, domain = {}, tolerance } = row;
  return definePointwise<null>({
    name,
    arity: 1,
    scalar: ([x]) => scalar(x),
    expression: ([x]) => wgsl(x),
    vjp: rule && ((g, { inputs: [x], output: y }) => [() => rule(g, x, y)]),
    tolerance,
    samples: () => [
      { inputs: [{ shape: [3, 5], ...domain }], call },
      { inputs: [{ shape: [], ...domain }], call, note: "scalar" },
      { inputs: [{ shape: [0, 3], ...domain }], call, note: "empty" },
    ],
    draw: (d) => ({ inputs: [{ shape: d.shape(), ...domain }], call }),
    failures: () => [
      { inputs: [{ shape: [2], dtype: "i32" }], call, message: new RegExp(`${name}: i32.2. given; f32 is needed`) },
    ],
  });
}

/** |x|; its gradient at 0 is 0. */
export function abs(x: Tensor): Tensor {
  return apply(absSpec, [x], null);
}
export const absSpec = unary("abs", abs, {
  scalar: Math.abs,
  wgsl: (x) => `abs(${x})`,
  rule: (g, x) => multiplyNoNan(g, sign(x)),
  domain: { avoid: [0] },
});

/** −1, 0 or 1. */
export function sign(x: Tensor): Tensor {
  return apply(signSpec, [x], null);
}
export const signSpec = unary("sign", sign, { scalar: Math.sign, wgsl: (x) => `signOf(${x})`, rule: null });

/** eˣ */
export function exp(x: Tensor): Tensor {
  return apply(expSpec, [x], null);
}
export const expSpec = unary("exp", exp, {
  scalar: Math.exp,
  wgsl: (x) => `expSafe(${x})`,
  rule: (g, _, y) => mul(g, y),
});

/** Natural logarithm: −∞ at 0, NaN below. */
export function log(x: Tensor): Tensor {
  return apply(logSpec, [x], null);
}
export const logSpec = unary("log", log, {
  scalar: Math.log,
  wgsl: (x) => `logSafe(${x})`,
  rule: (g, x) => div(g, x),
  domain: { low: 0.2, high: 4 },
});

/** ln(1 + x), accurate near 0. */
export function log1p(x: Tensor): Tensor {
  return apply(log1pSpec, [x], null);
}
export const log1pSpec = unary("log1p", log1p, {
  scalar: Math.log1p,
  wgsl: (x) => `log1p(${x})`,
  // 1 + x, written so that plain numbers stay constants.
  rule: (g, x) => div(g, sub(x, -1)),
  domain: { low: -0.7, high: 3 },
});

/** eˣ − 1, accurate near 0. */
export function expm1(x: Tensor): Tensor {
  return apply(expm1Spec, [x], null);
}
export const expm1Spec = unary("expm1", expm1, {
  scalar: Math.expm1,
  wgsl: (x) => `expm1(${x})`,
  rule: (g, _, y) => mul(g, sub(y, -1)),
});

/** √x; NaN below 0. Its gradient at 0 is infinite. */
export function sqrt(x: Tensor): Tensor {
  return apply(sqrtSpec, [x], null);
}
export const sqrtSpec = unary("sqrt", sqrt, {
  scalar: Math.sqrt,
  wgsl: (x) => `sqrtSafe(${x})`,
  rule: (g, _, y) => div(mul(g, 0.5), y),
  domain: { low: 0.2, high: 4 },
});

/** 1/√x */
export function rsqrt(x: Tensor): Tensor {
  return apply(rsqrtSpec, [x], null);
}
export const rsqrtSpec = unary("rsqrt", rsqrt, {
  scalar: (x) => 1 / Math.sqrt(x),
  wgsl: (x) => `rsqrt(${x})`,
  rule: (g, x, y) => mul(mul(g, -0.5), div(y, x)),
  domain: { low: 0.2, high: 4 },
});

/** x² */
export function square(x: Tensor): Tensor {
  return apply(squareSpec, [x], null);
}
export const squareSpec = unary("square", square, {
  scalar: (x) => x * x,
  wgsl: (x) => `square(${x})`,
  rule: (g, x) => mul(g, mul(x, 2)),
});

/** 1/x */
export function reciprocal(x: Tensor): Tensor {
  return apply(reciprocalSpec, [x], null);
}
export const reciprocalSpec = unary("reciprocal", reciprocal, {
  scalar: (x) => 1 / x,
  wgsl: (x) => `(1.0 / ${x})`,
  rule: (g, _, y) => neg(mul(g, square(y))),
  domain: { avoid: [0], gap: 0.4 },
});

/** Sine; within 2e-7 for |x| < 10⁴, beyond that what the driver gives. */
export function sin(x: Tensor): Tensor {
  return apply(sinSpec, [x], null);
}
export const sinSpec = unary("sin", sin, {
  scalar: Math.sin,
  wgsl: (x) => `sine(${x})`,
  rule: (g, x) => mul(g, cos(x)),
  domain: { low: -6, high: 6 },
});

/** Cosine, as accurate as `sin`. */
export function cos(x: Tensor): Tensor {
  return apply(cosSpec, [x], null);
}
export const cosSpec = unary("cos", cos, {
  scalar: Math.cos,
  wgsl: (x) => `cosine(${x})`,
  rule: (g, x) => neg(mul(g, sin(x))),
  domain: { low: -6, high: 6 },
});

/** Arc tangent, between −π/2 and π/2. */
export function atan(x: Tensor): Tensor {
  return apply(atanSpec, [x], null);
}
export const atanSpec = unary("atan", atan, {
  scalar: Math.atan,
  wgsl: (x) => `arctangent(${x})`,
  // 1 + x², written so that plain numbers stay constants; an infinite x would make the next order 0 · ∞.
  rule: (g, x) => div(g, sub(square(clamp(x, -1e18, 1e18)), -1)),
  domain: { low: -6, high: 6 },
});

/** Largest whole number not above x. */
export function floor(x: Tensor): Tensor {
  return apply(floorSpec, [x], null);
}
export const floorSpec = unary("floor", floor, { scalar: Math.floor, wgsl: (x) => `floor(${x})`, rule: null });

/** Smallest whole number not below x. */
export function ceil(x: Tensor): Tensor {
  return apply(ceilSpec, [x], null);
}
export const ceilSpec = unary("ceil", ceil, { scalar: Math.ceil, wgsl: (x) => `ceil(${x})`, rule: null });

/** Nearest whole number, halves to the even one, as IEEE 754 and NumPy round. */
export function round(x: Tensor): Tensor {
  return apply(roundSpec, [x], null);
}
export const roundSpec = unary("round", round, { scalar: roundHalfEven, wgsl: (x) => `round(${x})`, rule: null });

function roundHalfEven(x: number): number {
  const down = Math.floor(x);
  const rest = x - down;
  return rest < 0.5 || (rest === 0.5 && down % 2 === 0) ? down : down + 1;
}

/** 1 where x is NaN, else 0. */
export function nanMask(x: Tensor): Tensor {
  return apply(nanMaskSpec, [x], null);
}
export const nanMaskSpec = unary("nanMask", nanMask, {
  scalar: (x) => Number(Number.isNaN(x)),
  wgsl: (x) => `f32(isNan(${x}))`,
  rule: null,
});

/** 1 where x is neither infinite nor NaN, else 0. */
export function finiteMask(x: Tensor): Tensor {
  return apply(finiteMaskSpec, [x], null);
}
export const finiteMaskSpec = unary("finiteMask", finiteMask, {
  scalar: (x) => Number(Number.isFinite(x)),
  wgsl: (x) => `f32(isFinite(${x}))`,
  rule: null,
});
