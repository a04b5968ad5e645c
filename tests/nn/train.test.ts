/** The training loop on a network with batch normalisation and dropout, on both executors: learning, determinism, going on
 *  from a file, stopping, what stays alive. */
import {
  dispose,
  entries,
  gather,
  keep,
  leaves,
  mean,
  memory,
  random,
  scope,
  stopGradient,
  type Tensor,
  type Tree,
  tensor,
  zeros,
} from "../../engine/index.js";
import { DataError } from "../../nn/data/error.js";
import {
  accuracy,
  adam,
  adamW,
  type BatchLoss,
  batchNorm,
  conv2d,
  crossEntropyLoss,
  dense,
  dropout,
  evaluate,
  flatten,
  globalAvgPool,
  initialState,
  type Layer,
  loadCheckpoint,
  named,
  type Optimiser,
  packTree,
  pickImages,
  type ResidentImages,
  relu,
  residentImages,
  type Sequential,
  saveCheckpoint,
  sequential,
  sgd,
  type TrainOptions,
  type TrainProgress,
  type TrainState,
  train,
} from "../../nn/index.js";
import { gpuTest, referenceTest } from "../executors.js";
import { check } from "../harness.js";
import { generator } from "../values.js";

const COUNT = 42;
const BATCH = 8;
const SIDE = 6;

/** Noise that is brighter on the left (class 0) or on the right (class 1). */
function halves(): ResidentImages {
  const noise = generator(1);
  const images = new Uint8Array(COUNT * SIDE * SIDE).map((_, i) => {
    const [image, right] = [Math.floor(i / (SIDE * SIDE)), Number(i % SIDE >= SIDE / 2)];
    return 100 * noise() + (image % 2 === right ? 120 : 0);
  });
  return residentImages(
    images,
    new Uint8Array(COUNT).map((_, i) => i % 2),
    [1, SIDE, SIDE],
  );
}

const model: Sequential = sequential([
  conv2d(4, 3),
  named("block", sequential([batchNorm(), relu])),
  flatten,
  dropout(0.2),
  dense(2),
]);
const optimiser = adam({ lr: 0.02 });
const start = (net: Layer = model, by: Optimiser = optimiser): TrainState =>
  scope(() => initialState(net.init(random.key(1), [1, SIDE, SIDE]).params, by));

function run(
  data: ResidentImages,
  epochs: number,
  options: Partial<TrainOptions> = {},
  from = start(),
): Promise<TrainState> {
  return train(model, from, data, { optimiser, epochs, batchSize: BATCH, seed: 3, ...options });
}

/** Counts as `aborted` from the n-th look on. */
const abortedAfter = (looks: number) => ({
  get aborted(): boolean {
    return looks-- <= 0;
  },
});

const free = (state: TrainState): void => dispose([state.params, state.optimiser]);
const freeData = ({ words, labels }: ResidentImages): void => dispose([words, labels]);

async function sameBits(actual: TrainState, expected: TrainState): Promise<void> {
  check.equal([actual.epoch, actual.step], [expected.epoch, expected.step]);
  const trees = [actual, expected].map(({ params, optimiser: o }) => entries({ params, optimiser: o }));
  check.equal(
    trees[0].map(([path]) => path),
    trees[1].map(([path]) => path),
  );
  for (const [i, [path, t]] of trees[0].entries()) check.identical(await t.read(), await trees[1][i][1].read(), path);
}

