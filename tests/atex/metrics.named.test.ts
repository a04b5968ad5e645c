/** Metrics by name: in pieces, on colour images and tables, with a background; unknown names; the table for the documentation. */
import { ELEMENT_BUDGET } from "../../atex/copies.js";
import {
  aopcCurves,
  averageStability,
  classScore,
  gradient,
  infidelity,
  linf,
  METRIC_TABLE,
  makeMetric,
  maxSensitivity,
  metricEntryOf,
  metricTable,
  noisePerturbation,
  type Score,
  saliencyMap,
  similaritiesOf,
  spearman,
} from "../../atex/index.js";
import { matmul, mul, random, reshape, slice, sum, type Tensor, tensor } from "../../engine/index.js";
import { referenceTest } from "../executors.js";
import { check, test } from "../harness.js";
import { numbers, SUBJECTS, type TestSubject } from "./subjects.js";

const N = 3;
const scoreOf = ({ logits }: TestSubject, from = 0, n = N): Score =>
  classScore(logits, tensor(Int32Array.from({ length: n }, (_, i) => (from + i) % 3)));
const read = async (t: Tensor): Promise<number[]> => [...(await t.read())];

referenceTest("the gradient of a linear score is perfectly faithful to removal of noise and squares", async () => {
  const linear: Score = (x) => reshape(matmul(reshape(x, [x.shape[0], -1]), numbers([25, 1], 2)), [x.shape[0]]);
  const x = numbers([2, 1, 5, 5], 3);
  for (const perturbation of ["noise", "square"]) {
    const metric = makeMetric("infidelity", { perturbation }, { key: random.key(1) });
    check.close(await read(metric(linear, x, gradient(linear, x))), [0, 0], { atol: 1e-20 });
  }
});

referenceTest("colour images are measured through saliency maps; a table's columns with their own ranges", async () => {
  const [, colour, table] = SUBJECTS;
  const x = colour.x(N);
  const score = scoreOf(colour);
  const map = saliencyMap(gradient(score, x));
  check.equal([...map.shape], [N, 6, 7]);
  for (const name of ["aopc", "insertion-auc", "deletion-auc"] as const)
    check.ok((await read(makeMetric(name, {}, colour.context())(score, x, map))).every(Number.isFinite), name);
  // Noise of a column that cannot vary is none.
  const range = { low: [0, 0, 0, 0, 0, -2], high: [0, 0, 0, 0, 0, 2] };
  const domain = { shape: [6], range };
  const attribution = tensor([[9, 9, 9, 9, 9, 0]]);
  const onlyLast: Score = (z) => mul(sum(slice(z, [0, 5], [-1, 1]), 1), 0);
  const metric = makeMetric("infidelity", {}, { key: random.key(1), domain });
  check.close(await read(metric(onlyLast, table.x(1), attribution)), [0], { atol: 1e-20 });
});

referenceTest("copies are evaluated in pieces, and the result does not depend on the pieces", async () => {
  const [n, side] = [40, 28];
  const x = numbers([n, 1, side, side], 1, 0, 1);
  const weights = numbers([side * side, 1], 2);
  let largest = 0;
  const score: Score = (z) => {
    largest = Math.max(largest, z.size);
    return reshape(matmul(reshape(z, [z.shape[0], -1]), weights), [z.shape[0]]);
  };
  const map = numbers([n, side, side], 3);
  const given = { key: random.key(1), explainer: gradient };
  await read(makeMetric("deletion-auc")(score, x, map));
  await read(makeMetric("aopc", {}, given)(score, x, map));
  await read(makeMetric("infidelity", {}, given)(score, x, gradient(score, x)));
  await read(makeMetric("max-sensitivity", {}, given)(score, x));
  check.ok(largest > x.size && largest <= ELEMENT_BUDGET, `${largest} elements at once`);
  // A batch beyond the budget goes through as it is.
  const big = numbers([800, 1, side, side], 4, 0, 1);
  await read(makeMetric("max-sensitivity", { samples: 2 }, given)(score, big));
  check.is(largest, big.size);
  const curved: Score = (z) => sum(mul(z, mul(z, z)), [1, 2, 3]);
  const few = slice(x, [0, 0, 0, 0], [2, 1, side, side]);
  for (const make of [maxSensitivity, averageStability]) {
    const values = [1, 3, 50].map((chunk) =>
      read(make({ explainer: gradient, ball: linf(0.2), key: random.key(2), samples: 7, chunk })(curved, few)),
    );
    const [one, ...others] = await Promise.all(values);
    for (const other of others) check.close(other, one, { rtol: 1e-12 });
  }
  const attribution = gradient(curved, few);
  const values = [1, 3, 50].map((chunk) =>
    read(
      infidelity({ perturbation: noisePerturbation(0.2), key: random.key(2), samples: 7, chunk })(
        curved,
        few,
        attribution,
      ),
    ),
  );
  const [one, ...others] = await Promise.all(values);
  for (const other of others) check.close(other, one, { rtol: 1e-12 });
});

