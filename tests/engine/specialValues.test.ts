/** One answer for NaN, infinities, zeros and the ends of the range: every pointwise op of the table, on every combination of special
 *  values, on the GPU as it comes and captured, against the float64 reference rounded to f32. */
import { capture } from "../../engine/capture.js";
import type { OpSpec, Sample } from "../../engine/op.js";
import { mul } from "../../engine/ops/arithmetic.js";
import { where } from "../../engine/ops/binary.js";
import { cast, logicalAnd, logicalNot, logicalOr } from "../../engine/ops/compare.js";
import { table } from "../../engine/ops/table.js";
import { sizeOf } from "../../engine/shape.js";
import { type Tensor, tensor } from "../../engine/tensor.js";
import { gpuTest, onReference } from "../executors.js";
import { check } from "../harness.js";
import { draw, generator } from "../values.js";

const LARGEST = 2 ** 128 - 2 ** 104;
const SMALLEST = 2 ** -126;
const SUBNORMAL = 2 ** -149;
const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
const special = [nan, 0, inf, LARGEST, SMALLEST, SUBNORMAL, 0.5, 1, 3, 200].flatMap((v) => (v > 0 ? [v, -v] : [v]));
special.push(-0);

/** Where an answer is not promised: what the public description says. */
const EXCEPTIONS: Readonly<Record<string, (inputs: readonly number[]) => boolean>> = {
  // Beyond 10⁴ what the driver gives.
  sin: ([x]) => Math.abs(x) === LARGEST,
  cos: ([x]) => Math.abs(x) === LARGEST,
};

interface Case {
  readonly name: string;
  readonly arity: number;
  readonly call: (...xs: Tensor[]) => Tensor;
  readonly excepted: (inputs: readonly number[]) => boolean;
}

// biome-ignore lint/suspicious/noExplicitAny: attributes differ by op.
function casesOf(op: OpSpec<any>): Case[] {
  const isPlain = ({ inputs, note }: Sample, i: number): boolean =>
    inputs.length > 0 &&
    inputs.every(({ dtype = "f32" }) => dtype === "f32") &&
    (i === 0 || !["scalar", "empty", "broadcast", undefined].includes(note));
  return op
    .samples()
    .filter(isPlain)
    .map(({ inputs, call, note }) => ({
      name: note ? `${op.name}, ${note}` : op.name,
      arity: inputs.length,
      call,
      excepted: EXCEPTIONS[op.name] ?? (() => false),
    }));
}

const never = (): boolean => false;
const cases: Case[] = [
  ...table.filter((op) => op.expression && op.name !== "where").flatMap(casesOf),
  { name: "where", arity: 1, call: (mask) => where(mask, 1, 2), excepted: never },
  { name: "where, of values", arity: 2, call: (a, b) => where(tensor(1), a, b), excepted: never },
  { name: "logicalNot", arity: 1, call: logicalNot, excepted: never },
  { name: "logicalAnd", arity: 2, call: logicalAnd, excepted: never },
  { name: "logicalOr", arity: 2, call: logicalOr, excepted: never },
];

/** Every combination, as a list for each operand. */
function combinations(arity: number): number[][] {
  const count = special.length ** arity;
  return Array.from({ length: arity }, (_, k) =>
    Array.from({ length: count }, (_, i) => special[Math.floor(i / special.length ** k) % special.length]),
  );
}

/** Adapters may take a subnormal number for 0. */
const flushed = (v: number): number => (Math.abs(v) < SMALLEST ? 0 * Math.sign(v) : v);

/** Whether a result is the reference's, in f32: NaN and infinities are themselves, zeros of both signs are one. */
function agrees(actual: number, expected: number): boolean {
  const e = Math.fround(expected);
  if (Object.is(actual, e) || actual === e) return true;
  return Number.isFinite(e) && Math.abs(actual - e) <= 1e-6 + 2e-5 * Math.abs(e);
}

for (const { name, arity, call, excepted } of cases)
  gpuTest(`special values of ${name}`, async () => {
    const inputs = combinations(arity);
    const f = (xs: Tensor[]): Tensor => mul(cast(call(...xs), "f32"), 1);
    const make = (change = (v: number): number => v): Tensor[] =>
      inputs.map((list) => tensor(Float64Array.from(list, change)));
    const [expected, ofZeros] = await onReference(async () => [await f(make()).read(), await f(make(flushed)).read()]);
    using step = capture((...xs: Tensor[]) => f(xs));
    for (const [how, actual] of [
      ["eager", await f(make()).read()],
      ["captured", await step(...make()).read()],
    ] as const) {
      const wrong: string[] = [];
      for (let i = 0; i < actual.length; i++) {
        const at = inputs.map((list) => list[i]);
        if (agrees(actual[i], expected[i]) || agrees(actual[i], ofZeros[i]) || excepted(at)) continue;
        wrong.push(`${name}(${at.join(", ")}) is ${actual[i]}, in float64 ${expected[i]}`);
      }
      check.equal(wrong.slice(0, 5), [], `${wrong.length} of ${actual.length} ${how} results`);
    }
  });

/** Convolutions may multiply the zeros of a padding by a weight that is no number, which is NaN: a result may be NaN where the
 *  definition leaves the padding out. */
const PADDED = ["conv2d", "conv2dInput", "conv2dFilter"];

/** NaN, an infinity with its sign, or any number. */
const kindOf = (v: number): string => (Number.isFinite(v) ? "finite" : String(v));

for (const op of table.filter(({ expression }) => !expression))
  gpuTest(`one special value among others in ${op.name}`, async () => {
    const tried = op
      .samples()
      .flatMap((sample, i) =>
        sample.inputs.flatMap(({ dtype = "f32", shape }, k) =>
          dtype === "f32" && sizeOf(shape) > 0 ? [{ sample, i, k }] : [],
        ),
      );
    for (const { sample, i, k } of tried)
      for (const value of [nan, inf, -inf]) {
        const random = generator(100 + i);
        const data = sample.inputs.map((spec) => draw(spec, random));
        data[k][data[k].length >> 1] = value;
        const make = (): Tensor[] => data.map((d, j) => tensor(d, sample.inputs[j].shape));
        const f = (xs: Tensor[]): Tensor => mul(cast(sample.call(...xs), "f32"), 1);
        const expected = await onReference(async () => f(make()).read());
        using step = capture((...xs: Tensor[]) => f(xs));
        for (const [how, actual] of [
          ["eager", await f(make()).read()],
          ["captured", await step(...make()).read()],
        ] as const) {
          const wrong = [...actual.keys()].filter(
            (at) =>
              kindOf(actual[at]) !== kindOf(Math.fround(expected[at])) &&
              !(PADDED.includes(op.name) && Number.isNaN(actual[at])),
          );
          check.equal(
            wrong.slice(0, 3).map((at) => `${at}: ${actual[at]}, in float64 ${expected[at]}`),
            [],
            `${op.name}, sample ${i} with ${value} in input ${k}, ${how}: ${wrong.length} of ${actual.length}`,
          );
        }
      }
    check.ok(true, "an op of integers has no special values");
  });
