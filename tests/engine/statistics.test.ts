/** Reductions composed of others: values, derivatives, and what happens where they are not smooth. */
import { checkGrads } from "../../engine/check.js";
import { grad, hessian } from "../../engine/grad.js";
import { logSumExp, norm, variance } from "../../engine/ops/statistics.js";
import { type Tensor, tensor } from "../../engine/tensor.js";
import { gpuTest, referenceTest } from "../executors.js";
import { check } from "../harness.js";

const values = [
  [1, 2, 4, 9],
  [-3, 0.5, 0.25, -1],
];
const close = { rtol: 1e-5, atol: 1e-6 };

// Worked by hand: means 4 and -0.8125.
const cases: [string, (x: Tensor) => Tensor, number[]][] = [
  ["variance", (x) => variance(x, 1), [9.5, 1.91796875]],
  ["unbiased variance", (x) => variance(x, 1, { ddof: 1, keepDims: true }), [38 / 3, 7.671875 / 3]],
  ["1-norm", (x) => norm(x, 1, { p: 1 }), [16, 4.75]],
  ["2-norm", (x) => norm(x, 1), [Math.sqrt(102), Math.sqrt(10.3125)]],
  ["max-norm", (x) => norm(x, 1, { p: Infinity }), [9, 3]],
  ["logSumExp", (x) => logSumExp(x, 1), values.map((row) => Math.log(row.reduce((sum, v) => sum + Math.exp(v), 0)))],
];
for (const [name, call, expected] of cases) {
  referenceTest(`${name}: values and three orders of derivatives`, async () => {
    check.close([...(await call(tensor(values)).read())], expected, { rtol: 1e-12, atol: 1e-12 });
    await checkGrads(call, [tensor(values)], { order: 3 });
  });
  gpuTest(`${name} on the GPU`, async () => {
    check.close([...(await call(tensor(values)).read())], expected, close);
  });
}

for (const run of [referenceTest, gpuTest]) {
  const where = run === gpuTest ? "on the GPU" : "in float64";
  run(`the gradient of a norm at 0 is 0, at any order, ${where}`, async () => {
    const zero = tensor([0, 0, 0]);
    for (const p of [1, 2] as const)
      check.equal([...(await grad((x: Tensor) => norm(x, 0, { p }))(zero).read())], [0, 0, 0]);
    check.equal([...(await hessian((x: Tensor) => norm(x))(zero).read())], new Array(9).fill(0));
  });

  run(`logSumExp of large and infinite elements, ${where}`, async () => {
    const x = tensor([
      [1000, 1000],
      [-1000, -1000],
      [-Infinity, -Infinity],
      [0, Infinity],
      [-Infinity, 3],
    ]);
    const y = await logSumExp(x, 1).read();
    check.close([...y], [1000 + Math.LN2, -1000 + Math.LN2, -Infinity, Infinity, 3], close);
  });
}

referenceTest("refusals say what is needed", () => {
  check.throws(
    () => variance(tensor([1]), 0, { ddof: 1 }),
    /variance: 1 elements of f32\[1\] with ddof 1; more than ddof/,
  );
  check.throws(() => norm(tensor([1]), 0, { p: 3 as 2 }), /norm: p 3 given; 1, 2 or Infinity is needed/);
});
