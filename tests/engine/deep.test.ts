/** Deep and wide programs: nothing walks a graph by recursion, and no kernel grows with the length of a chain. */
import { capture } from "../../engine/capture.js";
import { operationsIn } from "../../engine/expression.js";
import type { Program } from "../../engine/gpu/planned.js";
import { grad } from "../../engine/grad.js";
import { maxOperations } from "../../engine/graph/budget.js";
import { printProgram } from "../../engine/graph/print.js";
import { tanh } from "../../engine/ops/activations.js";
import { add, mul, sub } from "../../engine/ops/arithmetic.js";
import { zeros } from "../../engine/ops/create.js";
import { reshape } from "../../engine/ops/movement.js";
import { layerNorm } from "../../engine/ops/norm.js";
import { sum } from "../../engine/ops/reduce.js";
import { sin } from "../../engine/ops/unary.js";
import { flip, transpose } from "../../engine/ops/view.js";
import { type Tensor, tensor } from "../../engine/tensor.js";
import { gpuTest, referenceTest } from "../executors.js";
import { check, test } from "../harness.js";
import { llvmpipe, programOn } from "./programs.js";

const DEPTH = 20_000;

/** `count` pointwise ops, one after the other. */
function chain(x: Tensor, count: number): Tensor {
  let y = x;
  for (let i = 0; i < count; i++) y = i % 3 === 0 ? mul(y, 0.9999) : i % 3 === 1 ? sub(y, 1e-4) : sin(y);
  return y;
}

/** What a driver has to compile, kernel by kernel: operations of the generated ones, with library functions written out. */
function operationsOf({ once, launches }: Program): number[] {
  const kernels = new Set([...once, ...launches].flatMap(({ kernel }) => (typeof kernel === "string" ? [] : [kernel])));
  return [...kernels].map(({ source }) =>
    source
      .join("")
      .split("\n")
      .filter((line) => /^ {2}let t\d+/.test(line))
      .reduce((total, line) => total + operationsIn(line), 0),
  );
}

referenceTest(`${DEPTH} chained ops, eager and captured, with their gradient`, async () => {
  const slope = grad((x: Tensor) => sum(chain(x, DEPTH)));
  const x = tensor([0.3, -0.2]);
  using step = capture(slope);
  check.identical(await step(x).read(), await slope(x).read());
  check.match(step.describe(), /\d+ ops/);
});

test("the gradient of a long chain as a program", () => {
  for (const [depth, shape] of [
    [4000, [4]],
    [2000, [1000, 1000]],
  ] as const) {
    const program = programOn(llvmpipe, () => ({
      step: grad((x: Tensor) => sum(chain(x, depth))),
      args: [zeros(shape)],
    }));
    const largest = Math.max(...operationsOf(program));
    // Guards and texts that are written differently add to what was estimated.
    check.ok(largest <= 2 * maxOperations, `a kernel of ${largest} operations`);
    check.ok(printProgram(program, { source: true }).length > 0);
  }
});

test("thousands of views, and of ops side by side", () => {
  const views = programOn(llvmpipe, () => ({
    step: (x: Tensor) => {
      let y = x;
      for (let i = 0; i < 3000; i++) y = i % 3 === 0 ? transpose(y) : i % 3 === 1 ? flip(y, [0]) : reshape(y, [i % 2 ? 6 : 4, i % 2 ? 4 : 6]); // biome-ignore format: one line
      return mul(y, 2);
    },
    args: [zeros([4, 6])],
  }));
  check.ok(views.launches.length > 0);
  const wide = programOn(llvmpipe, () => ({
    step: (x: Tensor) => {
      let y = x;
      for (let i = 0; i < 3000; i++) y = add(y, sin(mul(x, i)));
      return y;
    },
    args: [zeros([8])],
  }));
  check.ok(Math.max(...operationsOf(wide)) <= 2 * maxOperations);
});

gpuTest("a chain of 2000 ops and its gradient, captured", async () => {
  const slope = grad((x: Tensor) => sum(chain(x, 2000)));
  const x = tensor([0.3, -0.2]);
  using step = capture(slope);
  check.close(await step(x).read(), await slope(x).read(), { rtol: 1e-5 });
});

/** `depth` times tanh of a normalisation, as a step that differentiates it. */
const normalised = (side: number, depth: number): Program =>
  programOn(llvmpipe, () => ({
    step: grad((x: Tensor) => {
      let y = x;
      for (let i = 0; i < depth; i++) y = tanh(layerNorm(y));
      return sum(mul(y, y));
    }),
    args: [zeros([5, side])],
  }));

test("what a step makes a driver compile does not depend on the sides of its tensors", () => {
  const total = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0);
  for (const depth of [1, 3, 8]) {
    // Too long to be written out.
    const long = total(operationsOf(normalised(64, depth)));
    for (const side of [2, 4, 8, 12, 14, 16, 17, 32]) {
      const counts = operationsOf(normalised(side, depth));
      if (process.env.HOLDFAST_REPORT_SIZES)
        console.log(`depth ${depth} side ${side}: ${total(counts)}, at 64 ${long}`);
      check.ok(
        Math.max(...counts) <= 2 * maxOperations,
        `side ${side}, depth ${depth}: a kernel of ${Math.max(...counts)}`,
      );
      check.ok(
        total(counts) <= 40 * long,
        `side ${side}, depth ${depth}: ${total(counts)} operations, ${long} at side 64`,
      );
    }
  }
});
