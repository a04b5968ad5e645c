/** Attacks on explanations: they gain, they keep the prediction, and they honour their budget to the last bit. */
import fc from "fast-check";
import {
  adamStep,
  attackExplanation,
  classScore,
  gradient,
  integratedGradients,
  l2,
  linf,
  massCentre,
  maxAbsStep,
  type Objective,
  signStep,
  smoothGrad,
  targetMap,
  targetRegion,
  topKSuppression,
} from "../../atex/index.js";
import { argmax, random, type Tensor, tensor } from "../../engine/index.js";
import { avgPool, conv2d, dense, flatten, relu, replaceLayers, sequential, softplus } from "../../nn/index.js";
import { gpuTest, referenceTest } from "../executors.js";
import { check } from "../harness.js";

const SIDE = 8;
const N = 3;
const model = sequential([
  conv2d(4, 3, { padding: "same" }),
  softplus({ beta: 5 }),
  avgPool(2),
  flatten,
  dense(6),
  softplus({ beta: 5 }),
  dense(4),
]);

function classifier(seed: number): (x: Tensor) => Tensor {
  const { params } = model.init(random.key(seed), [1, SIDE, SIDE]);
  return (x) => model.apply(params, x);
}
const images = (seed: number): Tensor => random.uniform(random.key(seed), [N, 1, SIDE, SIDE]);
const corner = (): Tensor =>
  tensor(
    Float32Array.from({ length: N * SIDE * SIDE }, (_, i) => Number(i % SIDE < 3 && Math.floor((i % 64) / SIDE) < 3)),
    [N, SIDE, SIDE],
  );

const objectives: Record<string, () => Objective> = {
  "top-k": () => topKSuppression(10),
  region: () => targetRegion(corner()),
  map: () => targetMap(corner()),
  centre: () => massCentre(),
};

for (const [name, objective] of Object.entries(objectives))
  for (const run of [gpuTest, referenceTest])
    run(`${name} gains, keeps the prediction, stays inside (${run === gpuTest ? "GPU" : "reference"})`, async () => {
      const f = classifier(1);
      const x = images(2);
      const eps = 0.05;
      const attack = attackExplanation({
        explainer: gradient,
        objective: objective(),
        ball: linf(eps),
        rule: signStep(eps / 5),
        steps: 10,
      });
      const result = attack({ classifier: f, x, key: random.key(3) });
      const [before, after] = [await result.before.read(), await result.after.read()];
      for (let i = 0; i < N; i++) check.ok(after[i] >= before[i], `image ${i}: ${before[i]} became ${after[i]}`);
      check.ok(
        after.some((v, i) => v > before[i] + 1e-6),
        "no image gained anything",
      );
      check.equal([...(await argmax(f(result.images), 1).read())], [...(await result.classes.read())]);
      const [clean, attacked] = [await x.read(), await result.images.read()];
      for (let i = 0; i < clean.length; i++) {
        check.ok(Math.abs(attacked[i] - clean[i]) <= eps, `pixel ${i} moved by ${attacked[i] - clean[i]}`);
        check.ok(attacked[i] >= 0 && attacked[i] <= 1, `pixel ${i} is ${attacked[i]}`);
      }
    });

gpuTest("a step is the gradient of the objective: first step by hand", async () => {
  const f = classifier(3);
  const x = images(4);
  const result = attackExplanation({
    explainer: gradient,
    objective: topKSuppression(10),
    ball: linf(1),
    rule: maxAbsStep(1e-3),
    steps: 1,
  })({ classifier: f, x });
  // By finite differences along the change: the objective grows at the rate the gradient promises, which is positive.
  const [before, after] = [await result.before.read(), await result.after.read()];
  for (let i = 0; i < N; i++) check.ok(after[i] > before[i], `image ${i}: ${before[i]} became ${after[i]}`);
});

gpuTest("attacks through SmoothGrad and integrated gradients, with Adam, restarts and an output bound", async () => {
  const f = classifier(5);
  const x = images(6);
  for (const explainer of [
    smoothGrad({ samples: 4, sigma: 0.1, key: random.key(9), chunk: 2 }),
    integratedGradients({ steps: 4 }),
  ]) {
    const bound = 0.05;
    const result = attackExplanation({
      explainer,
      objective: topKSuppression(8),
      ball: linf(0.05),
      rule: adamStep(0.01),
      steps: 6,
      restarts: 1,
      outputBound: bound,
    })({ classifier: f, x, key: random.key(1) });
    const [before, after] = [await result.before.read(), await result.after.read()];
    check.ok(
      after.some((v, i) => v > before[i]),
      `${explainer.info.name}: no image gained`,
    );
    const [clean, attacked] = [await f(x).read(), await f(result.images).read()];
    for (let i = 0; i < clean.length; i++)
      check.ok(Math.abs(clean[i] - attacked[i]) <= bound + 1e-5, `logit ${i} moved by ${attacked[i] - clean[i]}`);
  }
});

gpuTest("a softplus twin is differentiated, the relu network judges", async () => {
  const real = replaceLayers(model, "softplus", relu);
  const { params } = real.init(random.key(7), [1, SIDE, SIDE]);
  const judge = (z: Tensor): Tensor => real.apply(params, z);
  const x = images(8);
  const result = attackExplanation({
    explainer: gradient,
    objective: topKSuppression(10),
    ball: linf(0.1),
    rule: signStep(0.01),
    steps: 10,
  })({ classifier: (z) => model.apply(params, z), judge, x });
  check.equal([...(await argmax(judge(result.images), 1).read())], [...(await result.classes.read())]);
});

gpuTest("balls hold what they promise, to the last bit", async () => {
  const property = fc.asyncProperty(
    fc.double({ min: 0, max: 0.5, noNaN: true }),
    fc.integer({ min: 0, max: 1000 }),
    async (radius, seed) => {
      const x = images(seed);
      const far = random.uniform(random.key(seed + 5000), x.shape, { low: -1, high: 2 });
      const clean = await x.read();
      const inBox = await linf(radius).project(far, x).read();
      for (let i = 0; i < clean.length; i++)
        check.ok(Math.abs(inBox[i] - clean[i]) <= radius, `${inBox[i]} ${clean[i]}`);
      for (const moved of [l2(radius).project(far, x), l2(radius).sample(random.key(seed), x)]) {
        const m = await moved.read();
        for (let n = 0; n < N; n++) {
          let squares = 0;
          for (let i = n * 64; i < (n + 1) * 64; i++) squares += (m[i] - clean[i]) ** 2;
          check.ok(Math.sqrt(squares) <= radius, `${Math.sqrt(squares)} > ${radius}`);
        }
      }
    },
  );
  await fc.assert(property, { numRuns: 20 });
});

referenceTest("classScore refuses a batch that is no whole number of copies", () => {
  const f = classifier(1);
  const score = classScore(f, tensor(Int32Array.of(0, 1)));
  check.throws(() => score(images(1)), /classScore: 3 samples for 2 classes; a multiple of 2/);
});
