/** Conventions (side of padding, ties, divisors) against PyTorch: values and gradients of goldens/ops.json. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { grad } from "../../engine/grad.js";
import { mul } from "../../engine/ops/arithmetic.js";
import { conv2d, convTranspose2d } from "../../engine/ops/conv.js";
import { batchNorm, batchStatistics, groupNorm, layerNorm } from "../../engine/ops/norm.js";
import { avgPool2d } from "../../engine/ops/pool.average.js";
import { maxPool2d } from "../../engine/ops/pool.max.js";
import { sum } from "../../engine/ops/reduce.js";
import { resize2d } from "../../engine/ops/resize.js";
import { logSoftmax, softmax } from "../../engine/ops/softmax.js";
import { argsort, quantile, topK } from "../../engine/ops/sort.js";
import { type Tensor, tensor } from "../../engine/tensor.js";
import { gpuTest, referenceTest } from "../executors.js";
import { check, root } from "../harness.js";

interface Golden {
  readonly shape: number[];
  /** Infinities are written as text. */
  readonly data: (number | string)[];
}

interface Case {
  readonly op: string;
  readonly note: string;
  // biome-ignore lint/suspicious/noExplicitAny: options of different ops.
  readonly options: any;
  readonly inputs: Golden[];
  readonly result: Golden;
  readonly gradients?: Golden[];
}

// biome-ignore lint/suspicious/noExplicitAny: options of different ops.
const calls: Record<string, (inputs: Tensor[], options: any) => Tensor> = {
  conv2d: ([x, w], o) => conv2d(x, w, o),
  convTranspose2d: ([x, w], o) => convTranspose2d(x, w, o),
  maxPool2d: ([x], o) => maxPool2d(x, o),
  avgPool2d: ([x], o) => avgPool2d(x, o),
  resize2d: ([x], { size, mode }) => resize2d(x, size, { mode }),
  softmax: ([x], { axis }) => softmax(x, axis),
  logSoftmax: ([x], { axis }) => logSoftmax(x, axis),
  layerNorm: ([x, scale, shift], { axes }) => layerNorm(x, { axes, scale, shift }),
  groupNorm: ([x, scale, shift], { groups }) => groupNorm(x, groups, { scale, shift }),
  batchNorm: ([x, scale, shift]) => batchNorm(x, batchStatistics(x), { scale, shift }),
  argsort: ([x], { descending }) => argsort(x, { descending }),
  topK: ([x], { k, axis }) => topK(x, k, { axis }).values,
  quantile: ([x], { q, axis }) => quantile(x, q, { axis }),
};

const { cases } = JSON.parse(readFileSync(join(root, "tests/goldens/ops.json"), "utf8")) as { cases: Case[] };
const numbers = ({ data }: Golden): number[] => data.map(Number);

async function compare({ op, options, inputs, result, gradients }: Case, rtol: number): Promise<void> {
  const xs = inputs.map((x) => tensor(Float64Array.from(numbers(x)), x.shape));
  const y = calls[op](xs, options);
  check.equal([...y.shape], result.shape);
  check.close(await y.read(), numbers(result), { rtol, atol: rtol });
  if (!gradients) return;
  // The weights make.py uses.
  const n = y.size;
  const weights = tensor(
    Float64Array.from({ length: n }, (_, i) => -1 + (2 * i) / (n - 1)),
    y.shape,
  );
  const weighted = (...all: Tensor[]): Tensor => sum(mul(calls[op](all, options), weights));
  const found = grad(weighted, { argument: xs.map((_, i) => i) })(...xs) as Tensor[];
  for (const [i, g] of found.entries()) check.close(await g.read(), numbers(gradients[i]), { rtol, atol: 10 * rtol });
}

for (const golden of cases) {
  const name = `${golden.op}: ${golden.note}`;
  // make.py rounds to twelve digits.
  referenceTest(`${name}, in float64`, () => compare(golden, 1e-11));
  gpuTest(`${name}, on the GPU`, () => compare(golden, 1e-5));
}
