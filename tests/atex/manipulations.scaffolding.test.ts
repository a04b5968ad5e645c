/** Scaffolds against LIME and SHAP: their parts worked out by hand, and the whole in a small world. */

import { quantities } from "../../atex/experiments/aggregate.js";
import {
  askedBy,
  detectorQuality,
  elementGroups,
  gridsOf,
  kernelShap,
  limeQueries,
  manipulationEntryOf,
  ruleClassifier,
  ruleOf,
  type Score,
  scaffolded,
  shapQueries,
  studyManipulation,
  trainDetector,
  unrelatedColumns,
} from "../../atex/index.js";
import { correlation } from "../../atex/manipulations/models/scaffold.js";
import { deviationsOf } from "../../atex/manipulations/queries.js";
import { capture, grad, mul, reshape, slice, sum, type Tensor, tensor } from "../../engine/index.js";
import { readSettings } from "../../nn/schema.js";
import { gpuTest, onReference, referenceTest } from "../executors.js";
import { check, test } from "../harness.js";
import { list } from "./game.js";
import { allRows, judged, peopleSplit, peopleWorld } from "./tablePeople.js";

const column = (x: Tensor, i: number): Tensor => slice(x, [0, i], [x.shape[0], 1]);
const flat = (x: Tensor, i: number): Tensor => reshape(column(x, i), [x.shape[0]]);
const every = <T>(values: ArrayLike<T>, step: number, at: number): T[] =>
  Array.from(values).filter((_, i) => i % step === at);

test("LIME's queries: noise in units of a column, categories of other rows in one piece", () => {
  const rows = allRows(peopleSplit(200, 1));
  const made = limeQueries(rows, { domain: judged, copies: 20, noise: 0.5, seed: 3 });
  check.is(made.length, 20 * rows.length);
  const repeated = Float32Array.from({ length: made.length }, (_, i) => rows[i % rows.length]);
  for (const at of [0, 4]) {
    const steps = every(made, 6, at).map((v, i) => v - every(repeated, 6, at)[i]);
    const size = Math.sqrt(steps.reduce((s, v) => s + v * v, 0) / steps.length);
    check.close([size], [0.5 * deviationsOf(rows, 6)[at]], { rtol: 0.04 }, "4000 draws: 2 % is two deviations");
  }
  for (let r = 0; r < made.length; r += 6) if (made[r + 2] + made[r + 3] !== 1) check.fail("a category in pieces");
  const shares = [1, 5].map((at) => every(made, 6, at).reduce((a, b) => a + b) / (made.length / 6));
  const real = [1, 5].map((at) => every(rows, 6, at).reduce((a, b) => a + b) / (rows.length / 6));
  check.close(shares, real, { atol: 0.03 });
  const still = limeQueries(rows, { domain: judged, copies: 1, noise: 0, seed: 3 });
  check.identical(every(still, 6, 0), every(rows, 6, 0));
});

test("SHAP's queries: some features, all of them alike, are those of one centre", () => {
  const rows = allRows(peopleSplit(100, 1));
  const centres = [9, 0.3, 0.4, 0.6, 9, 0.7, -9, 0.6, 0.9, 0.1, -9, 0.2];
  const made = shapQueries(rows, { domain: judged, copies: 30, centres, seed: 2 });
  const counts = new Array<number>(6).fill(0);
  for (let r = 0; r < made.length / 6; r++) {
    const [own, query] = [rows.subarray((r % 100) * 6, (r % 100) * 6 + 6), made.subarray(r * 6, r * 6 + 6)];
    const of = (c: number, i: number): boolean => query[i] === Math.fround(centres[6 * c + i]);
    const replaced = judged.features!.filter(({ at }) => at.some((i) => query[i] !== own[i]));
    if (
      !replaced.every(({ at }) => at.every((i) => of(0, i))) &&
      !replaced.every(({ at }) => at.every((i) => of(1, i)))
    )
      check.fail(`row ${r} mixes centres`);
    counts[replaced.length]++;
  }
  check.is(counts[0], 0, "none is as it was");
  for (const n of [1, 2, 3, 4, 5]) check.ok(Math.abs(counts[n] - 600) < 90, `${n} features ${counts[n]} times of 3000`);
});

test("queries of rows that are not whole are refused", () => {
  const how = { domain: judged, noise: 1, seed: 0 };
  check.throws(() => limeQueries(new Float32Array(7), { ...how, copies: 1 }), /rows holds 7 numbers; whole rows of 6/);
  check.throws(() => limeQueries(new Float32Array(6), { ...how, copies: 0 }), /0 copies/);
});

