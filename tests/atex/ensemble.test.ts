/** The ensemble of attacks: never weaker than one of them, by any measure, on any image; within its budget; the same by key. */
import { manipulate } from "../../atex/experiments/index.js";
import {
  attackEnsemble,
  attackExplanation,
  blunted,
  type Classifier,
  classScore,
  ENSEMBLE_MEASURES,
  type EnsembleResult,
  ensembleMembers,
  gradient,
  growsApart,
  importanceMap,
  linf,
  massCentreShift,
  OBJECTIVE_TABLE,
  objectiveEntryOf,
  scaledToMax,
  signStep,
  spearman,
  ssim,
  surrogatesOf,
  topKIntersection,
} from "../../atex/index.js";
import { argmax, matmul, random, relu, softplus, type Tensor, tanh } from "../../engine/index.js";
import { cosineDecay } from "../../nn/index.js";
import { onGpu, referenceTest } from "../executors.js";
import { check, gpuTest } from "../harness.js";
import { model } from "./smallNet.js";

/** Large enough for SSIM's window. */
const SIDE = 12;
const N = 3;
const K = 12;
const EPS = [0.02, 0.05, 0.1];
const SHAPE = [N, 1, SIDE, SIDE];
const images = (seed: number): Tensor => random.uniform(random.key(seed), SHAPE);

function network(seed: number): Classifier {
  const { params } = model.init(random.key(seed), SHAPE.slice(1));
  return (x) => model.apply(params, x);
}

/** A way of attack that all here take. */
const search = (steps: number) => ({
  ...{ explainer: gradient, ball: linf(EPS), rule: signStep(0.03), schedule: cosineDecay(1, steps), steps },
});

interface Setting {
  readonly classifier: Classifier;
  readonly x: Tensor;
  readonly steps: number;
  readonly seed?: number;
  /** Some of its attacks; default all, with a random start each. */
  readonly only?: readonly string[];
}

async function ensemble({ classifier, x, steps, seed = 5, only }: Setting): Promise<EnsembleResult> {
  const all = await ensembleMembers({ shape: SHAPE, key: random.key(9), k: K });
  const members = all.filter(({ name }) => only?.includes(name) ?? true);
  const options = { ...search(steps), members, k: K, restarts: only ? 0 : 1 };
  return attackEnsemble(options)({ classifier, x, key: random.key(seed) });
}

/** How much maps of some samples agree with the clean ones, by the metrics themselves. */
async function agreement(classifier: Classifier, x: Tensor, z: Tensor): Promise<Record<string, readonly number[]>> {
  const score = classScore(classifier, argmax(classifier(x), 1));
  const [a, b] = [x, z].map((images) => importanceMap(gradient(score, images)));
  const values = {
    topK: topKIntersection(K)(a, b),
    spearman: spearman(a, b),
    ssim: ssim(scaledToMax(a), scaledToMax(b), { range: 1 }),
    centre: massCentreShift(a, b),
  };
  const read = Object.entries(values).map(async ([name, t]) => [name, [...(await t.read())]] as const);
  return Object.fromEntries(await Promise.all(read));
}

const beyond = (name: string, value: number): number => (growsApart(name as "topK") ? value : -value);

/** Budget, valid range and prediction of every image there is. */
async function requireKept({ classifier, x }: Setting, { alone, worst, classes }: EnsembleResult): Promise<void> {
  const clean = await x.read();
  const all = [...Object.values(alone), ...Object.values(worst)].map(({ images }) => images);
  for (const images of all) {
    const moved = await images.read();
    for (let i = 0; i < clean.length; i++) {
      const radius = EPS[Math.floor(i / (SIDE * SIDE))];
      check.ok(Math.abs(moved[i] - clean[i]) <= radius, `pixel ${i} moved by ${moved[i] - clean[i]}`);
      check.ok(moved[i] >= 0 && moved[i] <= 1, `pixel ${i} is ${moved[i]}`);
    }
    check.equal([...(await argmax(classifier(images), 1).read())], [...(await classes.read())]);
  }
}

