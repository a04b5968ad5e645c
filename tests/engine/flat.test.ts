/** Where a function is flat no gradient flows on, whatever comes from above: every op of the table and every sample of it are put
 *  below a function whose derivative is infinite at the very value the op has, and elements on which the op does not depend
 *  must get 0, in the gradient and in the gradient of that. 0 times infinity is what a rule by a mask would give. */
import { capture } from "../../engine/capture.js";
import { grad, stopGradient } from "../../engine/grad.js";
import {
  abs,
  clamp,
  elu,
  leakyRelu,
  max,
  maximum,
  mean,
  min,
  minimum,
  norm,
  pow,
  relu,
  sum,
  where,
} from "../../engine/index.js";
import type { OpSpec, Sample } from "../../engine/op.js";
import { add, mul, multiplyNoNan, sub } from "../../engine/ops/arithmetic.js";
import { table } from "../../engine/ops/table.js";
import { log, rsqrt, sqrt } from "../../engine/ops/unary.js";
import { type Tensor, tensor } from "../../engine/tensor.js";
import { gradients, isDifferentiable, readAll } from "../derivatives.js";
import { gpuTest, onReference, referenceTest } from "../executors.js";
import { check } from "../harness.js";
import { seededDraw, tensorsOf } from "../values.js";

/** Functions whose derivative at 0 is infinite. */
const steep: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  sqrt,
  log,
  rsqrt,
  "pow by a number": (x) => pow(x, 0.5),
  "pow by a tensor": (x) => pow(x, tensor([0.5])),
};
const names = Object.keys(steep);

/** First and second order of `h(y - y₀)`, where y₀ is what y is: g is infinite at every element of y. */
function derivatives(h: (x: Tensor) => Tensor, call: (xs: Tensor[]) => Tensor, inputs: Tensor[]): Tensor[] {
  const f32 = inputs.flatMap((x, i) => (x.dtype === "f32" ? [i] : []));
  const loss = (...xs: Tensor[]): Tensor => {
    const y = call(xs);
    const same = stopGradient(() => y);
    return sum(h(sub(y, same)));
  };
  const first = grad(loss, { argument: f32 });
  const second = grad(
    (...xs: Tensor[]) =>
      first(...xs)
        .map((g) => sum(g))
        .reduce(add),
    { argument: f32 },
  );
  return [...first(...inputs), ...second(...inputs)];
}

// biome-ignore lint/suspicious/noExplicitAny: attributes differ by op.
type AnyOp = OpSpec<any>;

/** What is flat for random weights, in exact arithmetic: the places where both orders must be 0. */
function flatPlaces(sample: Sample, seed: number): Promise<number[]> {
  return onReference(async () => {
    const inputs = tensorsOf(sample.inputs, seed);
    const slopes = await readAll(gradients(sample, inputs));
    return slopes.flatMap((slope, i) => (slope === 0 ? [i, i + slopes.length] : []));
  });
}

interface Case {
  readonly name: string;
  readonly sample: Sample;
  readonly seed: number;
  readonly places: readonly number[];
}

async function casesOf(op: AnyOp): Promise<Case[]> {
  const drawn = op.draw ? [21, 22, 23, 24].map((seed) => op.draw!(seededDraw(seed))) : [];
  const cases: Case[] = [];
  for (const [i, sample] of [...op.samples(), ...drawn].entries()) {
    // An op of integers in between has no slope to be looked for.
    if (!isDifferentiable(op, sample)) continue;
    const places = await flatPlaces(sample, 400 + i);
    if (places.length > 0) cases.push({ name: `${op.name}, sample ${i}`, sample, seed: 400 + i, places });
  }
  return cases;
}

function expectNothing(values: readonly number[], { name, places }: Case, h: string, how: string): void {
  const wrong = places.filter((at) => values[at] !== 0);
  check.equal(
    wrong.map((at) => values[at]).slice(0, 3),
    [],
    `${h} of ${name}, ${how}: ${wrong.length} of ${places.length} derivatives that must be 0`,
  );
}

/** Ops whose samples must show a flat side, so that the search cannot come to find none. */
const KNOWN = [
  "relu",
  "clamp",
  "maximum",
  "minimum",
  "max",
  "min",
  "where",
  "gather",
  "slice",
  "softmax",
  "gatherPool",
];
/** A product is flat in a factor where two others are 0, which is a point and no side; its second order there is NaN in PyTorch too. */
const AT_POINTS = ["prod"];

