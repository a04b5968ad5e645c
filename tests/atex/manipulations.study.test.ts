/** The measure of all manipulations, on manipulations made by hand. */

import { explainer } from "../../atex/explainers/explainer.js";
import {
  attributionsOf,
  auroc,
  classScore,
  explainerMaker,
  featureAttribution,
  featureImportance,
  featureIndex,
  featuresOf,
  finetuned,
  gradientTimesInput,
  type MakeExplainer,
  type Manipulation,
  type ManipulationWorld,
  type Measured,
  ranksOf,
  type Statistic,
  studyManipulation,
} from "../../atex/index.js";
import { finiteMean, fooledShare } from "../../atex/manipulations/study.js";
import { add, argmax, clamp, dispose, leaves, memory, mul, sum, type Tensor, tensor } from "../../engine/index.js";
import { crossEntropyLoss, sampleTensor } from "../../nn/index.js";
import { referenceTest } from "../executors.js";
import { check, test } from "../harness.js";
import { imageWorld, tableWorld, worldOf } from "./manipulationWorld.js";
import { numbers } from "./subjects.js";

const list = async (t: Tensor): Promise<number[]> => Array.from(await t.read());

test("AUROC by hand", () => {
  // Of four pairs three are won and one is a tie.
  check.is(auroc([1, 2], [2, 3]), 3.5 / 4);
  check.is(auroc([0, 0], [1]), 1);
  check.is(auroc([1], [0, 0]), 0);
  check.is(auroc([Number.NaN, 1, 2], [2, Number.NaN, 3]), 3.5 / 4);
  check.is(auroc([0, Number.POSITIVE_INFINITY], [Number.POSITIVE_INFINITY]), 0.75);
  check.is(auroc([3, 1, 2], [2, 3, 1]), 0.5);
  check.is(auroc([1], [Number.NaN]), Number.NaN);
  check.is(auroc([], [1]), Number.NaN);
});

test("the fooling success rate by hand: what was kept and has no value does not count", () => {
  const kept = [true, true, false, true, false, true];
  const values = [0.5, 0.2, 0.7, Number.NaN, Number.NaN, 0.9];
  // Of five: the first and the last.
  check.equal(fooledShare(kept, values, { low: 0.5 }), { value: 2 / 5, count: 5 });
  check.equal(fooledShare(kept, values, { high: 0.5 }), { value: 2 / 5, count: 5 });
  check.equal(fooledShare(kept, values, { low: 0.2, high: 0.5 }), { value: 2 / 5, count: 5 });
  check.equal(fooledShare(kept, values, {}), { value: 3 / 5, count: 5 });
  const none = fooledShare([true], [Number.NaN], {});
  check.ok(Number.isNaN(none.value) && none.count === 0);
  check.equal(finiteMean([1, Number.NaN, 3, Number.NEGATIVE_INFINITY]), { value: 2, count: 2 });
});

referenceTest("features of a table: columns of a category are one, ranks count what is more important", async () => {
  const { domain } = tableWorld;
  const attribution = tensor([[1, -2, 0, 3, -4, 5, -3, 1]]);
  check.close(await list(featureAttribution(attribution, domain)), [1, -2, 0, 3, -4, 3], { atol: 0 });
  check.close(await list(featureImportance(attribution, domain)), [1, 2, 0, 3, 4, 3], { atol: 0 });
  check.is(featureIndex(domain, "colour"), 5);
  check.throws(() => featureIndex(domain, "size"), /feature "size" is unknown; there is age, sum/);
  const nameless = { shape: [2], range: { low: 0, high: 1 } };
  check.equal(
    featuresOf(nameless).map(({ name }) => name),
    ["column 0", "column 1"],
  );
  check.close(await list(featureImportance(tensor([[-1, 2]]), nameless)), [1, 2], { atol: 0 });
  // Equal ones share the better rank.
  const importance = [...[1, 2, 0, 3, 4, 3], ...[0, 0, 0, 0, 0, 0], ...[1, Number.NaN, 0, 0, 0, 0]];
  check.equal(ranksOf(importance, 6, 5), [2, 1, Number.NaN]);
  check.equal(ranksOf(importance, 6, 4), [1, 1, Number.NaN]);
  check.equal(ranksOf(importance, 6, 2), [6, 1, Number.NaN]);
  check.equal(ranksOf(importance, 6, 1), [4, 1, Number.NaN]);
});

/** What is alive now. */
const alive = (): number => memory().liveCount;