referenceTest("what an explainer really asks: all of it, or every so manieth copy", async () => {
  const x = tensor([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  const score: Score = (points) => sum(points, 1);
  const explain = kernelShap({ groups: elementGroups([3]), background: 0 });
  const all = askedBy(explain, score, x, 100);
  // The empty coalition, that of all, and six between.
  check.equal(all.shape, [8, 2, 3]);
  const values = await list(all);
  check.equal(values.slice(0, 12), [0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6]);
  const few = askedBy(explain, score, x, 2);
  check.equal(few.shape, [4, 2, 3]);
  check.equal(
    await list(few),
    [0, 2, 4, 6].flatMap((c) => values.slice(6 * c, 6 * c + 6)),
  );
});

referenceTest("a scaffold answers by the detector, captured too, and gradients take the branch", async () => {
  const e = scaffolded(
    (x) => mul(x, tensor([[1, 10]])),
    (x) => mul(x, tensor([[-1, 5]])),
    (x) => flat(x, 0),
    0.5,
  );
  const x = tensor([
    [1, 2],
    [0.5, 2],
    [0.2, 3],
  ]);
  check.equal(await list(e(x)), [1, 20, -0.5, 10, -0.2, 15]);
  const step = capture(e);
  check.equal(await list(step(x)), [1, 20, -0.5, 10, -0.2, 15]);
  step.dispose();
  check.equal(await list(grad((p: Tensor) => sum(e(p)))(x)), [1, 10, -1, 5, -1, 5]);
});

gpuTest("captured on the GPU as in float64", async () => {
  const rows = peopleSplit(30, 2);
  const e = scaffolded(
    ruleClassifier(ruleOf(["race"], rows, judged, 2)),
    ruleClassifier(ruleOf(["age", "left-handed"], rows, judged, 2)),
    (x) => flat(x, 4),
  );
  const x = tensor(allRows(rows), [30, 6]);
  const step = capture(e);
  const expected = await onReference(async () => await e(tensor(allRows(rows), [30, 6])).read());
  check.close(await step(x).read(), expected, { atol: 1e-4 });
  step.dispose();
});

referenceTest("a rule goes in the direction of the data, in steps that have a slope", async () => {
  // Class 2 goes along with a high age; nobody of class 1 is told apart by it.
  const rows = { shape: [6], samples: new Float32Array(24), labels: Int32Array.of(0, 2, 1, 1) };
  for (const [i, age] of [1, 3, 2, 2].entries()) rows.samples[6 * i] = age;
  const rule = ruleOf(["age"], rows, judged, 3);
  check.equal([rule.high, rule.low], [2, 0]);
  const [deviation, x] = [
    Math.sqrt(0.5),
    tensor([
      [2.1, 0, 0, 0, 0, 0],
      [2, 9, 9, 9, 9, 9],
    ]),
  ];
  const t = 5 * Math.tanh((4 * (2.1 - 2)) / deviation);
  check.close(await list(ruleClassifier(rule)(x)), [-t, -10, t, 0, -10, 0], { atol: 1e-12 });
  const falling = ruleOf(["age"], { ...rows, labels: Int32Array.of(1, 0, 0, 1) }, judged, 2);
  check.equal([falling.high, falling.low], [0, 1]);
  check.throws(() => ruleOf(["work"], rows, judged, 3), /"work" is a category of 2 values/);
  check.throws(() => ruleOf(["shoes"], rows, judged, 3), /"shoes" is unknown; there is age, race/);
});

test("correlation, worked out by hand", () => {
  check.close([correlation(Float64Array.of(1, 2, 3), Float64Array.of(1, 3, 2))], [0.5], { atol: 1e-15 });
  check.is(correlation(Float64Array.of(1, 1), Float64Array.of(0, 1)), 0);
});

test("the least related column is found, one that hardly varies only in need", () => {
  const people = peopleSplit(400, 3);
  const how = { classes: 2, count: 1 };
  const found = unrelatedColumns("race", people, judged, { ...how, count: 2 });
  check.equal([...found].sort(), ["age", "left-handed"]);
  for (let i = 0; i < 400; i++) people.samples[6 * i + 5] = 0;
  check.equal(unrelatedColumns("race", people, judged, how), ["age"]);
  check.throws(
    () => unrelatedColumns("race", people, judged, { ...how, count: 9 }),
    /9 unrelated columns asked for; there are 3/,
  );
  check.throws(() => unrelatedColumns("race", people, judged, { ...how, count: -1 }), /count is -1; an integer/);
});

test("columns of whole numbers are found in their standardised form", () => {
  const rows = allRows(peopleSplit(200, 1));
  check.equal(
    gridsOf(rows, 6).map(({ at }) => at),
    [0, 1, 2, 3, 4, 5],
  );
  check.close(
    gridsOf(rows, 6).map(({ gap }) => gap),
    [1 / 1.5, 1, 1, 1, 0.5, 1],
    { rtol: 1e-5 },
  );
  const noisy = limeQueries(rows, { domain: judged, copies: 1, noise: 0.1, seed: 1 });
  check.equal(
    gridsOf(noisy, 6).map(({ at }) => at),
    [1, 2, 3, 5],
  );
  // Values that come again, and lie on no grid.
  const uneven = Float32Array.from({ length: 30 }, (_, i) => [0, 1, 2.5][i % 3]);
  check.equal(gridsOf(uneven, 1), []);
});

referenceTest("quality of a detector, worked out by hand", async () => {
  const [rows, queries] = [tensor([[1], [2], [-1]]), tensor([[1], [-1], [-2], [-3]])];
  const quality = await detectorQuality((x) => flat(x, 0), rows, queries);
  check.close(
    [quality.recall, quality.accuracy, quality.f1],
    [3 / 4, (2 / 3 + 3 / 4) / 2, 1.5 / (1.5 + 1 / 3 + 1 / 4)],
    { atol: 1e-12 },
  );
  check.close([(await detectorQuality((x) => flat(x, 0), rows, queries, -1.5)).recall], [1 / 2], { atol: 1e-12 });
});

referenceTest("a detector learns what is off the grid, which it cannot well without being shown", async () => {
  const [rows, fresh] = [allRows(peopleSplit(160, 1)), allRows(peopleSplit(100, 2))];
  const of = (own: Float32Array, copies: number, seed: number) =>
    limeQueries(own, { domain: judged, copies, noise: 0.3, seed });
  const trained = async (shown: boolean): Promise<number> => {
    const { score } = await trainDetector({
      ...{ rows, queries: of(rows, 2, 1), width: 6, grids: shown ? gridsOf(rows, 6) : [] },
      ...{ hidden: [16], epochs: 6, batch: 32, learningRate: 0.02, seed: 1 },
    });
    return (await detectorQuality(score, tensor(fresh, [100, 6]), tensor(of(fresh, 1, 9), [100, 6]))).accuracy;
  };
  const [shown, blind] = [await trained(true), await trained(false)];
  check.ok(shown > 0.95 && shown > blind + 0.05, `${shown} with grids, ${blind} without`);
});

const entry = manipulationEntryOf("scaffolding");
const settings = { hidden: [16], epochs: 6, batch: 64, learningRate: 0.02, copies: 2, sweep: [0.1], clusters: 4 };

referenceTest(
  "in a small world the sensitive column is first before, and hardly ever after; people are judged as before",
  async () => {
    const world = peopleWorld();
    const made = await entry.run(
      readSettings({ name: "scaffolding", options: entry.options }, { ...settings, unrelated: ["left-handed"] }),
      world,
    );
    const { measurements, results } = await studyManipulation(made, world, { explainers: [], detectors: [] });
    const of = (metric: string, conditions: object): number =>
      measurements.find(
        (one) =>
          one.metric === metric &&
          Object.entries(conditions).every(([name, value]) => one.conditions?.[name as never] === value),
      )!.value;
    check.is(of("rank 1", { column: "sensitive", explainer: "lime", model: "honest" }), 1);
    const after = of("rank 1", { column: "sensitive", explainer: "lime", model: "scaffolded" });
    check.ok(after <= 0.1, `first in ${after} after`);
    check.ok(of("rank 1", { column: "unrelated", explainer: "lime", model: "scaffolded" }) >= 0.9);
    check.ok(of("fidelity on test rows", { explainer: "lime" }) >= 0.95);
    const fooled = of("fooled", { explainer: "lime", samples: "made for" });
    const { kept, statistic } = results[0];
    check.close([fooled], [Array.from(statistic).filter((rank, i) => kept[i] && rank >= 2).length / 12], {
      atol: 1e-12,
    });
    check.ok(
      of("sweep: detector F1", { quality: "0.1 of the rows, no grids" }) < of("detector F1", { explainer: "lime" }),
    );
    check.ok(Object.keys(made.tensors!).every((name) => name.startsWith("detector.")));
  },
);

test("worlds that it cannot be made in are refused", () =>
  onReference(async () => {
    const own = readSettings({ name: "scaffolding", options: entry.options }, settings);
    const { sensitive: _, ...without } = peopleWorld();
    await check.rejects(() => entry.run(own, without as never), /no sensitive column; one is needed/);
    await check.rejects(() => entry.run({ ...own, unrelated: ["race"] }, peopleWorld()), /hold the sensitive one/);
    const image = { ...peopleWorld(), domain: { shape: [1, 2, 3], range: { low: 0, high: 1 } } };
    await check.rejects(() => entry.run(own, image), /made for rows of a table/);
  }));

test("claims follow the numbers", () => {
  const first = (column: string, explainer: string, model: string, value: number) => ({
    ...{ scheme: "normal", count: 50, metric: "rank 1", conditions: { column, explainer, model }, value },
  });
  const measurements = [
    first("sensitive", "lime", "honest", 1),
    first("sensitive", "kernel-shap", "honest", 0.9),
    first("sensitive", "lime", "scaffolded", 0.01),
    first("unrelated", "lime", "scaffolded", 0.99),
    first("unrelated", "kernel-shap", "scaffolded", 0.6),
    { ...first("", "lime", "", 0.98), metric: "fidelity on test rows", conditions: { explainer: "lime" } },
  ];
  const outcomes = [0, 1].map((seed) => ({
    cell: { id: `${seed}`, experiment: "e", data: "compas" as const, seed },
    measurements,
  }));
  const verdicts = entry.claims!({ all: quantities(outcomes) } as never).map(({ verdict }) => verdict);
  check.equal(verdicts, ["does not hold", "holds", "holds", "holds", "holds"]);
});
