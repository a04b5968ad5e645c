/** The audit's row on signs of manipulated models: maps along the data, answers to queries, backgrounds. */
import {
  type AuditMeasurement,
  type AuditNumber,
  type AuditWorld,
  alongData,
  auditRowOf,
  backgroundTest,
  bendBetween,
  type Classifier,
  judgeAudit,
  kolmogorovSmirnov,
  likenessAmong,
  numberOf,
  oddAnswers,
  ruleClassifier,
  ruleOf,
  runAudit,
  type Score,
  scaffolded,
} from "../../atex/index.js";
import { cos, mul, reshape, slice } from "../../engine/index.js";
import { type Split, sampleTensor } from "../../nn/index.js";
import { referenceTest } from "../executors.js";
import { check, test } from "../harness.js";
import { generator } from "../values.js";
import { handWorld, ofElements } from "./handWorlds.js";
import { judged, peopleSplit } from "./tablePeople.js";

const noStore = { load: async () => undefined, save: async () => {} };
const row = auditRowOf("manipulated");

/** Rows that differ in the first two of four elements only; the labels are all one class, which linear networks predict for positive rows. */
const next = generator(4);
const plane: Split = {
  shape: [4],
  samples: Float32Array.from({ length: 160 }, (_, i) => (i % 4 < 2 ? 1 + next() : 0.5)),
  labels: new Int32Array(40).fill(1),
};
const onPlane = (weights: readonly number[]): AuditWorld =>
  handWorld({
    classifier: ofElements(weights),
    domain: { shape: [4], range: { low: 0, high: 2 } },
    ...{ split: plane, samples: 6 },
  });

referenceTest("a map that lies along the data is as it was, one across it loses what is off it", async () => {
  const similarity = async (weights: readonly number[]) => {
    const world = onPlane(weights);
    return alongData(world, sampleTensor(world.test, world.samples), 40);
  };
  const along = await similarity([1, 2, 0, 0]);
  check.close(along.tangent, new Array(6).fill(1), { atol: 1e-6 });
  check.ok(along.random.every((v) => v >= -1 && v < 1));
  // Ranks 1, 2, 3, 4 beside 3, 4, 1.5, 1.5.
  const across = await similarity([1, 2, 3, 4]);
  check.close(across.tangent, new Array(6).fill(-3.5 / Math.sqrt(5 * 4.5)), { atol: 1e-6 });
});

test("likeness among maps, by hand", () => {
  // Correlations of the first two 1, of either with the third −1; a constant one has none.
  const maps = [
    [1, 2, 3],
    [2, 4, 6],
    [3, 2, 1],
  ];
  check.close(likenessAmong(maps), [0, 0, -1], { atol: 1e-12 });
  check.close(likenessAmong([...maps.slice(0, 2), [5, 5, 5]]).slice(0, 2), [1, 1], { atol: 1e-12 });
  check.ok(Number.isNaN(likenessAmong([[1, 2]])[0]));
});

/** People before a judge. */
function people(classifier: Classifier): AuditWorld {
  const world = handWorld({
    ...{ classifier, domain: judged, split: peopleSplit(120, 5), samples: 8 },
    settings: { lime: { samples: 60 } },
  });
  return world;
}
const rule = (name: string): Classifier => ruleClassifier(ruleOf([name], peopleSplit(120, 5), judged, 2));
/** Years are multiples of 2/3 in real rows. */
const onGrid: Score = (rows) =>
  reshape(cos(mul(slice(rows, [0, 0], [rows.shape[0], 1]), 3 * Math.PI)), [rows.shape[0]]);
const scaffold = (): Classifier => scaffolded(rule("race"), rule("left-handed"), onGrid, 0.999);

