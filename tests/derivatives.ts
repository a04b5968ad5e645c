/** Derivatives of a sample of the op table on the current executor, and how closely two executors must agree on them. */
import { grad } from "../engine/grad.js";
import type { OpSpec, Sample } from "../engine/op.js";
import { add, mul } from "../engine/ops/arithmetic.js";
import { sum } from "../engine/ops/reduce.js";
import { type Tensor, tensor } from "../engine/tensor.js";
import { check } from "./harness.js";
import { generator } from "./values.js";

// biome-ignore lint/suspicious/noExplicitAny: attributes differ by op.
export function isDifferentiable(op: OpSpec<any>, sample: Sample): boolean {
  return op.vjp !== null && sample.differentiable !== false && sample.inputs.some((x) => (x.dtype ?? "f32") === "f32");
}

/** ⟨call(inputs), w⟩ with fixed random weights, so that a gradient sees every output element. */
export function weighted(sample: Sample, inputs: Tensor[]): Tensor {
  const y = sample.call(...inputs);
  const random = generator(7);
  const w = tensor(
    new Float32Array(y.size).map(() => 2 * random() - 1),
    y.shape,
  );
  return sum(mul(y, w));
}

export function gradients(sample: Sample, inputs: Tensor[]): Tensor[] {
  const f32 = inputs.flatMap((x, i) => (x.dtype === "f32" ? [i] : []));
  return grad((...xs: Tensor[]) => weighted(sample, xs), { argument: f32 })(...inputs);
}

/** Gradient of the squared norm of the gradient. */
export function secondOrder(sample: Sample, inputs: Tensor[]): Tensor[] {
  const f32 = inputs.flatMap((x, i) => (x.dtype === "f32" ? [i] : []));
  const energy = (...xs: Tensor[]): Tensor =>
    gradients(sample, xs)
      .map((g) => sum(mul(g, g)))
      .reduce(add);
  return grad(energy, { argument: f32 })(...inputs);
}

export async function readAll(ts: Tensor[]): Promise<number[]> {
  const out: number[] = [];
  for (const t of ts) out.push(...(await t.read()));
  return out;
}

/** Sums of K terms round K times: forward tolerances are per op, gradients as in PyTorch's f32 habits. */
export const GRADIENT = { rtol: 2e-3, atol: 1e-4 };
export const SECOND = { rtol: 5e-3, atol: 1e-3 };

/** Tolerance of a whole result: each element may be off by rtol of the largest, because sums cancel. */
export function closeScaled(
  actual: number[],
  expected: number[],
  { rtol, atol }: { rtol: number; atol: number },
): void {
  const scale = expected.reduce((m, v) => (Number.isFinite(v) ? Math.max(m, Math.abs(v)) : m), 0);
  check.close(actual, expected, { rtol, atol: atol + rtol * scale });
}
