/** Explanations that show a target: the loss and its weights by hand, what is kept, and the geometry on a surface that is known. */
import {
  gradient,
  growingBetas,
  importanceMap,
  levelSetWay,
  manipulationEntryOf,
  othersOf,
  pearson,
  studyManipulation,
  targetMapAttack,
  targetMapLoss,
} from "../../atex/index.js";
import { argmax, div, matmul, mul, random, sqrt, square, sum, type Tensor, tensor } from "../../engine/index.js";
import { readSettings } from "../../nn/schema.js";
import { referenceTest } from "../executors.js";
import { check, test } from "../harness.js";
import { IMAGES, imageModel, TABLE, tableModel, worldOf } from "./inputsWorld.js";
import { both } from "./quadratic.js";

const entry = manipulationEntryOf("target-map");

both("the loss is w1 (D / 224²)² mean (h − h_t)² + w2 mean (p − p₀)²", async () => {
  const map = tensor([[0.5, 0.25, 0.25, 0]]);
  const wanted = { map: tensor([[0.25, 0.25, 0, 0.5]]), probabilities: tensor([[0.25, 0.75]]) };
  const logits = tensor([[0, 0]]);
  const ofMap = (0.0625 + 0.0625 + 0.25) / 4;
  const loss = targetMapLoss({ map, logits }, wanted, { mapWeight: 50176 ** 2, outputWeight: 8 });
  check.close(await loss.read(), [16 * ofMap + 8 * 0.0625], { rtol: 1e-6 });
  // The spec's own figure: 1e11 at 224 × 224 is about 2.4e7 at 784 elements.
  const one = tensor(new Float32Array(784).fill(1), [1, 784]);
  const zero = { map: mul(one, 0), probabilities: tensor([[0.5, 0.5]]) };
  check.close(await targetMapLoss({ map: one, logits }, zero).read(), [2.44e7], { rtol: 1e-2 });
});

test("sharpness grows geometrically; each sample's target is the next of another class", () => {
  check.close(growingBetas([10, 100], 3), [10, Math.sqrt(1000), 100], { rtol: 1e-12 });
  check.close(growingBetas([10, 100], 1), [100], { rtol: 1e-12 });
  check.throws(() => growingBetas([0, 100], 2), /positive numbers/);
  check.equal(othersOf([4, 4, 2, 4]), [2, 2, 3, 2]);
  check.equal(othersOf([1, 1, 1]), [1, 2, 0]);
});

both("on the sphere ‖x‖ = r the curvature is 1/r, and the gradient turns by the chord over r", async () => {
  const r = 2;
  const score = (x: Tensor): Tensor => sqrt(sum(square(x), 1));
  const angle = Math.PI / 3;
  const from = tensor([[r, 0, 0]]);
  // Off the sphere, to which the way leads back.
  const to = tensor([[2.5 * Math.cos(angle), 2.5 * Math.sin(angle), 0]]);
  const way = levelSetWay({ score, from, to, points: 8, key: random.key(1) });
  check.close(await way.curvature.read(), [1 / r], { rtol: 1e-4 });
  check.close(await way.turn.read(), [2 * Math.sin(angle / 2)], { rtol: 1e-4 });
  const [length] = await way.length.read();
  check.ok(length < r * angle && length > 0.99 * r * angle, `length ${length}`);
  check.close(await way.off.read(), [0.5], { rtol: 1e-3 });
});

