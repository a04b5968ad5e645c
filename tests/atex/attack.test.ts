/** Attacks on explanations: they gain, they keep the prediction, and they honour their budget to the last bit. */
import fc from "fast-check";
import {
  adamStep,
  attackExplanation,
  type Classifier,
  classScore,
  gradient,
  integratedGradients,
  l2,
  linf,
  massCentre,
  maxAbsStep,
  type Objective,
  rankSuppression,
  signStep,
  smoothGrad,
  surrogateOf,
  targetMap,
  targetRegion,
  topKSuppression,
} from "../../atex/index.js";
import { argmax, random, type Tensor, tensor } from "../../engine/index.js";
import { cosineDecay, relu, replaceLayers } from "../../nn/index.js";
import { gpuTest, referenceTest } from "../executors.js";
import { check } from "../harness.js";
import { classifier, model, SIDE } from "./smallNet.js";

const N = 3;
const images = (seed: number): Tensor => random.uniform(random.key(seed), [N, 1, SIDE, SIDE]);
const corner = (): Tensor =>
  tensor(
    Float32Array.from({ length: N * SIDE * SIDE }, (_, i) => Number(i % SIDE < 3 && Math.floor((i % 64) / SIDE) < 3)),
    [N, SIDE, SIDE],
  );

const objectives: Record<string, () => Objective> = {
  "top-k": () => topKSuppression(10),
  ranks: () => rankSuppression(),
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

/** The model's relu twin: real network and surrogate of one seed. */
function reluNetwork(seed: number): { classifier: Classifier; surrogate: Classifier } {
  const real = replaceLayers(model, "softplus", relu);
  const { params } = real.init(random.key(seed), [1, SIDE, SIDE]);
  const classifier: Classifier = (z) => real.apply(params, z);
  return { classifier, surrogate: surrogateOf(classifier, [1, SIDE, SIDE])! };
}

gpuTest("through a softplus surrogate a relu network's own maps are driven further than through itself", async () => {
  const { classifier, surrogate } = reluNetwork(7);
  const x = images(8);
  const objective = topKSuppression(10);
  const attack = attackExplanation({
    explainer: gradient,
    objective,
    ball: linf(0.1),
    rule: signStep(0.01),
    steps: 10,
  });
  const [through, direct] = [attack({ classifier, surrogate, x }), attack({ classifier, x })];
  const [before, after] = [await through.before.read(), await through.after.read()];
  const without = await direct.after.read();
  // Its maps are constant between kinks, so without the surrogate there is no way up.
  for (let i = 0; i < N; i++) {
    check.is(without[i], before[i]);
    check.ok(after[i] >= before[i], `image ${i}: ${before[i]} became ${after[i]}`);
  }
  check.ok(
    after.some((v, i) => v > before[i] + 1e-3),
    "no image gained anything",
  );
  const score = classScore(classifier, through.classes);
  const valued = objective.against(gradient(score, x));
  check.close(await valued(gradient(score, through.images)).read(), after, { rtol: 1e-4 });
});

gpuTest("an attack on an explanation honours its budgets to the last bit in every mode", async () => {
  const property = fc.asyncProperty(
    fc.array(fc.double({ min: 0, max: 0.4, noNaN: true }), { minLength: N, maxLength: N }),
    fc.constantFrom("itself", "softplus", "another network"),
    fc.boolean(),
    fc.option(fc.double({ min: 1e-3, max: 0.2, noNaN: true })),
    fc.nat(100),
    async (radii, guide, box, bound, seed) => {
      const { classifier, surrogate } = reluNetwork(seed);
      const x = images(seed + 1);
      const result = attackExplanation({
        explainer: gradient,
        objective: topKSuppression(10),
        ball: (box ? linf : l2)(radii),
        rule: signStep(0.1),
        schedule: cosineDecay(1, 3),
        steps: 3,
        restarts: 1,
        outputBound: bound ?? undefined,
      })({
        ...{ classifier, x, key: random.key(seed) },
        surrogate: { itself: undefined, softplus: surrogate, "another network": reluNetwork(seed + 1).surrogate }[
          guide
        ],
      });
      const [clean, moved] = [await x.read(), await result.images.read()];
      const [before, after] = [await classifier(x).read(), await classifier(result.images).read()];
      const pixels = SIDE * SIDE;
      for (let n = 0; n < N; n++) {
        const change = Array.from({ length: pixels }, (_, i) =>
          Math.abs(moved[n * pixels + i] - clean[n * pixels + i]),
        );
        const length = box ? Math.max(...change) : Math.hypot(...change);
        check.ok(length <= radii[n], `image ${n} moved by ${length}, radius ${radii[n]}`);
        const outputs = Array.from({ length: 4 }, (_, c) => Math.abs(after[4 * n + c] - before[4 * n + c]));
        // Judged inside a fused step, whose sums are rounded in another order.
        check.ok(Math.max(...outputs) <= (bound ?? Infinity) + 1e-5, `image ${n}: a logit moved by ${outputs}`);
      }
      check.equal([...(await argmax(classifier(result.images), 1).read())], [...(await result.classes.read())]);
      check.ok(
        moved.every((v) => v >= 0 && v <= 1),
        "a pixel left its range",
      );
    },
  );
  await fc.assert(property, { numRuns: 8 });
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
