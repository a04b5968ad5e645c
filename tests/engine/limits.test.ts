/** Slopes of functions at plus and minus infinity, which are their limits, at first and second order; and of norms at 0. */
import { capture } from "../../engine/capture.js";
import { grad } from "../../engine/grad.js";
import {
  atan,
  elu,
  erf,
  exp,
  gelu,
  leakyRelu,
  log,
  log1p,
  norm,
  reciprocal,
  relu,
  rsqrt,
  sigmoid,
  silu,
  softplus,
  sqrt,
  sum,
  tanh,
} from "../../engine/index.js";
import { type Tensor, tensor } from "../../engine/tensor.js";
import { globalNorm } from "../../nn/index.js";
import { readAll } from "../derivatives.js";
import { gpuTest, referenceTest } from "../executors.js";
import { check } from "../harness.js";

const inf = Number.POSITIVE_INFINITY;

/** Values and slopes at −∞ and ∞; the second slope is 0 at both. Undefined where the function is. */
const limits: readonly [name: string, f: (x: Tensor) => Tensor, values: number[], slopes: number[]][] = [
  ["relu", relu, [0, inf], [0, 1]],
  ["leakyRelu", (x) => leakyRelu(x, 0.5), [-inf, inf], [0.5, 1]],
  ["elu", (x) => elu(x, 2), [-2, inf], [0, 1]],
  ["softplus", (x) => softplus(x, 3), [0, inf], [0, 1]],
  ["sigmoid", sigmoid, [0, 1], [0, 0]],
  ["tanh", tanh, [-1, 1], [0, 0]],
  ["silu", silu, [-0, inf], [0, 1]],
  ["gelu", gelu, [-0, inf], [0, 1]],
  ["erf", erf, [-1, 1], [0, 0]],
  ["atan", atan, [-Math.PI / 2, Math.PI / 2], [0, 0]],
  ["reciprocal", reciprocal, [-0, 0], [0, 0]],
];
/** Those that are defined for positive x, or have no limit at ∞. */
const oneSided: readonly [name: string, f: (x: Tensor) => Tensor, at: number, value: number][] = [
  ["exp", exp, -inf, 0],
  ["log", log, inf, inf],
  ["log1p", log1p, inf, inf],
  ["sqrt", sqrt, inf, inf],
  ["rsqrt", rsqrt, inf, 0],
];

async function expectLimits(f: (x: Tensor) => Tensor, at: number[], values: number[], slopes: number[]): Promise<void> {
  const first = grad((x: Tensor) => sum(f(x)));
  const all = (x: Tensor): Tensor[] => [f(x), first(x), grad((v: Tensor) => sum(first(v)))(x)];
  const expected = [...values, ...slopes, ...at.map(() => 0)];
  check.close(await readAll(all(tensor(at))), expected, { atol: 1e-6 });
  using step = capture(all);
  check.close(await readAll(step(tensor(at))), expected, { atol: 1e-6 });
}

for (const [where, run] of [
  ["in float64", referenceTest],
  ["on the GPU", gpuTest],
] as const) {
  for (const [name, f, values, slopes] of limits)
    run(`${name} at infinity, ${where}`, () => expectLimits(f, [-inf, inf], values, slopes));
  for (const [name, f, at, value] of oneSided)
    run(`${name} at ${at}, ${where}`, () => expectLimits(f, [at], [value], [0]));

  run(`the gradient of a global norm at 0 is 0, ${where}`, async () => {
    const first = grad((x: Tensor) => globalNorm([x]));
    const x = tensor([0, 0]);
    check.equal(await readAll([globalNorm([x]), first(x), grad((v: Tensor) => sum(first(v)))(x)]), [0, 0, 0, 0, 0]);
  });

  run(`the norm holds where it says, ${where}`, async () => {
    for (const scale of [1e-18, 1e18])
      check.close([await norm(tensor([3 * scale, 4 * scale])).item()], [5 * scale], { rtol: 1e-5 });
  });
}
