/** Attacks on predictions: they raise the loss, keep the best iterate, and honour their budget to the last bit. */
import fc from "fast-check";
import {
  adamStep,
  ascend,
  attackPrediction,
  type Ball,
  type Classifier,
  fgsmAttack,
  l2,
  linf,
  maxAbsStep,
  pgdAttack,
  type StepRule,
  signStep,
} from "../../atex/index.js";
import { add, argmax, capture, clamp, grad, mul, random, sign, sum, type Tensor, tensor } from "../../engine/index.js";
import {
  cosineDecay,
  crossEntropy,
  crossEntropyPerSample,
  dense,
  flatten,
  sequential,
  softplus,
} from "../../nn/index.js";
import { gpuTest, referenceTest } from "../executors.js";
import { check } from "../harness.js";

const N = 4;
const SIDE = 6;
const model = sequential([flatten, dense(12), softplus({ beta: 3 }), dense(5)]);

function setting(seed: number): { classifier: Classifier; x: Tensor; labels: Tensor } {
  const { params } = model.init(random.key(seed), [1, SIDE, SIDE]);
  const classifier = (z: Tensor): Tensor => model.apply(params, z);
  const x = random.uniform(random.key(seed + 1), [N, 1, SIDE, SIDE]);
  return { classifier, x, labels: argmax(classifier(x), 1) };
}

gpuTest("fgsm is one sign step of the loss's gradient, written out", async () => {
  const { classifier, x, labels } = setting(1);
  const radius = 0.1;
  const { images, before, after } = fgsmAttack(radius)({ classifier, x, labels });
  const g = grad((z: Tensor) => crossEntropy(classifier(z), labels))(x);
  const expected = clamp(add(x, mul(sign(g), radius)), 0, 1);
  check.close(await images.read(), await expected.read(), { atol: 1e-6 });
  check.close(await before.read(), await crossEntropyPerSample(classifier(x), labels).read(), { rtol: 1e-5 });
  check.close(await after.read(), await crossEntropyPerSample(classifier(images), labels).read(), { rtol: 1e-5 });
});

for (const run of [gpuTest, referenceTest])
  run(
    `pgd is at least as strong as fgsm, and says whom it fooled (${run === gpuTest ? "GPU" : "reference"})`,
    async () => {
      const { classifier, x, labels } = setting(5);
      const one = await fgsmAttack(0.2)({ classifier, x, labels }).after.read();
      const many = pgdAttack({ radius: 0.2, steps: 12 })({ classifier, x, labels, key: random.key(1) });
      const [before, after, fooled] = [await many.before.read(), await many.after.read(), await many.fooled.read()];
      const classes = await argmax(classifier(many.images), 1).read();
      const truth = await labels.read();
      for (let i = 0; i < N; i++) {
        check.ok(after[i] > before[i], `image ${i}: ${before[i]} became ${after[i]}`);
        check.ok(after[i] >= one[i] - 1e-4, `image ${i}: pgd ${after[i]}, fgsm ${one[i]}`);
        check.is(Boolean(fooled[i]), classes[i] !== truth[i]);
      }
      check.ok(
        fooled.some((f) => f === 1),
        "nobody was fooled",
      );
    },
  );

gpuTest("the best iterate is kept: steps far too long never lose what was gained", async () => {
  const { classifier, x, labels } = setting(9);
  let last = await crossEntropyPerSample(classifier(x), labels).read();
  for (const steps of [1, 2, 3, 5]) {
    const attack = attackPrediction({ ball: linf(0.3), rule: signStep(0.25), steps });
    const { images, after } = attack({ classifier, x, labels });
    const next = await after.read();
    for (let i = 0; i < N; i++) check.ok(next[i] >= last[i], `${steps} steps: ${last[i]} became ${next[i]}`);
    check.close(await crossEntropyPerSample(classifier(images), labels).read(), next, { rtol: 1e-5 });
    last = next;
  }
});