referenceTest("explainers by name: the summary is made once, nothing stays, settings and samples count", async () => {
  const world = worldOf(tableWorld);
  const side = { classifier: world.classifier, x: tableWorld.x(3) };
  const make = explainerMaker({ ...world.explaining, settings: { lime: { samples: 60 } } });
  const classes = tensor([0, 1, 2], [3], "i32");
  const before = alive();
  const first = await attributionsOf(make, "kernel-shap", side, classes);
  check.equal(first.shape, [3, 8]);
  check.is(alive(), before + 1);
  const again = await attributionsOf(make, "kernel-shap", side, classes);
  check.identical(await list(again), await list(first));
  // Another maker of the same seed has the same summary.
  const other = await attributionsOf(world.explainer, "kernel-shap", side, classes);
  check.identical(await list(other), await list(first));
  // Settings are those of the name.
  const few = await list(await attributionsOf(make, "lime", side, classes));
  const many = await list(await attributionsOf(world.explainer, "lime", side, classes));
  check.ok(few.some((v, i) => Math.abs(v - many[i]) > 1e-9));
  await check.rejects(() => make("nose", side.x), /explainer: "nose" is unknown/);
  await check.rejects(
    () => explainerMaker({ ...world.explaining, settings: { lime: { sample: 1 } } })("lime", side.x),
    /sample/,
  );
});

referenceTest("many samples are explained in parts, as if they were not", async () => {
  const world = worldOf(tableWorld);
  const x = tableWorld.x(103);
  const parts: number[] = [];
  const before = alive();
  const found = await attributionsOf(
    (name, z) => {
      parts.push(z.shape[0]);
      return world.explainer(name, z);
    },
    "gradient-x-input",
    { classifier: world.classifier, x },
  );
  check.equal(parts, [50, 50, 3]);
  // The classes are of the caller's scope as well.
  check.is(alive(), before + 2);
  const classes = argmax(world.classifier(x), 1);
  const whole = gradientTimesInput(classScore(world.classifier, classes), x);
  check.close(await list(found), await list(whole), { atol: 1e-12 });
  // A side that brings its own explainers is explained by those.
  const own = await attributionsOf(
    world.explainer,
    "gradient",
    { classifier: world.classifier, x, explainer: always((z) => mul(z, 2)) },
    classes,
  );
  check.identical(await list(own), await list(mul(x, 2)));
});

referenceTest("superpixels know the range; images of two colours have squares", async () => {
  const domain = { shape: [2, 6, 7], range: { low: -3, high: 3 } };
  const make = explainerMaker({ domain, background: numbers([4, 2, 6, 7], 1), seed: 0 });
  check.ok(await make("lime", numbers([2, 2, 6, 7], 2)));
  const grey = { shape: [1, 14, 14], range: { low: -3, high: 3 } };
  const settings = { lime: { samples: 100 } };
  const score = (z: Tensor): Tensor => sum(mul(z, numbers([1, 14, 14], 4)), [1, 2, 3]);
  const x = numbers([1, 1, 14, 14], 3);
  const lime = async (wide: number): Promise<number[]> => {
    const range = { low: -3 * wide, high: 3 * wide };
    const background = numbers([4, 1, 14, 14], 1);
    const explain = await explainerMaker({ domain: { ...grey, range }, background, seed: 0, settings })(
      "lime",
      mul(x, wide),
    );
    return list(explain(score, mul(x, wide)));
  };
  // The same picture in other units has the same parts, and the score is linear.
  check.close(
    await lime(2),
    (await lime(1)).map((v) => 2 * v),
    { atol: 1e-6 },
  );
});

/** An explainer that gives f(x), whatever it is asked about. */
const always =
  (f: (x: Tensor) => Tensor): MakeExplainer =>
  async () =>
    explainer({ name: "made up", scope: "local", access: "model-agnostic", source: "2024" }, (_, x) => f(x));

const fixed = (values: readonly number[]): Statistic => ({
  name: "fixed",
  interval: { low: 0.5 },
  of: async () => values,
});

function numberOf(all: readonly Measured[], metric: string, conditions: Record<string, string> = {}): number {
  const found = all.filter(
    (one) =>
      one.metric === metric &&
      JSON.stringify(Object.entries(one.conditions ?? {})) === JSON.stringify(Object.entries(conditions)),
  );
  check.is(found.length, 1, `${metric} ${JSON.stringify(conditions)}`);
  return found[0].value;
}

/** Changed inputs: 0.2 is added, as far as it is valid. */
function brighter(world: ManipulationWorld, statistic: Statistic): Manipulation {
  const x = sampleTensor(world.test, world.samples);
  const { classifier } = world;
  return {
    ...{ explainer: "gradient", statistic, cost: { steps: 7 } },
    madeFor: { clean: { classifier, x }, manipulated: { classifier, x: clamp(add(x, 0.2), 0, 1) } },
    measurements: [{ metric: "special", value: 3, count: 1 }],
  };
}

