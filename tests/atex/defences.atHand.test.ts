/** What is computed once for ATEX, its directions, theorem 1; and training as it is used. */
import {
  atex,
  batchLoss,
  classScore,
  type Defence,
  directionsAtHand,
  explanationDirections,
  freshDirections,
  freshGradients,
  gradient,
  linf,
  type Network,
  naive,
  pickDirections,
  smoothGrad,
  teacherPredictions,
} from "../../atex/index.js";
import { add, argmax, dispose, grad, random, sum, type Tensor, tensor } from "../../engine/index.js";
import {
  adam,
  avgPool,
  conv2d,
  crossEntropyPerSample,
  dense,
  flatten,
  initialState,
  pickImages,
  residentImages,
  sequential,
  softplus,
  type TrainProgress,
  train,
} from "../../nn/index.js";
import { gpuTest, referenceTest } from "../executors.js";
import { check } from "../harness.js";
import { generator } from "../values.js";
import { classifier, images, indices, maxAbs, n, rowsOf, student, teacher, x } from "./lesson.js";
import * as by from "./mlp.js";

referenceTest("freshGradients = the gradient of the network's own class by hand", async () => {
  const g = Object.assign(classifier(student), { params: by.parameters(student) });
  const batch = { x: images(x), y: indices(n), indices: indices(n), key: random.key(5) };
  const expected = x.map((row) => {
    const logits = by.logits(student, row);
    return by.explanation(student, row, logits.indexOf(Math.max(...logits)));
  });
  const [direction, logits] = freshGradients()(g, batch);
  check.close(await direction.read(), expected.flat(), { rtol: 1e-9, atol: 1e-12 });
  check.close(
    await logits!.read(),
    x.flatMap((row) => by.logits(student, row)),
    { rtol: 1e-9, atol: 1e-12 },
  );
});

/** 10 seeded images of [1,2,4] and a small teacher for them. */
function small() {
  const next = generator(4);
  const bytes = Uint8Array.from({ length: 80 }, () => 256 * next());
  const data = residentImages(bytes, new Uint8Array(10), [1, 2, 4]);
  const { params } = by.model.init(random.key(11), [1, 2, 4]);
  const f = (z: Tensor): Tensor => by.model.apply(params, z);
  return { data, f, free: () => dispose([data.words, data.labels]) };
}

gpuTest(
  "directions of a data set are the teacher's SmoothGrad to 16 bits, an incomplete last batch included",
  async () => {
    const { data, f, free } = small();
    const key = random.key(3);
    const smooth = { samples: 3, sigma: 0.1 };
    const progress: number[] = [];
    const onProgress = ({ done }: { done: number }): void => void progress.push(done);
    const kept = await explanationDirections(f, data, { key, batchSize: 4, onProgress, ...smooth });
    check.equal(progress, [4, 8, 10]);
    for (const [first, size] of [
      [0, 4],
      [4, 4],
      [8, 2],
    ]) {
      const at = add(indices(size), first);
      const { x: z } = pickImages(data, at);
      const score = classScore(f, argmax(f(z), 1));
      const exact = rowsOf(await smoothGrad({ ...smooth, key: random.fold(key, first) })(score, z).read(), 8);
      const expected = exact.map((row) => row.map((v) => v / maxAbs(row)));
      check.close(await pickDirections(kept, at).read(), expected.flat(), { atol: 0.6 / 32767 }, `from ${first}`);
    }
    dispose(kept.words);
    free();
  },
);

gpuTest("predictions at hand change nothing but the work", async () => {
  const { data, f, free } = small();
  const directions = await explanationDirections(f, data, { key: random.key(3), batchSize: 4 });
  const along = { length: 0.3, points: 3, spacing: "grid", normalisation: "l2" } as const;
  const predictions = await teacherPredictions(f, data, directions, { ...along, batchSize: 4 });
  const at = tensor([9, 0, 5], [3], "i32");
  const { x: z, y } = pickImages(data, at);
  const { params } = by.model.init(random.key(12), [1, 2, 4]);
  const batch = { x: z, y, indices: at, key: random.key(5) };
  let passes = 0;
  const counted = (q: Tensor): Tensor => {
    passes++;
    return f(q);
  };
  const options = {
    teacher: counted,
    directions: directionsAtHand(directions),
    delta1: 0.3,
    points: 3,
    spacing: "grid",
    normalisation: "l2",
    // At higher ones the loss is a small difference of large numbers.
    temperature: 1,
  } as const;
  const g = (): Network => Object.assign((q: Tensor) => by.model.apply(params, q), { params });
  const [plain] = atex(options).loss(g(), batch);
  check.is(passes, 1, "passes of the teacher");
  const [saved] = atex({ ...options, predictions }).loss(g(), batch);
  check.is(passes, 1, "passes of the teacher, predictions at hand");
  check.close([await saved.item()], [await plain.item()], { rtol: 1e-5 });
  // Sampled points change: only what is taught at the images themselves is at hand.
  const sampled = { ...options, spacing: "sampled" } as const;
  const own = await teacherPredictions(f, data, directions, { ...along, spacing: "sampled" });
  check.equal(
    [predictions.logits.shape, own.logits.shape],
    [
      [10, 4 * by.classes],
      [10, by.classes],
    ],
  );
  const [whole] = atex(sampled).loss(g(), batch);
  const [less] = atex({ ...sampled, predictions: own }).loss(g(), batch);
  check.close([await less.item()], [await whole.item()], { rtol: 1e-5 });
  check.throws(() => atex({ ...sampled, predictions }), /predictions of 3 grid points .* for shifts of sampled points/);
  const without = await teacherPredictions(f, data, undefined, { ...along, spacing: "sampled" });
  check.equal([...(await without.logits.read())], [...(await own.logits.read())]);
  await check.rejects(() => teacherPredictions(f, data, undefined, along), /a grid without directions given/);
  dispose([own.logits, without.logits]);
  dispose([directions.words, predictions.logits]);
  free();
});

