/** Fused kernels round as the ops would one by one, and hand on NaN and infinities: the driver's compiler simplifies nothing across ops. */
import fc from "fast-check";
import { capture } from "../../engine/capture.js";
import { add, constant, div, mul, neg, sub } from "../../engine/ops/arithmetic.js";
import { matmul } from "../../engine/ops/matmul.js";
import { expand } from "../../engine/ops/movement.js";
import { layerNorm } from "../../engine/ops/norm.js";
import { sum } from "../../engine/ops/reduce.js";
import { square } from "../../engine/ops/unary.js";
import { type Tensor, tensor } from "../../engine/tensor.js";
import { type Readings, type Runs, verifyStep } from "../../engine/verify.js";
import { gpuTest } from "../executors.js";
import { check, test } from "../harness.js";
import { drawFrom } from "../values.js";

const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
/** 1.5 · 2²³: added and taken away, it rounds to whole numbers. */
const rounder = 12582912;

/** What two numbers lose when they are added (Knuth). */
function lost(a: Tensor, b: Tensor): Tensor {
  const total = add(a, b);
  const part = sub(total, a);
  return add(sub(a, sub(total, part)), sub(b, part));
}

const cases: Readonly<Record<string, readonly [f: (x: Tensor) => Tensor, x: number[][], y: number[]]>> = {
  "rounding by a constant": [(x) => sub(add(x, rounder), rounder), [[0.4, 1.6]], [0, 2]],
  "rounding by a constant after a product": [
    (x) => sub(add(matmul(x, tensor([[1], [1]])), rounder), rounder),
    [
      [0.2, 0.2],
      [0.9, 0.7],
    ],
    [0, 2],
  ],
  "layerNorm of one NaN and one infinity": [(x) => layerNorm(x), [[nan], [inf]], [nan, nan]],
  "infinity times a difference that is 0": [(x) => mul(x, sub(constant(1), constant(1))), [[inf, 2]], [nan, 0]],
  "infinity times 0": [(x) => mul(x, 0), [[inf, nan, 2]], [nan, nan, 0]],
  "what a sum loses": [(x) => lost(x, add(mul(x, 2 ** -30), 0)), [[1, 3, 2 ** 24]], [2 ** -30, 3 * 2 ** -30, 2 ** -6]],
  "x - x": [(x) => sub(x, x), [[nan, inf, 1]], [nan, nan, 0]],
  "x / x": [(x) => div(x, x), [[nan, inf, 0, 3]], [nan, nan, nan, 1]],
  "x - (-(-x))": [(x) => sub(x, neg(mul(neg(x), 1))), [[nan, inf, 1]], [nan, nan, 0]],
  "a difference of equal sums": [(x) => sub(add(x, 1), add(x, 1)), [[nan, inf, 1]], [nan, nan, 0]],
  "a sum of both signs": [(x) => sum(expand(sub(x, add(x, 0)), [3, 2, 2]), 0), [[nan, inf], [1, 2]], [nan, nan, 0, 0]], // biome-ignore format: one line
  "(x + y) - y": [(x) => sub(add(square(x), 1e8), 1e8), [[1, 3, 5]], [0, 8, 24]],
};

for (const [name, [f, x, y]] of Object.entries(cases))
  gpuTest(`${name}, eager and captured`, async () => {
    const expected = name === "what a sum loses" ? await f(tensor(x)).read() : y;
    using step = capture(f);
    check.close(await f(tensor(x)).read(), expected, {}, "eager");
    check.close(await step(tensor(x)).read(), expected, {}, "captured");
    if (name !== "what a sum loses") return;
    // The loss is an f32 number; sum and loss together are exact.
    for (const [i, v] of x[0].entries())
      check.is(Math.fround(v + v * 2 ** -30) + expected[i], v + v * 2 ** -30, "nothing is lost");
  });