referenceTest("changed inputs: made for, held out, other networks; nothing but the maps stays", async () => {
  const world = worldOf(imageWorld, { count: 3 });
  const sibling = worldOf(imageWorld, { seed: 8 }).classifier;
  const manipulation = brighter(world, fixed([0.4, 0.5, Number.NaN]));
  const { clean, manipulated } = manipulation.madeFor;
  const before = alive();
  const study = await studyManipulation(
    manipulation,
    { ...world, siblings: [sibling] },
    { explainers: ["gradient-x-input", "gradient"], detectors: ["smoothgrad"] },
  );
  const { measurements, results, maps } = study;
  check.is(alive(), before + 2);
  check.identical(await list(maps.clean), await list(await attributionsOf(world.explainer, "gradient", clean)));

  check.is(numberOf(measurements, "cost: steps"), 7);
  check.is(numberOf(measurements, "special"), 3);
  const [p, q] = [
    await list(argmax(clean.classifier(clean.x), 1)),
    await list(argmax(clean.classifier(manipulated.x), 1)),
  ];
  const kept = p.map((v, i) => v === q[i]);
  check.close(
    [numberOf(measurements, "prediction as wanted", { samples: "made for" })],
    [kept.filter((v) => v).length / 3],
    { atol: 1e-12 },
  );
  const made = { explainer: "gradient", samples: "made for" };
  check.is(numberOf(measurements, "fooled", made), fooledShare(kept, [0.4, 0.5, Number.NaN], { low: 0.5 }).value);
  check.close([numberOf(measurements, "statistic", made)], [0.45], { atol: 1e-12 });
  numberOf(measurements, "fooled", { explainer: "gradient-x-input", samples: "made for" });
  for (const samples of ["held out", "other networks"])
    numberOf(measurements, "spearman", { explainer: "gradient", samples });
  check.equal(
    results.map(({ explainer: name, samples }) => `${name} ${samples}`),
    ["gradient made for", "gradient-x-input made for", "gradient held out"],
  );
  numberOf(measurements, "noticed (AUROC)", { detector: "smoothgrad" });
  numberOf(measurements, "fooled in spite of it", { detector: "smoothgrad" });
  // Pixels above 0.8 reach the end of the range.
  check.ok(numberOf(measurements, "largest change of the input", { samples: "held out" }) <= 0.2 + 1e-6);
});

referenceTest("several other networks are one mean", async () => {
  const world = worldOf(imageWorld, { count: 3 });
  const of = async (...seeds: number[]): Promise<Measured[]> => {
    const siblings = seeds.map((seed) => worldOf(imageWorld, { seed }).classifier);
    const plan = { explainers: [], detectors: [] };
    const { measurements } = await studyManipulation(brighter(world, fixed([0, 1, 1])), { ...world, siblings }, plan);
    return [...measurements];
  };
  const [first, second, both] = [await of(8), await of(9), await of(8, 9)];
  const conditions = { explainer: "gradient", samples: "other networks" };
  const spearman = (all: Measured[]): number => numberOf(all, "spearman", conditions);
  check.close([spearman(both)], [(spearman(first) + spearman(second)) / 2], { atol: 1e-12 });
  check.is(both.length, first.length);
  check.is(both.find((one) => one.metric === "spearman" && one.conditions?.samples === "other networks")!.count, 6);
});

referenceTest("a side compared with itself: nothing changes, nobody notices", async () => {
  const world = worldOf(tableWorld, { count: 4 });
  const x = sampleTensor(world.test, world.samples);
  const side = { classifier: world.classifier, x };
  const study = await studyManipulation(
    {
      explainer: "gradient-x-input",
      madeFor: { clean: side, manipulated: side },
      statistic: fixed([1, 1, 0, 0]),
      cost: {},
    },
    world,
    { explainers: [], detectors: ["smoothgrad", "sanity-check", "input-noise"] },
  );
  const { measurements } = study;
  check.is(numberOf(measurements, "prediction as wanted", { samples: "made for" }), 1);
  check.is(numberOf(measurements, "change of probabilities", { samples: "made for" }), 0);
  const made = { explainer: "gradient-x-input", samples: "made for" };
  check.is(numberOf(measurements, "fooled", made), 0.5);
  check.close([numberOf(measurements, "spearman", made)], [1], { atol: 1e-12 });
  check.close([numberOf(measurements, "Spearman restored", { detector: "smoothgrad" })], [1], { atol: 1e-12 });
  for (const detector of ["smoothgrad", "sanity-check", "input-noise"])
    check.is(numberOf(measurements, "noticed (AUROC)", { detector }), 0.5);
  // Inputs are as they were: there is nothing to carry over.
  check.ok(measurements.every(({ conditions }) => conditions?.samples !== "held out"));
});

