/** Shifted inputs: the network says the same, and by hand how far explanations move. */
import { attributionsOf, manipulationEntryOf, studyManipulation } from "../../atex/index.js";
import { argmax, dispose, matmul, reshape, tensor } from "../../engine/index.js";
import { conv2d, type Domain, dense, flatten, relu, sequential, shiftedRange } from "../../nn/index.js";
import { readSettings } from "../../nn/schema.js";
import { referenceTest } from "../executors.js";
import { check, test } from "../harness.js";
import { inputWorld } from "./inputWorlds.js";

const colours: Domain = { shape: [3, 11, 12], range: { low: 0, high: 1 } };
const conv = sequential([conv2d(4, 3, { padding: "same" }), relu, flatten, dense(3)]);
const entry = manipulationEntryOf("input-shift");
const settings = (own: object) => readSettings(entry, own as Record<string, unknown>);

test("a range moves with its inputs", () => {
  check.equal(shiftedRange({ low: 0, high: [1, 2] }, [-1, 3]), { low: [-1, 3], high: [0, 5] });
});

referenceTest(
  "a linear score: gradient x input moves by |w · shift| against the largest |w · x|, the gradient stays",
  async () => {
    const domain: Domain = { shape: [3], range: { low: -2, high: 2 } };
    const w = [
      [2, -1],
      [0.5, 1],
      [-1, 3],
    ];
    const world = inputWorld({
      ...{ domain, model: dense(2), count: 3, classes: 2 },
      classifier: (x) => matmul(reshape(x, [-1, 3]), tensor(w)),
    });
    const made = await entry.run(settings({ amount: 0.75 }), world);
    const { madeFor, statistic } = made;
    const x = Array.from(await madeFor.clean.x.read());
    const classes = argmax(madeFor.clean.classifier(madeFor.clean.x), 1);
    const chosen = await classes.read();
    const expected = Array.from(chosen, (c, i) => {
      const slopes = w.map((row) => row[c]);
      const largest = Math.max(...slopes.map((s, j) => Math.abs(s * x[3 * i + j])));
      return Math.max(...slopes.map((s) => Math.abs(0.75 * s))) / largest;
    });
    const gapOf = async (explainer: string): Promise<ArrayLike<number>> => {
      const of = (side: typeof madeFor.clean) => attributionsOf(world.explainer, explainer, side, classes);
      const [clean, manipulated] = [await of(madeFor.clean), await of(madeFor.manipulated)];
      const gap = await statistic.of({ explainer, pair: madeFor, clean, manipulated, attributions: of });
      return gap;
    };
    check.close(await gapOf("gradient-x-input"), expected, { rtol: 1e-6 });
    check.close(await gapOf("gradient"), [0, 0, 0], { atol: 1e-9 });
    const moved = await madeFor.manipulated.x.read();
    check.close(
      moved,
      x.map((v) => v + 0.75),
      { rtol: 1e-6 },
    );
  },
);

for (const pattern of ["constant", "sample"])
  referenceTest(
    `colour images, shifted by a ${pattern}: predictions kept, those that compare with zero move`,
    async () => {
      const world = inputWorld({ domain: colours, model: conv });
      const made = await entry.run(settings({ pattern }), world);
      const explainers = ["gradient", "integrated-gradients", "smoothgrad"];
      const { measurements, results } = await studyManipulation(made, world, { explainers, detectors: [] });
      const value = (metric: string, conditions: object): number =>
        measurements.find(
          (m) =>
            m.metric === metric &&
            Object.entries(conditions).every(([k, v]) => (m.conditions as Record<string, unknown>)?.[k] === v),
        )!.value;
      for (const samples of ["made for", "held out"]) {
        check.is(value("prediction as wanted", { samples }), 1);
        check.ok(value("change of probabilities", { samples }) < 1e-6);
        check.is(value("fooled", { samples, explainer: "gradient-x-input" }), 1);
      }
      check.ok(value("largest change of a logit", {}) < 1e-6);
      check.is(value("fooled", { explainer: "integrated-gradients" }), 1);
      for (const explainer of ["gradient", "smoothgrad"]) {
        check.is(value("fooled", { explainer }), 0);
        check.ok(value("statistic", { explainer }) < 1e-5);
      }
      check.is(results.length, 5);
      dispose(world.params);
    },
  );

referenceTest("no sample left to shift by is refused in a sentence", async () => {
  const world = inputWorld({ domain: colours, model: conv });
  const all = { ...world, samples: [0, 1, 2, 3, 4, 5, 6, 7], others: [] };
  await check.rejects(() => entry.run(settings({ pattern: "sample" }), all), /one more is needed to shift them by/);
});
