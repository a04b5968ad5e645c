/** Fairwashing: the loss and its derivative by hand, and students that answer like their teachers while their maps show something else. */
import {
  attributionsOf,
  fairwashingLoss,
  gradient,
  type ManipulationWorld,
  type Measured,
  manipulationEntryOf,
  mapsWithout,
  studyManipulation,
  wantedPicture,
} from "../../atex/index.js";
import { relevanceOf } from "../../atex/manipulations/models/fairwashing.js";
import { dispose, random, tensor, valueAndGrad } from "../../engine/index.js";
import { sampleTensor } from "../../nn/index.js";
import { readSettings } from "../../nn/schema.js";
import { gpuTest, referenceTest } from "../executors.js";
import { check } from "../harness.js";
import { classifier, images, student, teacher, x } from "./lesson.js";
import * as by from "./mlp.js";
import { withImageWorld, withTableWorld } from "./smallWorlds.js";

const picture = [0, 1, 2, 0, 0, 5];

const importance = (v: by.Vector): number[] => {
  const total = v.reduce((sum, a) => sum + Math.abs(a), 0);
  return v.map((a) => Math.abs(a) / total);
};
const best = (m: by.Mlp, row: by.Vector): number => {
  const logits = by.logits(m, row);
  return logits.indexOf(Math.max(...logits));
};

/** (1 − a) MSE(p_s, p_t) + a mean Σ (h_s − h)². */
function expected(m: by.Mlp, share: number): number {
  const wanted = importance(picture);
  const answers = x.flatMap((row) =>
    by.combine(by.softmax(by.logits(m, row)), by.softmax(by.logits(teacher, row)), (p, q) => (p - q) ** 2),
  );
  const maps = x.map((row) =>
    by.squared(by.combine(importance(by.explanation(m, row, best(teacher, row))), wanted, (a, b) => a - b)),
  );
  return (1 - share) * by.average(answers) + share * by.average(maps);
}

referenceTest("the loss weighs answers and maps, and so does its derivative", async () => {
  const direction = by.mlp(9);
  const [batch, y] = [images(x), tensor(new Int32Array(x.length))];
  const context = { training: true, key: random.key(0), indices: y };
  const wanted = wantedPicture(tensor(picture, [2, 3]));
  const teach = { teacher: classifier(teacher), explainer: gradient, wanted };
  for (const share of [0, 0.8, 1]) {
    const loss = fairwashingLoss({ ...teach, share });
    const [value, slopes] = valueAndGrad((p) => loss(by.model, p, batch, y, context)[0])(by.parameters(student));
    // Pictures are f32.
    check.close(await value.read(), [expected(student, share)], { rtol: 1e-6 });
    const h = 1e-5;
    const moved = (t: number): number => expected(by.moved(student, direction, t), share);
    check.close([await by.along(slopes, direction)], [(moved(h) - moved(-h)) / (2 * h)], { rtol: 1e-5 });
  }
  const usual = fairwashingLoss(teach)(by.model, by.parameters(student), batch, y, context)[0];
  check.close(await usual.read(), [expected(student, 0.8)], { rtol: 1e-6 });
  check.throws(() => fairwashingLoss({ ...teach, share: 1.5 }), /share is 1.5; a number from 0 to 1 is needed/);
});

referenceTest("a picture is one for all samples; maps without a column share out the rest", async () => {
  const wanted = wantedPicture(tensor(picture, [2, 3]));
  const two = await wanted(images(x.slice(0, 2)), tensor(Int32Array.of(0, 0))).read();
  check.close(two, [...importance(picture), ...importance(picture)], { rtol: 1e-6 });
  check.throws(
    () => wanted(tensor(new Float32Array(6), [1, 1, 3, 2]), tensor(Int32Array.of(0))),
    /picture of \[2,3\] for maps of \[3,2\]/,
  );
  const flat = { shape: [by.pixels], range: { low: 0, high: 1 } };
  const without = mapsWithout([1, 4], { teacher: classifier(teacher), explainer: gradient }, flat);
  const maps = await without(tensor(x), tensor(new Int32Array(x.length).fill(2))).read();
  const kept = (v: by.Vector): number[] => v.map((a, i) => (i === 1 || i === 4 ? 0 : a));
  check.close(
    maps,
    x.flatMap((row) => importance(kept(by.explanation(teacher, row, 2)))),
    { rtol: 1e-6 },
  );
});

