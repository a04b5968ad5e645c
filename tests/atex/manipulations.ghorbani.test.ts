/** Small changes of inputs that move maps: what may change, what is kept, and the statistics written out on the host. */
import {
  gradient,
  manipulationEntryOf,
  massCentre,
  randomSignNoise,
  reachOf,
  studyManipulation,
  topKSuppression,
} from "../../atex/index.js";
import { statisticOf } from "../../atex/manipulations/inputs/statistics.js";
import { argmax, random, type Tensor, tensor } from "../../engine/index.js";
import { readSettings } from "../../nn/schema.js";
import { referenceTest } from "../executors.js";
import { check } from "../harness.js";
import { IMAGES, imageModel, TABLE, tableModel, worldOf } from "./inputsWorld.js";
import { both, images } from "./quadratic.js";

const entry = manipulationEntryOf("ghorbani");
const settings = (given: Readonly<Record<string, unknown>>) => readSettings(entry, given);

const largestChange = async (a: Tensor, b: Tensor): Promise<number[]> => {
  const [p, q] = [await images(a), await images(b)];
  return p[0].map((_, e) => Math.max(...p.map((row, i) => Math.abs(row[e] - q[i][e]))));
};

referenceTest(
  "every element moves by at most eps of its range; categories and immutable columns not at all",
  async () => {
    const { ball, signStep } = reachOf(TABLE, { eps: 0.25, immutable: ["height"] });
    const x = tensor([[0, 0, 1, 0, 1, 0, 0.5]]);
    const moved = ball.project(tensor([[9, -9, 0, 1, 0, 1, -9]]), x);
    check.close(await moved.read(), [1, -2, 1, 0, 1, 0, 0.5], { rtol: 1e-6 });
    const [step] = signStep(0.5).step(tensor([[2, -1, 1, 1, 1, 1, 1]]), [], tensor(0));
    check.close(await step.read(), [0.5, -1, 0, 0, 0, 0, 0], { rtol: 1e-6 });
    const preparation = {
      columns: [{ kind: "numeric" as const, name: "age", mean: 40, deviation: 4, low: 32, high: 48 }],
      missing: [],
      target: { name: "y", classes: ["0", "1"] },
    };
    const whole = reachOf(TABLE, { eps: 0.25, columnSteps: { age: 3 }, preparation });
    // Three years are 0.75 deviations, of which the reach of 1 holds one.
    check.close(await whole.ball.project(tensor([[9, 0, 1, 0, 1, 0, 0]]), x).read(), [0.75, 0, 1, 0, 1, 0, 0.0], {
      rtol: 1e-6,
      atol: 1e-6,
    });
    check.close(
      await whole
        .signStep(0.1)
        .step(tensor([[1, 1, 1, 1, 1, 1, 1]]), [], tensor(0))[0]
        .read(),
      [...[0.75, 0.2, 0, 0, 0, 0, 0.05]],
      { rtol: 1e-6 },
    );
    const pixels = reachOf(IMAGES, { eps: 0.1 });
    check.close(await pixels.most.read(), Array(2 * 12 * 15).fill(0.4), { rtol: 1e-6 });
    check.throws(() => reachOf(TABLE, { eps: 2 }), /eps 2 given; a share of the valid range/);
    check.throws(() => reachOf(TABLE, { eps: 0.1, immutable: ["race"] }), /"race" is unknown; there is age/);
    check.throws(() => reachOf(TABLE, { eps: 0.1, immutable: ["age", "income", "height"] }), /no feature is left/);
    check.throws(() => reachOf(IMAGES, { eps: 0.1, immutable: ["age"] }), /samples of \[2,12,15\] have none/);
    check.throws(() => reachOf(TABLE, { eps: 0.1, columnSteps: { age: 1 } }), /without a preparation/);
  },
);

