/**
 * Secants (f(a) − f(b)) / (a − b) of functions of one element, which DeepLIFT puts where a gradient has slopes. They are written
 * so that nothing cancels where a and b are close, because what is attacked or trained on differentiates them.
 */
import {
  abs,
  add,
  div,
  equal,
  exp,
  expand,
  lessEqual,
  log,
  max,
  maximum,
  minimum,
  mul,
  neg,
  notEqual,
  onesLike,
  reciprocal,
  relu,
  rsqrt,
  type Step,
  sqrt,
  square,
  step,
  stopGradient,
  sub,
  sum,
  type Tensor,
  where,
} from "../../engine/index.js";

/** Below this distance, in units of the function's own scale, a secant is taken as the mean slope between its ends. */
const CLOSE = 1e-2;
/** Gauss-Legendre, three points: half the distance from the middle to an outer one in units of the interval, and weights. */
const OUTER = Math.sqrt(3 / 5) / 2;
const NODES = [
  [-OUTER, 5 / 18],
  [0, 8 / 18],
  [OUTER, 5 / 18],
] as const;

/** Of relu: 1 or 0 on one side of its kink, between them across it. */
export function kinkSecant(a: Tensor, b: Tensor): Tensor {
  const [sideA, sideB] = [step(a), step(b)];
  const across = notEqual(sideA, sideB);
  return where(across, div(sub(relu(a), relu(b)), where(across, sub(a, b), 1)), sideA);
}

/** Of a function with jumps and no slope, from differences of values and of arguments: 0 where nothing jumped. */
export function jumpSecant(rise: Tensor, run: Tensor): Tensor {
  const still = equal(rise, 0);
  return where(still, 0, div(rise, where(still, 1, run)));
}

interface Smooth {
  readonly values: readonly [Tensor, Tensor];
  /** f′ */
  slope(x: Tensor): Tensor;
  /** The scale on which f changes at x, such as the distance to a pole, where that can be less than 1. */
  reach?(x: Tensor): Tensor;
}

/** Of a smooth function: the quotient where a and b are apart, the mean slope where they are close. */
export function smoothSecant(a: Tensor, b: Tensor, { values, slope, reach }: Smooth): Tensor {
  // Two equal infinities are at no distance.
  const run = where(equal(a, b), 0, sub(a, b));
  const close = lessEqual(abs(run), reach ? mul(minimum(minimum(reach(a), reach(b)), 1), CLOSE) : CLOSE);
  const middle = mul(add(a, b), 0.5);
  const slopes = NODES.map(([at, weight]) => mul(slope(at === 0 ? middle : add(middle, mul(run, at))), weight));
  return where(close, slopes.reduce(add), div(sub(...values), where(close, 1, run)));
}

export function expSecant(a: Tensor, b: Tensor): Tensor {
  return smoothSecant(a, b, { values: [exp(a), exp(b)], slope: exp });
}

/** Closed forms, by op. */
const EXACT: Readonly<Record<string, (a: Tensor, b: Tensor, attrs: never) => Tensor>> = {
  relu: kinkSecant,
  leakyRelu: (a, b, { slope }: { slope: number }) => add(mul(kinkSecant(a, b), 1 - slope), slope),
  abs: (a, b) => sub(mul(kinkSecant(a, b), 2), 1),
  elu: (a, b, { alpha }: { alpha: number }) => {
    const above = kinkSecant(a, b);
    return add(above, mul(mul(sub(1, above), alpha), expSecant(minimum(a, 0), minimum(b, 0))));
  },
  // min(max(x, low), high): each as a kink.
  clamp: (a, b, { low, high }: { low: number; high: number }) => {
    const [p, q] = [maximum(a, low), maximum(b, low)];
    return mul(kinkSecant(sub(a, low), sub(b, low)), sub(1, kinkSecant(sub(p, high), sub(q, high))));
  },
  square: add,
  reciprocal: (a, b) => neg(reciprocal(mul(a, b))),
  // Infinite at 0 and 0, where any value will do: the arguments are equal.
  sqrt: (a, b) => {
    const both = add(sqrt(a), sqrt(b));
    const none = equal(both, 0);
    return where(none, 0, reciprocal(where(none, 1, both)));
  },
  rsqrt: (a, b) => {
    const [p, q] = [rsqrt(a), rsqrt(b)];
    return neg(div(square(mul(p, q)), add(p, q)));
  },
};

/** Distances to where functions change fast, by op. */
const REACH: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  log: abs,
  pow: abs,
  powNumber: abs,
  log1p: (x) => abs(add(x, 1)),
  erfinv: (x) => sub(1, abs(x)),
};

/** Of a pointwise step between the values a and b of the one input that depends on x, others as they are. The shape is that of
 *  the step's output. */
export function secant(at: Step, a: Tensor, b: Tensor): Tensor {
  const exact = EXACT[at.op];
  if (exact) return exact(a, b, at.attrs as never);
  const i = at.depends.indexOf(true);
  const { shape } = at.output;
  const others = at.inputs.map((x) => expand(x, shape));
  const instead = (x: Tensor): Tensor[] => others.map((other, j) => (j === i ? x : other));
  const [wideA, wideB] = [expand(a, shape), expand(b, shape)];
  const value = (x: Tensor): Tensor =>
    x === at.inputs[i] ? at.output : at.apply(at.inputs.map((o, j) => (j === i ? x : o)));
  return smoothSecant(wideA, wideB, {
    values: [value(a), value(b)],
    slope: (x) => at.vjp(onesLike(at.output), instead(x))[i]!,
    reach: REACH[at.op],
  });
}

/** Shares w with Σ w (x − x₀) = L − L₀ for L = log Σ exp along `axis`: exp, sum and log one after the other, all relative to the
 *  largest element of the two, so that nothing overflows. Shape of x. */
export function logSumExpShares(x: Tensor, x0: Tensor, axis: number): Tensor {
  const along = { keepDims: true };
  // It cancels, so that it may be held.
  const shift = stopGradient(() => max(maximum(x, x0), axis, along));
  const [z, z0] = [sub(x, shift), sub(x0, shift)];
  const [total, total0] = [sum(exp(z), axis, along), sum(exp(z0), axis, along)];
  const change = smoothSecant(total, total0, {
    values: [logTotal(z, axis), logTotal(z0, axis)],
    slope: reciprocal,
    reach: abs,
  });
  return mul(change, expSecant(z, z0));
}

/** log Σ exp along `axis`, relative to its own largest element, so that not all terms vanish. */
function logTotal(z: Tensor, axis: number): Tensor {
  const largest = stopGradient(() => max(z, axis, { keepDims: true }));
  return add(log(sum(exp(sub(z, largest)), axis, { keepDims: true })), largest);
}
