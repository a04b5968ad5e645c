/** One answer for NaN, infinities, zeros and the ends of the range: every pointwise op of the table, on every combination of special
 *  values, on the GPU as it comes and captured, against the float64 reference rounded to f32. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  allowedResults,
  combinations,
  specialCases,
  specialResults,
  specials,
  specialValuesPage,
} from "../../bench/specialValues.js";
import { capture } from "../../engine/capture.js";
import { mul } from "../../engine/ops/arithmetic.js";
import { cast } from "../../engine/ops/cast.js";
import { table } from "../../engine/ops/table.js";
import { sizeOf } from "../../engine/shape.js";
import { type Tensor, tensor } from "../../engine/tensor.js";
import { gpuTest, onReference } from "../executors.js";
import { check, root, test } from "../harness.js";
import { draw, generator } from "../values.js";

const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
const values = [...specials, ...[0.5, 1, 3, 200].flatMap((v) => [v, -v])];

test("the page of special values is what its command writes", async () => {
  const page = readFileSync(join(root, "bench/results/special-values.md"), "utf8");
  check.is(await specialValuesPage(), page, "run `npm run bench -- special-values --save`");
});

interface Golden {
  readonly version: string;
  readonly results: Readonly<Record<string, string>>;
}

test("special values are NumPy's", async () => {
  const file = join(root, "tests/goldens/special.json");
  const { results } = JSON.parse(readFileSync(file, "utf8")) as Golden;
  let compared = 0;
  for (const special of specialCases) {
    if (!Object.hasOwn(results, special.name)) continue;
    const expected = results[special.name].split(" ");
    const inputs = combinations(specials, special.arity);
    const allowed = await allowedResults(special, inputs);
    check.equal(allowed.length, expected.length);
    for (const [i, [actual]] of allowed.entries()) {
      const e = Number(expected[i].replace("inf", "Infinity"));
      compared++;
      if (agrees(actual, e) || special.open?.(inputs.map((list) => list[i]))) continue;
      check.fail(`${special.name}(${inputs.map((list) => list[i]).join(", ")}) is ${actual}, in NumPy ${expected[i]}`);
    }
  }
  check.ok(compared > 1500, `only ${compared} values were compared`);
});

/** Whether a result is the reference's, in f32: NaN and infinities are themselves, zeros of both signs are one. */
function agrees(actual: number, expected: number): boolean {
  const e = Math.fround(expected);
  if (Object.is(actual, e) || actual === e) return true;
  return Number.isFinite(e) && Math.abs(actual - e) <= 1e-6 + 2e-5 * Math.abs(e);
}

for (const special of specialCases)
  gpuTest(`special values of ${special.name}`, async () => {
    const inputs = combinations(values, special.arity);
    const allowed = await allowedResults(special, inputs);
    using step = capture((...xs: Tensor[]) => mul(cast(special.call(...xs), "f32"), 1));
    for (const [how, actual] of [
      ["eager", await specialResults(special, inputs).read()],
      ["captured", await step(...inputs.map((list) => tensor(Float64Array.from(list)))).read()],
    ] as const) {
      const wrong: string[] = [];
      for (let i = 0; i < actual.length; i++) {
        const at = inputs.map((list) => list[i]);
        if (allowed[i].some((value) => agrees(actual[i], value)) || special.open?.(at)) continue;
        wrong.push(`${special.name}(${at.join(", ")}) is ${actual[i]}, in float64 ${allowed[i][0]}`);
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