gpuTest("a rule that walks downhill gains nothing and loses nothing", async () => {
  const { classifier, x, labels } = setting(9);
  const rule: StepRule = { name: "downhill", init: () => [], step: (g) => [mul(sign(g), -0.05), []] };
  const { images, before, after } = attackPrediction({ ball: linf(0.3), rule, steps: 3 })({ classifier, x, labels });
  check.identical(await images.read(), await x.read());
  check.identical(await after.read(), await before.read());
});

gpuTest("inside a captured step an attack is part of the step", async () => {
  const { classifier, x, labels } = setting(13);
  const attack = fgsmAttack(0.1);
  const step = capture((z: Tensor) => attack({ classifier, x: z, labels }).images);
  try {
    step(x);
    check.close(await step(x).read(), await attack({ classifier, x, labels }).images.read(), { atol: 1e-6 });
    check.is(step.recordings, 1);
  } finally {
    step.dispose();
  }
});

referenceTest("a search without steps, starts or the key for them is refused, and moments that never decay", () => {
  const x = tensor([0.2, 0.4], [1, 2]);
  const search = { ball: linf(0.1), rule: signStep(0.1), steps: 2, objective: (z: Tensor) => sum(z, 1) };
  for (const steps of [0, 1.5]) check.throws(() => ascend(x, { ...search, steps }), /ascend: steps .* are needed/);
  check.throws(
    () => ascend(x, { ...search, flatAtClean: true }),
    /ascend: steps 2, restarts 0 given; at least 1 and 1/,
  );
  check.throws(() => ascend(x, { ...search, restarts: 3 }), /ascend: 3 random starts need a key/);
  for (const beta of ["beta1", "beta2"])
    check.throws(() => adamStep(0.1, { [beta]: 1 }), /adamStep: beta1 .* less than 1 is needed/);
});

const rules = [signStep, maxAbsStep, adamStep];

gpuTest("an attack's budget holds to the last bit, whatever the radii, rule, schedule and start", async () => {
  const property = fc.asyncProperty(
    fc.array(fc.double({ min: 0, max: 0.6, noNaN: true }), { minLength: N, maxLength: N }),
    fc.double({ min: 1e-4, max: 1, noNaN: true }),
    fc.constantFrom(0, 1, 2),
    fc.boolean(),
    fc.nat(1000),
    async (radii, size, rule, box, seed) => {
      const { classifier, x, labels } = setting(seed);
      const ball: Ball = (box ? linf : l2)(radii);
      const schedule = cosineDecay(1, 2);
      const attack = attackPrediction({ ball, rule: rules[rule](size), schedule, steps: 2, restarts: 1 });
      const { images } = attack({ classifier, x, labels, key: random.key(seed) });
      const [clean, moved] = [await x.read(), await images.read()];
      const changes = Float64Array.from(clean, (v, i) => moved[i] - v);
      const pixels = SIDE * SIDE;
      for (let n = 0; n < N; n++) {
        const change = changes.subarray(n * pixels, (n + 1) * pixels);
        const length = box ? Math.max(...change.map(Math.abs)) : Math.hypot(...change);
        check.ok(length <= radii[n], `${ball.name} ${radii[n]}: moved by ${length}`);
      }
      check.ok(
        moved.every((v) => v >= 0 && v <= 1),
        "a pixel left its range",
      );
    },
  );
  await fc.assert(property, { numRuns: 12 });
});

referenceTest("attacks without a start or a key are refused", () => {
  const { classifier, x, labels } = setting(1);
  check.throws(() => pgdAttack({ radius: 0.1, steps: 0 }), /pgdAttack: steps is 0; an integer of at least 1 is needed/);
  check.throws(
    () => pgdAttack({ radius: 0.1, steps: 1 })({ classifier, x, labels }),
    /attackPrediction: 1 random starts need a key/,
  );
});