/** @returns measures of which one of the attacks leaves more than the ensemble does. */
async function requireWorst(setting: Setting): Promise<string[]> {
  const found = await ensemble(setting);
  await requireKept(setting, found);
  check.equal(Object.keys(found.worst), [...ENSEMBLE_MEASURES]);
  const moved: string[] = [];
  for (const measure of ENSEMBLE_MEASURES) {
    const { images, value } = found.worst[measure]!;
    const worst = await value.read();
    const again = (await agreement(setting.classifier, setting.x, images))[measure];
    check.close(again, [...worst], { atol: 2e-3 }, `${measure} is that of the images`);
    for (const [name, { agreement }] of Object.entries(found.alone)) {
      const left = await agreement[measure]!.read();
      for (let i = 0; i < N; i++)
        check.ok(
          beyond(measure, worst[i]) >= beyond(measure, left[i]),
          `${measure} of image ${i}: ${worst[i]} by all, ${left[i]} by ${name}`,
        );
      if (left.some((v, i) => beyond(measure, worst[i]) > beyond(measure, v))) moved.push(measure);
    }
  }
  return [...new Set(moved)];
}

const LAW =
  "an ensemble leaves no more than any of its attacks, image by image, by every measure, within budget, range and prediction";

referenceTest(LAW, async () => {
  const moved = await requireWorst({ classifier: network(1), x: images(2), steps: 3 });
  check.equal(moved, [...ENSEMBLE_MEASURES], "more than one of them counts");
});

gpuTest(
  `${LAW}, in captured steps`,
  () =>
    onGpu(async () => {
      const moved = await requireWorst({
        classifier: network(1),
        x: images(2),
        steps: 3,
        only: ["rank", "mass-centre"],
      });
      check.ok(moved.includes("spearman") && moved.includes("centre"), moved.join());
    }),
  { timeoutMs: 180_000 },
);

referenceTest("an ensemble leaves no more than each attack when that is made by itself", async () => {
  // Without fused steps both go the same way to the bit.
  const setting = { classifier: network(14), x: images(6), steps: 3 };
  const found = await ensemble(setting);
  await requireKept(setting, found);
  let gained = 0;
  for (const { name, objective } of await ensembleMembers({ shape: SHAPE, key: random.key(9), k: K })) {
    if (objective.flatAtClean) continue;
    const { images } = attackExplanation({ ...search(3), objective })(setting);
    const left = await agreement(setting.classifier, setting.x, images);
    for (const measure of ENSEMBLE_MEASURES) {
      const worst = await found.worst[measure]!.value.read();
      for (let i = 0; i < N; i++) {
        const gain = beyond(measure, worst[i]) - beyond(measure, left[measure][i]);
        check.ok(gain >= -1e-9, `${measure} of image ${i}: ${worst[i]} by all, ${left[measure][i]} by ${name}`);
        gained += gain;
      }
    }
  }
  check.ok(gained > 0.01, "and less than some");
});

referenceTest("the same key gives the same samples, another one others; the cost is said", async () => {
  const setting = { classifier: network(7), x: images(8), steps: 2 };
  const [first, same, other] = [
    await ensemble(setting),
    await ensemble(setting),
    await ensemble({ ...setting, seed: 6 }),
  ];
  const list = async ({ worst }: EnsembleResult): Promise<number[]> => {
    const all: number[] = [];
    for (const measure of ENSEMBLE_MEASURES) all.push(...(await worst[measure]!.images.read()));
    return all;
  };
  const [a, b, c] = [await list(first), await list(same), await list(other)];
  check.equal(a, b);
  check.ok(
    a.some((v, i) => v !== c[i]),
    "random starts follow the key",
  );
  // Top and ranks from the image and at random, centre and SSIM at random, the region from the image.
  check.is(first.passes, 2 * (2 + 2 + 1 + 1 + 1));
});

