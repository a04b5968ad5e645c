import { readFileSync } from "node:fs";
import { compare, type Summary, summarise, tolerance } from "../../bench/agreement.js";
import {
  type CaseName,
  caseNames,
  matmulInputs,
  networkCaseNames,
  softplusInputs,
  sumInputs,
} from "../../bench/inputs.js";
import { check, test } from "../harness.js";

const casesOf = (file: string) =>
  JSON.parse(readFileSync(new URL(`../../../bench/peers/${file}`, import.meta.url), "utf8")).cases;
const goldens: Record<CaseName, Summary> = casesOf("goldens.json");

const values = Float64Array.from({ length: 5000 }, (_, i) => Math.sin(i));

test("every case has a golden", () => {
  check.equal(Object.keys(goldens), [...caseNames]);
  check.equal(Object.keys(casesOf("networkGoldens.json")), [...networkCaseNames]);
});

test("a result agrees with itself", () => {
  check.equal(compare({ y: summarise(values) }, { y: summarise(values) }).relativeError, 0);
});

test("an error anywhere disagrees, whatever its sign", () => {
  const truth = { y: summarise(values) };
  for (let block = 0; block < values.length; block += 100) {
    const wrong = values.slice();
    // One block in fifty with the opposite sign: no norm shows it.
    for (let i = block; i < block + 100; i++) wrong[i] = -wrong[i];
    check.ok(compare({ y: summarise(wrong) }, truth).relativeError > tolerance);
  }
});

test("NaN disagrees even where truth is zero, and zero agrees with zero", () => {
  const zero = { y: summarise([0, 0, 0]) };
  check.equal(compare(zero, zero).relativeError, 0);
  check.equal(compare({ y: summarise([0, Number.NaN, 0]) }, zero).relativeError, Infinity);
});

test("a missing or cut result is refused", () => {
  const truth = { y: summarise(values) };
  check.throws(() => compare({}, truth), /y has no entries ; 5000 are needed/);
  check.throws(() => compare({ y: summarise(values.subarray(1)) }, truth), /y has 4999 entries ; 5000 are needed/);
});

test("the goldens belong to the inputs: sum and softplus", () => {
  const sum = [sumInputs().x.data.reduce((total, value) => total + value, 0)];
  check.ok(compare({ sum: summarise(sum) }, goldens["sum-4m"]).relativeError < 1e-8);
  const { x, w, b } = softplusInputs();
  const y = Float64Array.from(x.data, (value) => Math.log1p(Math.exp(value * w.data[0] + b.data[0])));
  check.ok(compare({ y: summarise(y) }, goldens["softplus-4m"]).relativeError < 1e-8);
});

test("the goldens belong to the inputs: matrix product", () => {
  const { a, b } = matmulInputs(512);
  const c = new Float64Array(512 * 512);
  for (let row = 0; row < 512; row++)
    for (let k = 0; k < 512; k++)
      for (let column = 0; column < 512; column++)
        c[row * 512 + column] += a.data[row * 512 + k] * b.data[k * 512 + column];
  check.ok(compare({ c: summarise(c) }, goldens["matmul-512"]).relativeError < 1e-8);
});