for (const op of table.filter((op) => op.vjp !== null && !AT_POINTS.includes(op.name))) {
  referenceTest(`${op.name}: flat sides below infinite slopes, in float64`, async () => {
    const cases = await casesOf(op);
    for (const one of cases)
      for (const h of names) {
        const inputs = tensorsOf(one.sample.inputs, one.seed);
        const values = await readAll(derivatives(steep[h], (xs) => one.sample.call(...xs), inputs));
        expectNothing(values, one, h, "in float64");
      }
    check.ok(cases.length > 0 || !KNOWN.includes(op.name), `no sample of ${op.name} shows a flat side`);
  });

  gpuTest(`${op.name}: flat sides below infinite slopes, on the GPU and captured`, async () => {
    const cases = (await casesOf(op)).slice(0, 2);
    for (const [k, one] of cases.entries()) {
      // One function each: the op is what differs between executors.
      const h = names[k % names.length];
      const inputs = tensorsOf(one.sample.inputs, one.seed);
      const both = (xs: Tensor[]): Tensor[] => derivatives(steep[h], (all) => one.sample.call(...all), xs);
      expectNothing(await readAll(both(inputs)), one, h, "on the GPU");
      using step = capture(both);
      expectNothing(await readAll(step(inputs)), one, h, "captured");
    }
    check.ok(true, "an op without a flat side has nothing to show");
  });
}

/** What the samples of the table do not reach: points where a function is flat, and constants that make it so. */
const points: readonly [name: string, x: number[], f: (x: Tensor) => Tensor, flat: number[]][] = [
  ["sqrt(relu)", [-1, 4], (x) => sqrt(relu(x)), [0]],
  ["log(sum(relu))", [-1, -2], (x) => log(sum(relu(x))), [0, 1]],
  ["sqrt(clamp)", [-1, 4], (x) => sqrt(clamp(x, 0, 9)), [0]],
  ["sqrt(maximum)", [-1, 4], (x) => sqrt(maximum(x, 0)), [0]],
  ["sqrt(-minimum)", [1, -4], (x) => sqrt(mul(minimum(x, 0), -1)), [0]],
  ["sqrt(max)", [-1, 0], (x) => sqrt(max(x)), [0]],
  ["sqrt(-min)", [1, 0], (x) => sqrt(mul(min(x), -1)), [0]],
  ["sqrt(abs)", [0, 4], (x) => sqrt(abs(x)), [0]],
  ["sqrt(norm), p = 1", [0, 0], (x) => sqrt(norm(x, 0, { p: 1 })), [0, 1]],
  ["sqrt(norm), p = 2", [0, 0], (x) => sqrt(norm(x)), [0, 1]],
  ["sqrt(norm), p = infinity", [0, 0], (x) => sqrt(norm(x, 0, { p: Infinity })), [0, 1]],
  ["sqrt(leakyRelu), slope 0", [-1, 4], (x) => sqrt(leakyRelu(x, 0)), [0]],
  ["sqrt(elu), alpha 0", [-1, 4], (x) => sqrt(elu(x, 0)), [0]],
  ["sqrt(x⁰ - 1)", [3, 4], (x) => sqrt(sub(pow(x, 0), 1)), [0, 1]],
  ["log(where)", [-1, 4], (x) => log(where(relu(x), x, 0)), [0]],
  ["log(mean(multiplyNoNan))", [-1, 4], (x) => log(mean(multiplyNoNan(x, tensor([0, 0])))), [0, 1]],
];

for (const [name, x, f, flat] of points) {
  const both = ([v]: Tensor[]): Tensor[] => {
    const first = grad((z: Tensor) => sum(f(z)));
    return [first(v), grad((z: Tensor) => sum(first(z)))(v)];
  };
  const places = flat.flatMap((i) => [i, i + x.length]);
  const one = { name, places, sample: undefined as never, seed: 0 };
  referenceTest(`${name} at [${x}], in float64`, async () =>
    expectNothing(await readAll(both([tensor(x)])), one, "the derivative", "in float64"),
  );
  gpuTest(`${name} at [${x}], on the GPU and captured`, async () => {
    expectNothing(await readAll(both([tensor(x)])), one, "the derivative", "on the GPU");
    using step = capture(both);
    expectNothing(await readAll(step([tensor(x)])), one, "the derivative", "captured");
  });
}