async function learns(): Promise<void> {
  const data = halves();
  const before = memory().liveCount;
  const first = start();
  const count = leaves([first.params, first.optimiser]).length;
  check.is(memory().liveCount, before + count);
  const seen: TrainProgress[] = [];
  const epochs: [number, number][] = [];
  const end = await run(
    data,
    3,
    {
      onProgress: (p) => seen.push(p),
      onEpoch: async (state) => {
        check.is(state.step, 0);
        epochs.push([state.epoch, await state.optimiser.step.item()]);
      },
    },
    first,
  );
  check.is(memory().liveCount, before + count, "the new state took the place of the first one");
  // 42 images are five batches of eight; the last two are left out.
  check.equal(epochs, [
    [1, 5],
    [2, 10],
    [3, 15],
  ]);
  const last = seen.filter((p) => p.step === p.steps);
  check.equal(
    last.map(({ epoch, epochs: all, steps }) => [epoch, all, steps]),
    [
      [1, 3, 5],
      [2, 3, 5],
      [3, 3, 5],
    ],
  );
  const losses = last.map((p) => p.loss);
  check.ok(losses[0] > losses[1] && losses[1] > losses[2] && losses[2] < 0.2, `losses ${losses}`);
  check.ok(last[2].accuracy >= 0.95 && last[2].accuracy <= 1, `accuracy ${last[2].accuracy}`);
  check.ok(last[2].imagesPerSecond > 0);
  check.is(last[2].secondsLeft, 0);
  check.equal([end.epoch, end.step], [3, 0]);
  check.ok((await evaluate(model, end.params, data)) >= 0.95);
  free(end);
  check.is(memory().liveCount, before);
  freeData(data);
}
referenceTest("the loss falls, and nothing but the state stays alive, on the reference", learns);
gpuTest("the loss falls, and nothing but the state stays alive, on the GPU", learns);

gpuTest("the same seed gives the same bits, another seed others", async () => {
  const data = halves();
  const [first, second] = [await run(data, 2), await run(data, 2)];
  await sameBits(second, first);
  const other = await run(data, 2, { seed: 4 });
  const weights = (state: TrainState): Promise<Float32Array> => state.params[0].weight.read();
  const [a, b] = [await weights(first), await weights(other)];
  check.ok(a.some((v, i) => v !== b[i]));
  for (const state of [first, second, other]) free(state);
  freeData(data);
});

async function resumes(): Promise<void> {
  const data = halves();
  const whole = await run(data, 2);
  // After the first epoch, and in the middle of the second: five steps, a look at the end of the epoch and one before the next.
  for (const signal of [undefined, abortedAfter(9)]) {
    const pause = await run(data, signal ? 2 : 1, { signal });
    check.equal([pause.epoch, pause.step], signal ? [1, 2] : [1, 0]);
    const bytes = await saveCheckpoint(pause, { note: "pause" });
    free(pause);
    const like = start();
    const { state, metadata } = loadCheckpoint(bytes, like);
    free(like);
    check.equal(Object.fromEntries(metadata), { note: "pause", epoch: "1", step: String(pause.step) });
    const end = await run(data, 2, {}, state);
    await sameBits(end, whole);
    free(end);
  }
  free(whole);
  freeData(data);
}
referenceTest("a run resumed from a file ends in the same bits, on the reference", async () => {
  // Files hold f32, and so must the state for the bits to be the same: it is read back where the other run is paused too.
  const data = halves();
  const reload = (bytes: Uint8Array, like: TrainState): TrainState => loadCheckpoint(bytes, like).state;
  const first = await run(data, 1);
  const bytes = await saveCheckpoint(first);
  const [a, b] = [reload(bytes, first), reload(bytes, first)];
  const [c, d] = [await run(data, 2, {}, a), await run(data, 2, {}, b)];
  await sameBits(c, d);
  for (const state of [first, c, d]) free(state);
  freeData(data);
});
gpuTest("a run resumed from a file, between epochs or inside one, ends in the same bits", resumes);

gpuTest("a signal stops before the next step, and the state reached is kept", async () => {
  const data = halves();
  const before = memory().liveCount;
  const untouched = await run(data, 2, { signal: AbortSignal.abort() });
  check.equal([untouched.epoch, untouched.step], [0, 0]);
  check.is(await untouched.optimiser.step.item(), 0);
  const stop = new AbortController();
  const stopped = await run(data, 2, { signal: stop.signal, onProgress: () => stop.abort() });
  // Progress is told after the first step.
  check.equal([stopped.epoch, stopped.step], [0, 1]);
  check.is(await stopped.optimiser.step.item(), 1);
  const count = leaves([stopped.params, stopped.optimiser]).length;
  check.is(memory().liveCount, before + 2 * count);
  free(untouched);
  free(stopped);
  freeData(data);
});