referenceTest("the random order of AOPC is the same for a sample alone", async () => {
  const [subject] = SUBJECTS;
  const x = subject.x(N);
  const curve = (from: number, n: number): Promise<number[]> => {
    const images = slice(x, [from, 0, 0, 0], [n, ...subject.shape]);
    const score = scoreOf(subject, from, n);
    return read(aopcCurves({ key: random.key(3) })(score, images, saliencyMap(images)).random);
  };
  const [all, alone] = [await curve(0, N), await curve(1, 1)];
  check.close(
    alone,
    alone.map((_, k) => all[k * N + 1]),
    { rtol: 1e-9, atol: 1e-12 },
  );
});

referenceTest("the baseline of insertion and deletion may be the mean of the background", async () => {
  const score: Score = (z) => sum(z, 1);
  const background = tensor([
    [0, 2, 4],
    [2, 2, 0],
  ]);
  const [x, map] = [tensor([[5, 6, 7]]), tensor([[3, 2, 1]])];
  const metric = makeMetric("deletion-auc", { baseline: "background" }, { background });
  // 18, 14, 10, 5: the mean of each interval's ends.
  check.close(await read(metric(score, x, map)), [(16 + 12 + 7.5) / 3], { rtol: 1e-12 });
  check.throws(
    () => makeMetric("deletion-auc", { baseline: "background" }),
    /deletion-auc: no background in the context/,
  );
});

referenceTest("similarities run by name, and a name that is none is refused", async () => {
  const [a, b] = [numbers([2, 6], 1), numbers([2, 6], 2)];
  const found = similaritiesOf(a, b, ["spearman", "top-k"], { "top-k": { k: 2 } });
  check.equal(Object.keys(found), ["spearman", "top-k"]);
  check.identical(await found.spearman.read(), await spearman(a, b).read());
  check.ok((await read(found["top-k"])).every((v) => v === 0 || v === 0.5 || v === 1));
  const any = similaritiesOf as (a: Tensor, b: Tensor, names: string[], settings?: object) => unknown;
  check.throws(() => any(a, b, ["topK"]), /metric: "topK" is unknown; there is spearman, kendall, top-k/);
  check.throws(() => any(a, b, ["aopc"]), /similaritiesOf: "aopc" is a metric of faithfulness; similarities/);
  check.throws(() => any(a, b, ["spearman"], { "top-k": {} }), /settings for "top-k", which is not among spearman/);
});

test("an unknown metric is refused with the names there are", () => {
  check.throws(() => metricEntryOf("sperman"), /metric: "sperman" is unknown; there is spearman, /);
  const names = METRIC_TABLE.map(({ name }) => name);
  check.equal([...new Set(names)], names);
  for (const name of names) check.match(name, /^[a-z]+(-[a-z]+)*$/);
});

test("the documentation's table has a line for each metric, with a sound range", () => {
  const lines = metricTable().split("\n");
  check.is(lines.length, METRIC_TABLE.length + 2);
  check.is(new Set(METRIC_TABLE.map(({ info }) => info.name)).size, METRIC_TABLE.length);
  for (const [i, { name, info }] of METRIC_TABLE.entries()) {
    const { range, perfect, source } = info;
    check.is(lines[i + 2].split("|").length, lines[0].split("|").length, name);
    check.ok(lines[i + 2].startsWith(`| \`${name}\` |`), name);
    check.ok(range[0] < range[1] && source.length > 0, name);
    check.ok(typeof perfect === "string" || (perfect >= range[0] && perfect <= range[1]), name);
  }
});