referenceTest("wanted classes are explained and counted; other classes are restored as well", async () => {
  const world = worldOf(tableWorld, { count: 2 });
  const x = sampleTensor(world.test, world.samples);
  const wanted = tensor([2, 1], [2], "i32");
  const asked: Tensor[] = [];
  const statistic: Statistic = {
    ...fixed([]),
    async of({ attributions, manipulated, pair }) {
      asked.push(await attributions(pair.manipulated, wanted), manipulated);
      return [1, 1];
    },
  };
  // Logits that say what is wanted.
  const logits = tensor([
    [0, 0, 9],
    [0, 9, 0],
  ]);
  const classifier = (z: Tensor): Tensor =>
    z.shape[0] === 2 ? add(mul(world.classifier(z), 0.01), logits) : world.classifier(z);
  const manipulation: Manipulation = {
    ...{ explainer: "gradient", statistic, cost: {} },
    madeFor: { clean: { classifier: world.classifier, x }, manipulated: { classifier, x }, wanted },
  };
  const before = asked.length;
  const { measurements } = await studyManipulation(manipulation, world, { explainers: [], detectors: [] });
  // Of the manipulated side, and of the clean one as the control.
  check.is(asked.length - before, 4);
  check.is(numberOf(measurements, "prediction as wanted", { samples: "made for" }), 1);
  check.is(numberOf(measurements, "fooled", { explainer: "gradient", samples: "made for" }), 1);

  const seen: { plain: number[]; given: number[] }[] = [];
  const watching: Statistic = {
    ...fixed([]),
    async of({ attributions, pair, manipulated }) {
      const again = await attributions(pair.manipulated, argmax(pair.manipulated.classifier(pair.manipulated.x), 1));
      seen.push({ plain: await list(again), given: await list(manipulated) });
      return [1, 1];
    },
  };
  const same = { classifier: world.classifier, x };
  const pair = { clean: same, manipulated: same };
  await studyManipulation({ explainer: "gradient", madeFor: pair, statistic: watching, cost: {} }, world, {
    explainers: [],
    detectors: ["smoothgrad"],
  });
  // The same class again gives the same map: the plain one first, as its control, then the restored one.
  check.is(seen.length, 3);
  for (const { plain, given } of seen) check.close(plain, given, { atol: 1e-12 });
  check.ok(seen[0].given.some((v, i) => Math.abs(v - seen[2].given[i]) > 1e-9));
});

referenceTest("fewer others than samples: as many as there are are held out", async () => {
  const world = { ...worldOf(imageWorld, { count: 3 }), others: [3, 4] };
  const { measurements, results } = await studyManipulation(brighter(world, fixed([1, 1, 1])), world, {
    explainers: [],
    detectors: [],
  });
  check.is(results[1].kept.length, 2);
  check.ok(measurements.some(({ conditions }) => conditions?.samples === "held out"));
});

referenceTest(
  "further training: another network of the caller's, the world's untouched, nothing else left",
  async () => {
    const world = worldOf(tableWorld);
    const before = await list(leaves(world.params)[0]);
    const said: string[] = [];
    const options = { loss: crossEntropyLoss, epochs: 2, count: 8, batch: 4, learningRate: 0.01, title: "test" };
    const alone = alive();
    const params = await finetuned({ ...world, say: (text) => void said.push(text) }, options);
    check.is(alive(), alone + leaves(params).length);
    check.identical(await list(leaves(world.params)[0]), before);
    check.ok((await list(leaves(params)[0])).some((v, i) => Math.abs(v - before[i]) > 1e-4));
    check.match(said.at(-1)!, /test: step 4 of 4, loss \d/);
    dispose(params);
    check.is(alive(), alone);
    // The scope that is open when it ends does not free it; what throws leaves nothing.
    await check.rejects(
      () => finetuned(world, { ...options, batch: 0 }),
      /finetuned: batch is 0; an integer of at least 1/,
    );
    check.is(alive(), alone);
    const failing = () => {
      throw new RangeError("no loss");
    };
    await check.rejects(() => finetuned(world, { ...options, loss: failing }), /no loss/);
    check.is(alive(), alone);
  },
);