gpuTest("whatever throws, nothing stays alive", async () => {
  const data = halves();
  const before = memory().liveCount;
  const boom = (): never => {
    throw new Error("boom");
  };
  await check.rejects(() => run(data, 2, { onProgress: boom }), /^boom$/);
  check.is(memory().liveCount, before, "after onProgress");
  await check.rejects(() => run(data, 2, { onEpoch: boom }), /^boom$/);
  check.is(memory().liveCount, before, "after onEpoch");
  await check.rejects(() => run(data, 2, { loss: boom }), /^boom$/);
  check.is(memory().liveCount, before, "after the loss");
  freeData(data);
});

gpuTest("every epoch visits whole batches of different images, in another order", async () => {
  const data = halves();
  // One parameter per image, whose gradient is 1/BATCH where the image is in the batch: the rate makes it a count.
  const counting: BatchLoss = (_, params, x, y, { indices }) => [
    mean(gather(params.visits, indices)),
    zeros([x.shape[0], 2 * y.rank]),
  ];
  const by = sgd({ lr: BATCH });
  const visitsAfter = async (epochs: number): Promise<number[]> => {
    const first = scope(() => initialState({ visits: keep(zeros([COUNT])) }, by));
    const end = await train(model, first, data, { optimiser: by, epochs, batchSize: BATCH, loss: counting, seed: 5 });
    const visits = [...(await end.params.visits.read())].map((v) => -v);
    free(end);
    return visits;
  };
  const one = await visitsAfter(1);
  check.equal([...one].sort(), [0, 0, ...new Array(40).fill(1)]);
  const ten = await visitsAfter(10);
  check.is(
    ten.reduce((a, b) => a + b),
    400,
  );
  check.ok(Math.min(...ten) >= 7 && Math.max(...ten) <= 10, `visits ${ten}`);
  check.ok(new Set(one.flatMap((v, i) => (v === 0 ? [i] : []))).size === 2);
  const leftOut = ten.filter((v) => v < 10).length;
  check.ok(leftOut > 4, `${leftOut} images were left out in one of ten epochs`);
  freeData(data);
});

const normNetwork = sequential([named("block", sequential([batchNorm()])), globalAvgPool, dense(2)]);

async function statistics(): Promise<void> {
  const data = halves();
  // Whole epochs as batches, so that each step sees the same mean and variance; strong decay must not touch them.
  const by = adamW({ lr: 0.1, weightDecay: 0.5 });
  const epochs = 4;
  const end = await train(normNetwork, start(normNetwork, by), data, { optimiser: by, epochs, batchSize: COUNT });
  const all = tensor(Int32Array.from({ length: COUNT }, (_, i) => i));
  const pixels = [...(await pickImages(data, all).x.read())];
  const average = pixels.reduce((a, b) => a + b) / pixels.length;
  const variance = pixels.reduce((a, b) => a + (b - average) ** 2, 0) / (pixels.length - 1);
  const kept = 0.9 ** epochs;
  const norm = end.params[0][0];
  check.close(await norm.running_mean.read(), [(1 - kept) * average], { rtol: 1e-5 });
  check.close(await norm.running_var.read(), [kept + (1 - kept) * variance], { rtol: 1e-5 });
  // The weight did decay: its gradient step is at most the rate.
  check.ok((await norm.weight.item()) < 1);
  free(end);
  freeData(data);
}
referenceTest("running statistics follow the batches, in float64", statistics);
gpuTest("running statistics follow the batches, on the GPU", statistics);