gpuTest("fused pointwise ops equal separate ones to the bit", async () => {
  const special = [nan, inf, -inf, 0, 1, -1, 0.1, 1e8, -1e8, 1e-8, 3e38, 2 ** 23, rounder];
  const x = tensor(
    Float64Array.from({ length: 169 }, (_, i) => special[i % 13]),
    [13, 13],
  );
  const y = tensor(
    Float64Array.from({ length: 169 }, (_, i) => special[Math.floor(i / 13)]),
    [13, 13],
  );
  await fc.assert(
    fc.asyncProperty(fc.gen(), async (g) => {
      const d = drawFrom((low, high) => g(fc.integer, { min: low, max: high }));
      const plan = Array.from({ length: d.int(2, 8) }, () => [d.int(0, 5), d.int(0, 9), d.int(0, 9)]);
      const f = (a: Tensor, b: Tensor): Tensor => {
        const all = [a, b];
        for (const [kind, i, j] of plan) {
          const [p, q] = [all[all.length - 1 - (i % all.length)], all[j % all.length]];
          const ops = [add, sub, mul, (v: Tensor) => mul(v, 3), (v: Tensor) => sub(v, 1e8), neg];
          all.push(ops[kind](p, q));
        }
        return all[all.length - 1];
      };
      using step = capture(f);
      const [expected, actual] = [await f(x, y).read(), await step(x, y).read()];
      // Which NaN it is, and the sign of a zero, is nobody's promise.
      for (let i = 0; i < expected.length; i++)
        check.ok(
          Object.is(actual[i], expected[i]) || actual[i] === expected[i],
          `element ${i} of ${JSON.stringify(plan)}: ${actual[i]} captured, ${expected[i]} eager`,
        );
    }),
    { numRuns: 10 },
  );
});

const readings = (...data: number[]): Readings =>
  new Map([["0", { what: `f32[${data.length}]`, data: Float32Array.from(data) }]]);
const verified = (
  fuse: boolean,
  runs: Partial<Record<"eager" | "again" | "replay" | "fused" | "plain", number>>,
): Promise<void> => {
  let eager = 0;
  const all: Runs = {
    eager: async () => readings(1, (eager++ === 0 ? runs.eager : (runs.again ?? runs.eager)) ?? 1),
    replay: async () => readings(1, runs.replay ?? 1),
    recorded: async (fused) => readings(1, (fused ? runs.fused : runs.plain) ?? 1),
  };
  return verifyStep("s", fuse, all);
};

test("verify says whose fault a difference is", async () => {
  await verified(true, { replay: 1.0001 });
  const blames = (fuse: boolean, runs: Parameters<typeof verified>[1], reason: RegExp) =>
    check.rejects(() => verified(fuse, runs), reason);
  await blames(
    true,
    { replay: 2, again: 3 },
    /differs at element 1: 1 from the function, 2 from the replay; the function itself gives other/,
  );
  await blames(true, { replay: 2 }, /a new capture agrees: what the function closes over has changed/);
  await blames(
    true,
    { replay: 2, fused: 2 },
    /without fusion the replay agrees to the bit.*capture it with \{ fuse: false \}/,
  );
  await blames(true, { replay: 2, fused: 2, plain: 2 }, /this is a fault of the plan/);
  await blames(false, { replay: 1.0001, plain: 1.0001 }, /this is a fault of the plan/);
  await blames(true, { eager: nan, replay: 0, fused: 0 }, /NaN from the function, 0 from the replay/);
  await blames(true, { eager: inf, replay: 7, fused: 7 }, /Infinity from the function, 7 from the replay/);
});

gpuTest("verify notices a number that changed after the capture", async () => {
  let factor = 2;
  using step = capture((x: Tensor) => mul(x, factor));
  const x = tensor([1, 2]);
  await step.verify(x);
  factor = 3;
  const error = await check.rejects(
    () => step.verify(x),
    /3 from the function, 2 from the replay; a new capture agrees/,
  );
  check.match(error.message, /pass it as a tensor/);
});