both("on an ellipsoid the largest principal curvature is the one of the textbook", async () => {
  const [a, b, c] = [3, 1, 2];
  const scale = tensor([[1 / a ** 2, 1 / b ** 2, 1 / c ** 2]]);
  const score = (x: Tensor): Tensor => sum(mul(square(x), scale), 1);
  const point = [a * Math.sqrt(0.5), b * Math.sqrt(0.3), c * Math.sqrt(0.2)];
  const at = tensor([[a, 0, 0], point]);
  // From Gaussian curvature K and mean curvature M: M + √(M² − K); at the end of the longest axis a / b².
  const s = point[0] ** 2 / a ** 4 + point[1] ** 2 / b ** 4 + point[2] ** 2 / c ** 4;
  const K = 1 / (a * b * c * s) ** 2;
  const sizes = a ** 2 + b ** 2 + c ** 2 - point.reduce((sum2, v) => sum2 + v ** 2, 0);
  const M = sizes / (2 * (a * b * c) ** 2 * s ** 1.5);
  const way = levelSetWay({ score, from: at, to: at, points: 1, rounds: 40, key: random.key(1) });
  check.close(await way.curvature.read(), [a / b ** 2, M + Math.sqrt(M ** 2 - K)], { rtol: 1e-3 });
  check.close(await way.length.read(), [0, 0], { atol: 1e-5 });
});

both("where the network is smooth, the map comes to show the target, inside the valid range", async () => {
  const weights = random.normal(random.key(4), [6, 6]);
  const classifier = (x: Tensor): Tensor => {
    const z = matmul(x, weights);
    return matmul(div(square(z), 4), tensor(Float32Array.from([1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0]), [6, 2]));
  };
  const x = random.uniform(random.key(5), [3, 6]);
  const classes = argmax(classifier(x), 1);
  const target = tensor([
    [1, 0, 0, 0, 0, 1],
    [0, 1, 0, 1, 0, 0],
    [0, 0, 1, 1, 1, 0],
  ]);
  const attack = targetMapAttack({
    ...{ explainer: gradient, range: { low: -1, high: 1 }, iterations: 150, learningRate: 0.02 },
    ...{ mapWeight: 1e12, outputWeight: 0.1 },
  });
  const images = await attack({ classifier, x, target, classes });
  const score = (z: Tensor): Tensor => sum(mul(classifier(z), tensor([[1, 0]])), 1);
  const before = await pearson(target, importanceMap(gradient(score, x))).read();
  const after = await pearson(target, importanceMap(gradient(score, images))).read();
  for (let i = 0; i < 3; i++) check.ok(after[i] > before[i] + 0.2, `${before[i]} → ${after[i]}`);
  check.ok((await images.read()).every((v) => v >= -1 && v <= 1));
  await check.rejects(() => attack({ classifier, x, target: tensor([[1, 0]]), classes }), /a map with 6 elements/);
  check.throws(
    () => targetMapAttack({ explainer: gradient, range: IMAGES.range, iterations: 2, learningRate: 0.1 }),
    /2 iterations, learning rate 0.1 given; at least one for each of 5 stages/,
  );
});

referenceTest(
  "as a manipulation, on images of any size and on tables: closer to the target under the network itself",
  async () => {
    for (const [domain, model] of [
      [IMAGES, imageModel],
      [TABLE, tableModel],
    ] as const) {
      const world = await worldOf(domain, model, 3);
      const given = {
        ...{ iterations: 20, learningRate: 0.05, stages: 2, points: 4, outputWeight: 1 },
        ...{ smoothing: [3], curvature: [3] },
        attacked: domain === IMAGES ? ["gradient", "guided-backprop"] : ["gradient-x-input"],
      };
      const made = await entry.run(readSettings(entry, given), world);
      const study = await studyManipulation(made, world, { explainers: [], detectors: [] });
      const of = (metric: string, explainer = made.explainer): number =>
        study.measurements.find((m) => m.metric === metric && (m.conditions?.explainer ?? explainer) === explainer)!
          .value;
      check.ok(of("Pearson with target") > of("Pearson with target, before"));
      // The study asks once more, and finds the same.
      check.close([of("statistic")], [of("Pearson with target")], { rtol: 1e-6 });
      check.is(of("level set: share within the bound"), 1);
      check.ok(of("level set: turn of the gradient") > 0);
      check.ok(Number.isFinite(of("smoothed: Pearson with clean")));
    }
    const world = await worldOf(TABLE, tableModel, 1);
    await check.rejects(async () => entry.run(readSettings(entry, {}), world), /at least 2 are needed/);
  },
);