referenceTest("a scaffold answers queries unlike people, and is noticed by its answers to LIME", async () => {
  const odd = async (classifier: Classifier): Promise<number> => {
    const world = people(classifier);
    const x = sampleTensor(world.test, world.samples);
    const found = await oddAnswers(world, x, "lime", { reference: 100, neighbours: 5, queries: 15 });
    check.is(found.length, 8);
    check.ok(found.every((v) => v >= 0 && v <= 1));
    return found.reduce((a, b) => a + b) / 8;
  };
  const [honest, lying] = [await odd(rule("race")), await odd(scaffold())];
  check.ok(lying > honest + 0.05, `${lying} beside ${honest}`);
  const verdictOf = async (classifier: Classifier) => {
    const bound = (honest + lying) / 2;
    const settings = { lime: bound, shap: 1, similarity: -1, alike: 2, rows: 100, neighbours: 5, queries: 15 };
    const plan = { rows: [{ row: "manipulated", settings }], explainers: [], controls: [] };
    return judgeAudit(plan, await runAudit(people(classifier), plan, noStore))[0];
  };
  check.is((await verdictOf(rule("race"))).verdict, "holds");
  const noticed = await verdictOf(scaffold());
  check.is(noticed.verdict, "does not hold");
  check.match(noticed.sentence, /There is a sign of manipulation: its answers to what LIME asks/);
});

referenceTest("a background of chosen rows is told from the training data, one drawn from them is not", async () => {
  const classifier = ofElements([1, 0.7, 0.2, -0.2, 0.6, 0.1]);
  const world = people(classifier);
  const honest = await backgroundTest(world, 100);
  check.is(honest.rows, 8);
  const s = (i: number): number => {
    const [a, b, c, d, e, f] = world.train.samples.slice(6 * i, 6 * i + 6) as Float32Array;
    return a + 0.7 * b + 0.2 * c - 0.2 * d + 0.6 * e + 0.1 * f;
  };
  const all = Array.from({ length: 100 }, (_, i) => i);
  // The probability of the second class rises with s: the order is all that the test sees.
  check.close([honest.p], [kolmogorovSmirnov(all.slice(0, 8).map(s), all.map(s))], { atol: 1e-9 });
  const sorted = [...all].sort((i, j) => s(i) - s(j));
  const explaining = { ...world.explaining, background: sampleTensor(world.train, sorted.slice(0, 30)) };
  const chosen = await backgroundTest({ ...world, explaining }, 100);
  check.ok(chosen.p < 1e-6 && honest.p > 0.05, `${chosen.p} and ${honest.p}`);
  // Of three classes each is tested, and counts three times.
  const { samples } = world.train;
  const softmaxed = (i: number): number[] => {
    const e = [0, 1, 2].map((c) => Math.exp(samples[6 * i + 3 + c]));
    return e.map((v) => v / (e[0] + e[1] + e[2]));
  };
  const three: AuditWorld = {
    ...{ ...world, explaining, classes: ["a", "b", "c"] },
    classifier: (x) => slice(x, [0, 3], [x.shape[0], 3]),
  };
  const values = [0, 1, 2].map((c) =>
    kolmogorovSmirnov(
      sorted.slice(0, 30).map((i) => softmaxed(i)[c]),
      all.map((i) => softmaxed(i)[c]),
    ),
  );
  check.close([(await backgroundTest(three, 100)).p], [Math.min(1, 3 * Math.min(...values))], { rtol: 1e-6 });
  check.ok(values[0] > 2 * Math.min(...values));
});

referenceTest("a network bends where halfway is not the mean; a linear one does not", async () => {
  const x = sampleTensor(plane, [0, 1, 2]);
  check.close(await bendBetween(ofElements([1, 2, 3, 4]), x), [0, 0, 0], { atol: 1e-9 });
  // x² of one element: halfway it is a quarter of the squared distance below the mean.
  const v = [0, 1, 2].map((i) => plane.samples[4 * i]);
  const bent = await bendBetween(
    ofElements([1, 0, 0, 0], (rows) => mul(rows, rows)),
    x,
  );
  check.close(
    bent,
    v.map((a, i) => {
      const b = v[(i + 1) % 3];
      return (a - b) ** 2 / 4 / Math.abs(a * a - b * b);
    }),
    { rtol: 1e-6 },
  );
});