referenceTest("theorem 1: the FGSM direction without sign is -1/p of the probability's explanation", async () => {
  const f = classifier(teacher);
  const c = tensor([0, 1, 2, 1], [n], "i32");
  const fgsmDirection = await grad((z: Tensor) => sum(crossEntropyPerSample(f(z), c)))(images(x)).read();
  const explanation = rowsOf(await gradient(classScore(f, c, { of: "probability" }), images(x)).read());
  const expected = explanation.map((row, i) => {
    const p = by.softmax(by.logits(teacher, x[i]))[[0, 1, 2, 1][i]];
    return row.map((v) => -v / p);
  });
  check.close(fgsmDirection, expected.flat(), { rtol: 1e-9, atol: 1e-12 });
});

const cnn = sequential([conv2d(4, 3), softplus(), avgPool(2), flatten, dense(3)]);
/** 64 images of [1,8,8] whose class is the bright half. */
function halves() {
  const next = generator(6);
  const labels = Uint8Array.from({ length: 64 }, (_, i) => i % 3);
  const bytes = Uint8Array.from({ length: 64 * 64 }, (_, i) => {
    const [image, row, column] = [i >> 6, (i >> 3) & 7, i & 7];
    const bright = [row < 4, row >= 4, column < 4][image % 3];
    return 100 * next() + (bright ? 120 : 0);
  });
  return residentImages(bytes, labels, [1, 8, 8]);
}

/** Mean loss of each epoch. */
async function losses(scheme: Defence): Promise<number[]> {
  const start = cnn.init(random.key(1), [1, 8, 8]).params;
  const data = halves();
  const optimiser = adam({ lr: 1e-2 });
  const seen: number[] = [];
  const onProgress = (p: TrainProgress): void => {
    if (p.step === p.steps) seen.push(p.loss);
  };
  const options = { optimiser, epochs: 4, batchSize: 16, onProgress, loss: batchLoss(scheme) };
  const end = await train(cnn, initialState(start, optimiser), data, options);
  dispose([end, data]);
  return seen;
}

gpuTest("training with gradients in the loss, one captured step, lowers it", async () => {
  const seen = await losses(naive({ ball: linf(0.05), neighbours: 2 }));
  check.ok(seen[3] < seen[0] - 0.01, `losses of the epochs: ${seen}`);
});

gpuTest("training with ATEX, directions and predictions at hand or made in each batch, lowers its loss", async () => {
  const taught = cnn.init(random.key(2), [1, 8, 8]).params;
  const f = (z: Tensor): Tensor => cnn.apply(taught, z);
  const data = halves();
  const kept = await explanationDirections(f, data, { key: random.key(3), batchSize: 32 });
  const along = { length: 0.2, points: 2, spacing: "grid", normalisation: "maxAbs" } as const;
  const predictions = await teacherPredictions(f, data, kept, { ...along, batchSize: 32 });
  const atHand = {
    ...{ teacher: f, directions: directionsAtHand(kept), predictions },
    ...({ delta1: 0.2, points: 2, spacing: "grid" } as const),
  };
  const fresh = { ...atHand, directions: freshDirections("student", { samples: 2 }), predictions: undefined };
  const ownGradients = { ...fresh, directions: freshGradients() };
  for (const options of [atHand, fresh, ownGradients]) {
    const seen = await losses(atex(options));
    check.ok(seen[3] < 0.7 * seen[0], `losses of the epochs: ${seen}`);
  }
  dispose([kept.words, predictions.logits, data]);
});