gpuTest("statistics measured inside a scope are used, those without a place are refused", async () => {
  const data = halves();
  const by = sgd({ lr: 0.1 });
  const options = { optimiser: by, epochs: 1, batchSize: BATCH };
  const aside: BatchLoss = (net, params, x, y, context) => {
    scope(() => net.apply(params, x, context));
    const silent = { ...context, onStatistics: undefined };
    return crossEntropyLoss(
      net,
      stopGradient(() => params),
      x,
      y,
      silent,
    );
  };
  const end = await train(normNetwork, start(normNetwork, by), data, { ...options, loss: aside });
  check.ok((await end.params[0][0].running_mean.item()) > 0.1);
  free(end);
  const before = memory().liveCount;
  // A container that does not tell its layer where it is.
  const inner = batchNorm();
  const wrapped: Layer = {
    ...inner,
    kind: "wrapped",
    init: (key, shape) => ({ ...inner.init(key, shape), params: { inner: inner.init(key, shape).params } }),
    apply: (params, x, context) => inner.apply(params.inner, x, context),
  };
  const careless = sequential([wrapped, globalAvgPool, dense(2)]);
  await check.rejects(
    () => train(careless, start(careless, by), data, options),
    /^train: running statistics came for 0\.running_mean, 0\.running_var, which the parameters lack/,
  );
  check.is(memory().liveCount, before);
  freeData(data);
});

gpuTest("evaluation counts every image once, whatever the batch", async () => {
  const data = halves();
  const { params } = scope(() => model.init(random.key(1), data.shape));
  const all = pickImages(data, tensor(Int32Array.from({ length: COUNT }, (_, i) => i)));
  const expected = await accuracy(model.apply(params, all.x), all.y).item();
  const before = memory().liveCount;
  for (const batchSize of [1, 8, 42, 500])
    check.close([await evaluate(model, params, data, { batchSize })], [expected], { atol: 1e-6 }, `by ${batchSize}`);
  check.is(memory().liveCount, before);
  await check.rejects(() => evaluate(model, params, data, { batchSize: 0 }), /^evaluate: batches of 0 from 42 images/);
  await check.rejects(() => evaluate(model, params, { ...data, count: 0 }), /from 0 images; at least 1 of both/);
  freeData(data);
});

referenceTest("what cannot be trained is refused, and the state stays the caller's", async () => {
  const data = halves();
  const state = start();
  for (const batchSize of [43, 0, 2.5, -1])
    await check.rejects(
      () => run(data, 1, { batchSize }, state),
      new RegExp(`^train: a batch of ${batchSize} from 42 images; 1 to 42 is needed$`),
    );
  await check.rejects(
    () => run(data, 1, {}, { ...state, step: 5 }),
    /^train: the state has done 5 steps of an epoch that has 5 with batches of 8; go on with the batch size/,
  );
  check.is(await state.optimiser.step.item(), 0);
  const same = await run(data, 0, {}, state);
  check.is(same.params[0].weight as Tensor, state.params[0].weight as Tensor, "no epochs: nothing to do");
  free(state);
  freeData(data);
});

referenceTest("files that hold no state, or another one, are refused", async () => {
  const like = start();
  const before = memory().liveCount;
  const good = await saveCheckpoint({ ...like, epoch: 7 });
  const again = loadCheckpoint(good, like).state;
  check.equal([again.epoch, again.step], [7, 0]);
  free(again);
  const tree: Tree = { params: like.params, optimiser: like.optimiser };
  for (const [what, bytes, message] of [
    ["weights", await packTree(like.params), /^checkpoint: the file has epoch ""; a whole number is needed/],
    ["no step", await packTree(tree, { epoch: "1" }), /^checkpoint: the file has step ""/],
    ["nonsense", await packTree(tree, { epoch: "-1", step: "0" }), /^checkpoint: the file has epoch "-1"/],
    [
      "another optimiser",
      await saveCheckpoint({ ...like, optimiser: {} }),
      /^weights: the network has optimiser\.m\.0\.bias f32\[4\], the file has no such tensor/,
    ],
  ] as const) {
    const error = check.throws(() => loadCheckpoint(bytes, like), message, what);
    check.ok(error instanceof DataError, what);
  }
  check.is(memory().liveCount, before);
  free(like);
});