referenceTest("statistics are those of the definitions", async () => {
  const shape = [2, 1, 3, 4];
  const place = (...at: (readonly [number, number])[]): number[] => {
    const map = Array<number>(12).fill(0);
    for (const [p, v] of at) map[p] = v;
    return map;
  };
  const map = (...rows: number[][]): Tensor => tensor(Float32Array.from(rows.flat()), shape);
  const clean = map(place([0, 4], [1, -3]), place([5, 2], [6, 1]));
  const manipulated = map(place([0, 1], [11, -3]), place([5, 1], [6, 2]));
  const of = async (aim: Parameters<typeof statisticOf>[0], more = {}) => {
    const statistic = statisticOf(aim, { shape, ...more });
    const context = { explainer: "gradient", pair: undefined!, clean, manipulated, attributions: undefined! };
    return { ...statistic, values: Array.from(await statistic.of(context)) };
  };
  const top = await of("top-k", { k: 2 });
  check.equal([top.values, top.interval], [[0.5, 1], { high: 0.5 }]);
  // Centres (0, 3/7) → (2 · 3/4, 3 · 3/4), and (1, 4/3) → (1, 5/3).
  const centre = await of("mass-centre");
  check.close(centre.values, [Math.hypot(1.5, 2.25 - 3 / 7), 1 / 3], { rtol: 1e-5 });
  check.equal(centre.interval, { low: 0.3 });
  const mask = tensor(Float32Array.from([...place([11, 1]), ...place([5, 1])]), [2, 3, 4]);
  const target = await of("target", { mask, bound: 0.6 });
  check.close(target.values, [0.75, 1 / 3], { rtol: 1e-5 });
  check.equal(target.interval, { low: 0.6 });
});

both("random signs: by exactly the reach, the best of the draws, with the prediction of before", async () => {
  const world = await worldOf(TABLE, tableModel, 6);
  const x = tensor(world.test.samples as Float32Array, [12, 7]);
  const reach = reachOf(TABLE, { eps: 0.05 });
  const attack = (draws: number) =>
    randomSignNoise({ explainer: gradient, objective: topKSuppression(2), range: TABLE.range, reach, draws })({
      ...{ classifier: world.classifier, x, key: random.key(2) },
    });
  const [few, many] = [attack(1), attack(12)];
  const [a, b, before] = [await few.after.read(), await many.after.read(), await many.before.read()];
  for (let i = 0; i < 12; i++) check.ok(b[i] >= a[i] && a[i] >= before[i], `draws of row ${i}`);
  check.ok(
    b.some((v, i) => v > a[i]),
    "more draws find more",
  );
  check.equal(await argmax(world.classifier(many.images), 1).read(), await many.classes.read());
  const change = await largestChange(many.images, x);
  check.close(change, [0.2, 0.4, 0, 0, 0, 0, 0.1], { rtol: 1e-4, atol: 1e-6 });
  check.throws(
    () => randomSignNoise({ explainer: gradient, objective: massCentre(), reach, draws: 0 }),
    /0 draws given; at least 1/,
  );
});

referenceTest(
  "on images of any size and colour: predictions kept, changes in bounds, more than random signs do",
  async () => {
    const world = await worldOf(IMAGES, imageModel, 4);
    for (const objective of ["top-k", "mass-centre", "target", "random-sign"]) {
      const made = await entry.run(
        settings({
          objective,
          eps: 0.05,
          steps: 6,
          attacked: ["gradient", "integrated-gradients"],
          points: 3,
          region: "0,0,3,3",
        }),
        world,
      );
      const { clean, manipulated } = made.madeFor;
      const change = Math.max(...(await largestChange(manipulated.x, clean.x)));
      check.ok(change > 0.02 && change <= 0.2, `${objective}: changed by ${change}`);
      const values = await manipulated.x.read();
      check.ok(values.every((v) => v >= -1 && v <= 3));
      const study = await studyManipulation(made, world, { explainers: ["gradient-x-input"], detectors: [] });
      const of = (metric: string) => study.measurements.find((one) => one.metric === metric)!.value;
      check.is(of("prediction as wanted"), 1);
      if (objective === "random-sign") continue;
      const both = made.measurements!.filter(
        ({ metric, conditions }) => !metric.startsWith("fooled") && conditions!.explainer === "gradient",
      );
      const [attacked, noise] = both.map(({ value }) => value);
      check.ok(
        objective === "top-k" ? attacked < noise : attacked > noise,
        `${objective}: ${attacked}, noise ${noise}`,
      );
    }
  },
);

both("on tables: immutable columns and categories are never touched", async () => {
  const world = await worldOf(TABLE, tableModel, 5);
  const made = await entry.run(settings({ eps: 0.1, steps: 5, immutable: ["income"] }), world);
  const change = await largestChange(made.madeFor.manipulated.x, made.madeFor.clean.x);
  check.equal(
    change.map((c) => c > 0),
    [true, false, false, false, false, false, true],
  );
  check.ok(change[0] <= 0.4 && change[6] <= 0.2);
  await check.rejects(async () => entry.run(settings({ objective: "target" }), world), /is about images/);
  await check.rejects(async () => entry.run(settings({ attacked: ["deconvnet"] }), world), /has no derivative/);
  await check.rejects(async () => entry.run(settings({ attacked: ["grad-cam"] }), world), /explains images/);
});