referenceTest("as an objective it finds what is worst by one measure, and says what came before", async () => {
  const [classifier, x] = [network(10), images(11)];
  const entry = objectiveEntryOf("ensemble");
  for (const measure of ["spearman", "centre"]) {
    const objective = await entry.make({ k: K, measure }, { shape: SHAPE, key: random.key(9) });
    const attack = attackExplanation({ ...search(2), objective });
    const { images: found, before, after, passes } = attack({ classifier, x, key: random.key(1) });
    const left = (await agreement(classifier, x, found))[measure];
    check.close(
      [...(await after.read())],
      left.map((v) => beyond(measure, v)),
      { atol: 1e-9 },
    );
    check.close([...(await before.read())], Array(N).fill(measure === "centre" ? 0 : -1), { atol: 1e-9 });
    check.is(passes, 14);
  }
  const needless = entry.make({ k: K, measure: "ssim" }, { shape: [N, 1, 8, 8], key: random.key(9) });
  check.match(
    await needless.then(
      () => "made",
      ({ message }) => message,
    ),
    /^ensemble: measure ssim of samples \[1,8,8\]; there is topK, spearman, centre$/,
  );
  const keyless = attackExplanation({
    ...search(2),
    objective: await entry.make({ measure: "topK" }, { shape: SHAPE, key: random.key(9) }),
  });
  check.throws(() => keyless({ classifier, x }), TypeError);
});

referenceTest("its attacks are the table's: one for each measure, those that fit the samples", async () => {
  for (const measure of ENSEMBLE_MEASURES)
    check.is(OBJECTIVE_TABLE.filter(({ aims }) => aims === measure).length, 1, `one aims at ${measure}`);
  const on = async (shape: readonly number[]): Promise<string[]> =>
    (await ensembleMembers({ shape, key: random.key(0) })).map(({ name }) => name);
  check.equal(await on([2, 3, 28, 28]), ["top-k", "rank", "mass-centre", "ssim", "target"]);
  check.equal(await on([2, 1, 8, 8]), ["top-k", "rank", "mass-centre", "target"]);
  check.equal(await on([2, 7]), ["top-k", "rank"]);
});

referenceTest("a second way is the first with every softplus blunter, where it has any", async () => {
  const x = random.normal(random.key(1), [4, 5]);
  const w = random.normal(random.key(2), [5, 3]);
  const by =
    (f: (z: Tensor) => Tensor): Classifier =>
    (z) =>
      f(matmul(z, w));
  const values = async (t: Tensor): Promise<number[]> => [...(await t.read())];
  const smooth = by((z) => softplus(z, 8));
  check.equal(await values(blunted(smooth)(x)), await values(by((z) => softplus(z, 4))(x)));
  const ways = surrogatesOf(smooth, [5]);
  check.equal([ways.length, ways[0]], [2, undefined]);
  check.equal(await values(ways[1]!(x)), await values(blunted(smooth)(x)));
  const through = surrogatesOf(by(relu), [5]);
  check.equal(await values(through[0]!(x)), await values(by((z) => softplus(z, 20))(x)));
  check.equal(await values(through[1]!(x)), await values(by((z) => softplus(z, 10))(x)));
  check.equal(surrogatesOf(by(tanh), [5]), [undefined]);
  check.throws(() => blunted(smooth, 0), /blunted: 0 times given; a positive number is needed/);
});

referenceTest(
  "experiments take the worst within smaller budgets as well, and say what each attack alone leaves",
  async () => {
    const eps = [0.08, 0.02];
    const { under } = await manipulate({
      ...{ classifier: network(12), x: images(13), eps, k: K, key: random.key(4) },
      attack: {
        ...{ explainer: "gradient", samples: 1, sigma: 0, objective: "ensemble", rule: "sign" },
        ...{ steps: 2, restarts: 0, stepSize: 0.5, schedule: "cosine" },
      },
    });
    const [large, small] = under;
    check.equal(Object.keys(large.attacked), [...ENSEMBLE_MEASURES]);
    check.equal(Object.keys(large.alone!), ["untargeted", "rank", "mass-centre", "ssim", "targeted"]);
    check.equal([large.passes, small.passes], [10, 10]);
    const aims = { topK: "untargeted", spearman: "rank", ssim: "ssim", centre: "mass-centre" };
    for (const measure of ENSEMBLE_MEASURES) {
      for (const { attacked, aimed, alone } of under) {
        check.equal(aimed![measure], alone![aims[measure]][measure]);
        for (const agreement of Object.values(alone!))
          attacked[measure].forEach((v, i) =>
            check.ok(beyond(measure, v) >= beyond(measure, agreement[measure][i]), `${measure} of image ${i}`),
          );
      }
      large.attacked[measure].forEach((v, i) =>
        check.ok(beyond(measure, v) >= beyond(measure, small.attacked[measure][i]), `${measure} of image ${i}, eps`),
      );
    }
  },
);