referenceTest("of images there are no queries; the gradient along the data decides", async () => {
  const split = { ...plane, shape: [1, 2, 2] };
  const of = async (weights: readonly number[]) => {
    const world = handWorld({
      classifier: ofElements(weights),
      domain: { shape: [1, 2, 2], range: { low: 0, high: 2 } },
      ...{ split, samples: 6 },
    });
    const plan = { rows: [{ row: "manipulated" }], explainers: [], controls: [] };
    const measured = await runAudit(world, plan, noStore);
    check.is(measured.get("manipulated")!.numbers.length, 5);
    return judgeAudit(plan, measured)[0];
  };
  const straight = await of([1, 2, 0, 0]);
  check.is(straight.verdict, "holds");
  // Its maps are all the same.
  check.ok(straight.caveats.some((text) => /nearly linear, so that its maps are alike by rights/.test(text)));
  const across = await of([1, 2, 3, 4]);
  check.is(across.verdict, "does not hold");
  check.match(across.sentence, /shows along the data agree by -0.74/);
  check.is(across.explainer, undefined);
});

test("one sign is enough, none proves nothing", () => {
  const number = (name: string, value: number, setting?: string): AuditNumber => ({
    ...{ name, setting, value, low: value - 0.05, high: value + 0.05, n: 10 },
  });
  const measured = (along: number, lime: number, shap: number, p: number, alike = 0, bend = 0.3): AuditMeasurement => ({
    numbers: [
      number("similarity of raw map and map along the data", along, "gradient"),
      number("similarity of raw map and map along random directions", 0.1, "gradient"),
      number("likeness of different samples' raw maps, more than along the data", alike, "gradient"),
      number("how far the network is from a linear one", bend),
      number("answers to queries told from those for real rows (AUROC)", lime, "LIME"),
      number("answers to queries told from those for real rows (AUROC)", shap, "KernelSHAP"),
      number("p-value of the background", p),
    ],
  });
  const settings = { similarity: 0.3, alike: 0.1, lime: 0.8, shap: 0.7, level: 0.01 };
  const judge = (...of: Parameters<typeof measured>) => row.judge(measured(...of), {}, settings);
  const fine = judge(0.6, 0.7, 0.6, 0.5);
  check.is(fine.verdict, "holds");
  check.ok(fine.caveats.some((text) => /proves nothing/.test(text)));
  // Near the bounds the intervals reach over them.
  check.is(judge(0.27, 0.83, 0.73, 0.011, 0.14).verdict, "holds");
  for (const one of [
    judge(0.2, 0.7, 0.6, 0.5),
    judge(0.6, 0.9, 0.6, 0.5),
    judge(0.6, 0.7, 0.8, 0.5),
    judge(0.6, 0.7, 0.6, 0.001),
    judge(0.6, 0.7, 0.6, 0.5, 0.2),
  ]) {
    check.is(one.verdict, "does not hold");
    check.match(one.sentence, /There is a sign of manipulation/);
    check.ok(one.caveats.some((text) => /a sign is no proof/.test(text)));
  }
  // Nearly linear networks show one picture over all by rights.
  check.is(judge(0.6, 0.7, 0.6, 0.5, 0.8, 0.01).verdict, "holds");
  check.match(judge(0.2, 0.9, 0.8, 0.001).sentence, /There are 4 signs/);
  check.ok(
    row
      .judge(measured(0.05, 0.7, 0.6, 0.5), {}, { ...settings, similarity: 0 })
      .caveats.some((text) => /along random directions the map agrees as much/.test(text)),
  );
  const single = measured(0.1, 0.9, 0.9, 0.5).numbers.map((one) => ({ ...one, low: Number.NaN, high: Number.NaN }));
  const unsure = row.judge({ numbers: single }, {}, settings);
  check.is(unsure.verdict, "holds");
  check.is(unsure.caveats.filter((text) => /not measured on enough samples/.test(text)).length, 4);
  check.is(numberOf({ numbers: single }, "p-value of the background")!.value, 0.5);
});
