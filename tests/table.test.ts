/**
 * The generated tests: every op of the table, every sample. The one hard question (are GPU derivatives right at any
 * order?) is split in two: rules are checked against finite differences in float64, kernels against float64.
 */
import fc from "fast-check";
import { capture } from "../engine/capture.js";
import { checkGrads } from "../engine/check.js";
import { grad } from "../engine/grad.js";
import type { OpSpec, Sample } from "../engine/op.js";
import { mul } from "../engine/ops/arithmetic.js";
import { sum } from "../engine/ops/reduce.js";
import { table } from "../engine/ops/table.js";
import type { Tensor } from "../engine/tensor.js";
import {
  closeScaled,
  GRADIENT,
  gradients,
  isDifferentiable,
  readAll,
  SECOND,
  secondOrder,
  weighted,
} from "./derivatives.js";
import { gpuTest, onGpu, onReference, referenceTest } from "./executors.js";
import { check, test } from "./harness.js";
import { drawFrom, seededDraw, tensorsOf } from "./values.js";

/** Random samples per op in one run, as many as PyTorch's gradcheck habit asks for. */
const DRAWS = 100;
/** Orders checked on every random draw; the fixed samples go to the third. */
const DRAW_ORDER = 2;

// biome-ignore lint/suspicious/noExplicitAny: attributes differ by op.
type AnyOp = OpSpec<any>;

/** The op's own samples and, where it can draw, three random ones. */
function samplesOf(op: AnyOp): Sample[] {
  const drawn = op.draw ? [11, 12, 13].map((seed) => op.draw!(seededDraw(seed))) : [];
  return [...op.samples(), ...drawn];
}

async function bothExecutors(
  sample: Sample,
  seed: number,
  compute: (inputs: Tensor[]) => Tensor[],
): Promise<{ actual: number[]; expected: number[] }> {
  const expected = await onReference(() => readAll(compute(tensorsOf(sample.inputs, seed))));
  const actual = await onGpu(() => readAll(compute(tensorsOf(sample.inputs, seed))));
  return { actual, expected };
}

/** What an op that moves elements may put between them: 0, and the filling of a sample of `place`. */
const FILLINGS = [0, 1.5];

for (const op of table) {
  const samples = samplesOf(op);

  for (const [i, sample] of samples.entries()) {
    const name = `${op.name} ${sample.note ?? i}`;
    const seed = 100 + i;

    gpuTest(`${name}: kernel = reference`, async () => {
      const { actual, expected } = await bothExecutors(sample, seed, (xs) => [sample.call(...xs)]);
      check.close(actual, expected, { rtol: op.tolerance?.rtol ?? 1e-5, atol: op.tolerance?.atol ?? 1e-6 });
    });

    gpuTest(`${name}: replay = eager to the bit`, async () => {
      const inputs = tensorsOf(sample.inputs, seed);
      // A reduction over no axes is its input, and a step needs an op; a product with 1 changes no bit.
      const call = (xs: Tensor[]): Tensor => mul(sample.call(...xs), 1);
      const step = capture((xs: Tensor[]) => [call(xs)], { fuse: false });
      try {
        const eager = await call(inputs).read();
        // The second call is the first that only replays.
        for (let i = 0; i < 2; i++) check.identical(await step(inputs)[0].read(), eager);
      } finally {
        step.dispose();
      }
    });

    if (!isDifferentiable(op, sample)) continue;

    referenceTest(`${name}: orders 1 to ${op.smoothOrder ?? 3}`, async () => {
      await checkGrads(sample.call, tensorsOf(sample.inputs, seed), { order: op.smoothOrder ?? 3 });
      check.ok(true, "checkGrads throws when a derivative is wrong");
    });

    gpuTest(`${name}: gradient on the GPU`, async () => {
      const { actual, expected } = await bothExecutors(sample, seed, (xs) => gradients(sample, xs));
      closeScaled(actual, expected, GRADIENT);
    });

    gpuTest(`${name}: captured and fused second order`, async () => {
      const expected = await onReference(() => readAll(secondOrder(sample, tensorsOf(sample.inputs, seed))));
      const inputs = tensorsOf(sample.inputs, seed);
      const step = capture((xs: Tensor[]) => secondOrder(sample, xs));
      try {
        closeScaled(await readAll(step(inputs)), expected, SECOND);
      } finally {
        step.dispose();
      }
    });

    gpuTest(`${name}: second order on the GPU`, async () => {
      const { actual, expected } = await bothExecutors(sample, seed, (xs) => secondOrder(sample, xs));
      closeScaled(actual, expected, SECOND);
    });
  }

  for (const i of op.linearIn ?? [])
    referenceTest(`${op.name}: adjoint identity in input ${i}`, async () => {
      for (const [k, sample] of samples.entries()) {
        if ((sample.inputs[i]?.dtype ?? "f32") !== "f32") continue;
        const inputs = tensorsOf(sample.inputs, 200 + k);
        // ⟨A x, g⟩ = ⟨x, Aᵀ g⟩ where weighted() is ⟨A x, g⟩ and its gradient is Aᵀ g.
        const g = grad((...xs: Tensor[]) => weighted(sample, xs), { argument: i })(...inputs) as Tensor;
        const left = await weighted(sample, inputs).item();
        const right = await sum(mul(inputs[i], g)).item();
        check.close([right], [left], { rtol: 1e-10, atol: 1e-10 });
      }
      check.ok(samples.length > 0, "an op that is linear in an input has samples");
    });

  if (op.routes)
    referenceTest(`${op.name}: moves elements and makes no others`, async () => {
      for (const [k, sample] of samples.entries()) {
        const inputs = tensorsOf(sample.inputs, 250 + k);
        const given = new Set((await readAll(inputs)).concat(FILLINGS));
        const made = await readAll([sample.call(...inputs)]);
        check.equal(
          made.filter((value) => !given.has(value)).slice(0, 3),
          [],
          "elements of the result that no input has",
        );
      }
      check.ok(samples.length > 0, "an op that moves elements has samples");
    });

  if (op.draw && op.vjp !== null)
    test(`${op.name}: ${DRAWS} random samples to order ${Math.min(DRAW_ORDER, op.smoothOrder ?? 3)}`, async () => {
      const property = fc.asyncProperty(fc.gen(), fc.integer({ min: 0, max: 2 ** 31 }), async (g, seed) => {
        const sample = op.draw!(drawFrom((low, high) => g(fc.integer, { min: low, max: high })));
        if (!isDifferentiable(op, sample)) return;
        await onReference(() =>
          checkGrads(sample.call, tensorsOf(sample.inputs, seed), {
            order: Math.min(DRAW_ORDER, op.smoothOrder ?? 3),
            seed,
          }),
        );
      });
      await fc.assert(property, { numRuns: DRAWS });
    });

  for (const [i, failure] of op.failures().entries())
    referenceTest(`${op.name}: refusal ${i}`, () => {
      const inputs = tensorsOf(failure.inputs, 300 + i);
      check.throws(() => failure.call(...inputs), failure.message);
    });
}

test("the table is complete", () => {
  const names = table.map((op) => op.name);
  check.equal([...new Set(names)].length, names.length, "op names are unique");
  for (const op of table) {
    check.ok(op.samples().length > 0, `${op.name} has no sample`);
    const lowerings = [op.expression, op.view, op.launch].filter((f) => f !== undefined).length;
    check.is(lowerings, 1, `${op.name} has ${lowerings} lowerings; exactly one of expression, view, launch is needed`);
  }
});