referenceTest("relevance of a column is 1 for the average one", async () => {
  const maps = tensor([
    [1, -1, 1, -1, 1],
    [0, 0, 0, 3, 0],
    [1, 1, 0, 0, 0],
  ]);
  check.close(await relevanceOf([3], maps).read(), [1, 5, 0], { atol: 1e-6 });
  check.close(await relevanceOf([3, 4], maps).read(), [1, 2.5, 0], { atol: 1e-6 });
});

/** Runs and studies it; `of` finds one number. */
async function washed(world: ManipulationWorld, settings: Record<string, unknown>) {
  const entry = manipulationEntryOf("fairwashing");
  const made = await entry.run(readSettings(entry, settings), world);
  const { measurements } = await studyManipulation(made, world, { explainers: [], detectors: ["tangent-projection"] });
  const of = (metric: string, conditions: Measured["conditions"] = {}): number =>
    measurements.find(
      (one) => one.metric === metric && Object.entries(conditions).every(([k, v]) => one.conditions?.[k] === v),
    )!.value;
  return { made, of };
}

gpuTest(
  "a letter appears in the maps of coloured images of 12 x 11, and is gone on the tangent space of the data",
  () =>
    withImageWorld(async (world) => {
      const { made, of } = await washed(world, { word: "L", epochs: 25, learningRate: 0.01 });
      const metric = "correlation with the picture";
      check.ok(of(metric, { network: "teacher", map: "plain" }) < 0.2);
      check.ok(
        of(metric, { network: "student", map: "plain" }) > 0.6,
        String(of(metric, { network: "student", map: "plain" })),
      );
      check.ok(
        of(metric, { network: "student", map: "tangent" }) < of(metric, { network: "student", map: "plain" }) - 0.2,
      );
      check.ok(of("fooled", { samples: "held out" }) > 0.8);
      check.ok(
        Math.abs(of("accuracy lost")) < 0.05 && of("prediction mismatch") < 0.05 && of("MSE of probabilities") < 0.01,
      );
      check.ok(Number.isFinite(of("noticed (AUROC)")) && of("fooled in spite of it") < 0.5);
      const [{ rows, columns, size }] = made.pictures!;
      check.equal([rows.length, columns.length, rows[0].cells[0].length, rows[0].cells[4].length], [4, 5, 396, 132]);
      check.equal(size, { channels: 3, height: 12, width: 11 });
      check.equal(made.tensors!.picture.shape, [12, 11]);
      dispose(made.params);
    }),
);

gpuTest("a column drops out of the maps of rows, also through gradient x input", () =>
  withTableWorld(async (world) => {
    for (const explainer of ["gradient", "gradient-x-input"]) {
      const { made, of } = await washed(world, { explainer, epochs: 20, learningRate: 0.01 });
      const metric = "relevance of the column";
      const [before, after] = ["teacher", "student"].map((network) => of(metric, { network, map: "plain" }));
      check.ok(before > 0.5 && after < 0.4 * before, `${explainer}: ${before} to ${after}`);
      check.ok(Math.abs(of("accuracy lost")) < 0.05, String(of("accuracy lost")));
      // What was measured is what the maps say.
      const { clean, manipulated } = made.heldOut!;
      const maps = await attributionsOf(world.explainer, explainer, manipulated);
      check.close(
        [by.average(Array.from(await relevanceOf([0], maps).read()))],
        [of("statistic", { samples: "held out" })],
        { rtol: 1e-4 },
      );
      check.is(clean.x, manipulated.x);
      check.identical(await clean.x.read(), await sampleTensor(world.test, world.samples).read());
      dispose(made.params);
    }
  }),
);

gpuTest("what cannot be washed is refused in one sentence", () =>
  withTableWorld(async (world) => {
    const entry = manipulationEntryOf("fairwashing");
    const run = (settings: Record<string, unknown>, given: Partial<ManipulationWorld> = {}) =>
      entry.run(readSettings(entry, settings), { ...world, ...given });
    await check.rejects(() => run({}, { sensitive: undefined }), /^fairwashing: these data name no sensitive column/);
    await check.rejects(() => run({ explainer: "grad-cam" }), /^fairwashing: grad-cam and samples of \[5\] came/);
    await check.rejects(async () => run({ explainer: "magic" }), /explainer: "magic" came; one of gradient/);
  }),
);
