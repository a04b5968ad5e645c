/** The training loop on both executors: learning, determinism, stopping, running statistics, what stays alive. */
import {
  detectAnomalies,
  gather,
  keep,
  leaves,
  mapTree,
  mean,
  memory,
  mul,
  random,
  scope,
  stopGradient,
  sum,
  type Tensor,
  type Tree,
  tensor,
  zeros,
} from "../../engine/index.js";
import {
  accuracy,
  adamW,
  type BatchLoss,
  batchNorm,
  crossEntropyLoss,
  DivergedError,
  dense,
  evaluate,
  globalAvgPool,
  initialState,
  type Layer,
  named,
  type Optimiser,
  pickImages,
  sequential,
  sgd,
  type TrainProgress,
  type TrainState,
  train,
} from "../../nn/index.js";
import { gpuTest, referenceTest } from "../executors.js";
import { check } from "../harness.js";
import { BATCH, COUNT, free, freeData, halves, model, run, sameState, start } from "./halves.js";

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
  check.ok(last[2].samplesPerSecond > 0);
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
  await sameState(second, first);
  const other = await run(data, 2, { seed: 4 });
  const weights = (state: TrainState): Promise<Float32Array> => state.params[0].weight.read();
  const [a, b] = [await weights(first), await weights(other)];
  check.ok(a.some((v, i) => v !== b[i]));
  for (const state of [first, second, other]) free(state);
  freeData(data);
});

gpuTest("a signal stops after the steps on their way, and the state reached is kept", async () => {
  const data = halves();
  const before = memory().liveCount;
  const untouched = await run(data, 2, { stop: AbortSignal.abort() });
  check.equal([untouched.epoch, untouched.step], [0, 0]);
  check.is(await untouched.optimiser.step.item(), 0);
  const stop = new AbortController();
  const stopped = await run(data, 2, { stop: stop.signal, onProgress: () => stop.abort() });
  // Progress is told after the first step, when the GPU has the second one to do.
  check.equal([stopped.epoch, stopped.step], [0, 2]);
  check.is(await stopped.optimiser.step.item(), 2);
  const count = leaves([stopped.params, stopped.optimiser]).length;
  check.is(memory().liveCount, before + 2 * count);
  free(untouched);
  free(stopped);
  freeData(data);
});

gpuTest("in anomaly mode steps run op by op, with the same numbers and nothing left alive", async () => {
  const data = halves();
  // Not Adam: the bias before batch normalisation has a gradient of rounding errors, whose signs Adam goes by.
  const by = sgd({ lr: 0.05, momentum: 0.9 });
  const once = (): Promise<TrainState> => run(data, 1, { optimiser: by }, start(model, by));
  const replayed = await once();
  const before = memory().liveCount;
  const observed = await detectAnomalies(once);
  check.is(memory().liveCount - before, leaves([observed.params, observed.optimiser]).length);
  await sameState(observed, replayed, 1e-5);
  free(replayed);
  free(observed);
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

gpuTest("every step of every epoch has a key of its own", async () => {
  const data = halves();
  const by = sgd({ lr: 1 });
  const n = 2000;
  // The gradient is what the key draws, 0 or 1, so each element counts its ones.
  const drawing: BatchLoss = (_, { drawn }, x, __, { key }) => [
    sum(mul(drawn, random.bernoulli(key, [n], 0.5))),
    zeros([x.shape[0], 2]),
  ];
  const first = scope(() => initialState({ drawn: keep(zeros([n])) }, by));
  const end = await train(model, first, data, { optimiser: by, epochs: 2, batchSize: BATCH, loss: drawing });
  const drawn: Float32Array = await end.params.drawn.read();
  const ones = Array.from(drawn, (v) => -v);
  // Ten independent draws: mean 5 and variance 5/2; one key for all would give 25, one for each epoch 25/2.
  const average = ones.reduce((a, b) => a + b) / n;
  check.close([average], [5], { atol: 5 * Math.sqrt(2.5 / n) });
  check.close([ones.reduce((a, b) => a + (b - average) ** 2, 0) / n], [2.5], { rtol: 0.2 });
  free(end);
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
  await check.rejects(() => evaluate(model, params, data, { batchSize: 0 }), /^evaluate: batches of 0 from 42 samples/);
  await check.rejects(() => evaluate(model, params, { ...data, count: 0 }), /from 0 samples; at least 1 of both/);
  freeData(data);
});

referenceTest("what cannot be trained is refused, and the state stays the caller's", async () => {
  const data = halves();
  const state = start();
  for (const batchSize of [43, 0, 2.5, -1])
    await check.rejects(
      () => run(data, 1, { batchSize }, state),
      new RegExp(`^train: a batch of ${batchSize} from 42 samples; 1 to 42 is needed$`),
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

/** One step per epoch, so that what it spoils is seen by no loss. */
const spoiling = {
  ...sgd({ lr: 0.1 }),
  update: (params: Tree, _: Tree, state: Tree) => [mapTree(params, (t) => mul(t, Infinity)), state],
};

for (const [how, options, message] of [
  [
    "the loss",
    { loss: tooLarge },
    /^train: the loss is Infinity by step \d+ of epoch 1; a smaller learning rate, .* are needed$/,
  ],
  [
    "a parameter",
    { optimiser: spoiling as Optimiser, batchSize: COUNT },
    /^train: parameter \S+ is not finite any more in epoch 1;/,
  ],
] as const)
  referenceTest(
    `training in which ${how} is not finite any more ends in one sentence, before anybody is told of it`,
    async () => {
      const data = halves();
      const told: number[] = [];
      const before = memory().liveCount;
      const onEpoch = ({ epoch }: TrainState): void => void told.push(epoch);
      const how = { optimiser: sgd({ lr: 0.1 }), onEpoch, ...options };
      const error = await run(data, 3, how, start(model, sgd({ lr: 0.1 }))).catch((error: unknown) => error);
      const after = memory().liveCount;
      freeData(data);
      check.ok(error instanceof DivergedError, String(error));
      check.match((error as Error).message, message);
      check.equal([told, after], [[], before]);
    },
  );

function tooLarge(...batch: Parameters<BatchLoss>): ReturnType<BatchLoss> {
  const [loss, logits] = crossEntropyLoss(...batch);
  return [mul(loss, Infinity), logits];
}
