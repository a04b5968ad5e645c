/** Training: an epoch loop around one captured step. Batches are gathered on the GPU from the resident data set, parameters
 *  and optimiser state are updated in place, and the host only submits; it reads the running loss now and then. */
import {
  add,
  argmax,
  capture,
  dispose,
  equal,
  keep,
  openScope,
  random,
  scope,
  sum,
  type Tensor,
  type Tree,
  tensor,
  valueAuxAndGrad,
} from "../engine/index.js";
import type { AbortSignalLike } from "./data/datasets.js";
import { batchIndices, pickImages, type ResidentImages } from "./data/resident.js";
import type { ApplyContext, Layer } from "./layer.js";
import { crossEntropy } from "./losses.js";
import type { Optimiser } from "./optim.js";

/** Loss of a batch, a mean over its samples; `logits` are reported as accuracy. */
export type BatchLoss = (
  model: Layer,
  params: Tree,
  x: Tensor,
  y: Tensor,
  context: ApplyContext,
) => readonly [loss: Tensor, logits: Tensor];

/** Cross-entropy of the model's own predictions. */
export const crossEntropyLoss: BatchLoss = (model, params, x, y, context) => {
  const logits = model.apply(params, x, context);
  return [crossEntropy(logits, y), logits];
};

export interface TrainProgress {
  /** From 1. */
  readonly epoch: number;
  readonly epochs: number;
  /** Steps done in this epoch, and steps per epoch. */
  readonly step: number;
  readonly steps: number;
  /** Means since the epoch began. */
  readonly loss: number;
  readonly accuracy: number;
  readonly imagesPerSecond: number;
  readonly secondsLeft: number;
}

export interface TrainOptions {
  readonly optimiser: Optimiser;
  readonly epochs: number;
  /** Default 64. The last, incomplete batch of an epoch is left out; shuffling makes it another one each time. */
  readonly batchSize?: number;
  /** Seed of the shuffling and of dropout. */
  readonly seed?: number;
  readonly loss?: BatchLoss;
  /** Called about twice a second and at the end of each epoch. */
  readonly onProgress?: (progress: TrainProgress) => void;
  /** Called after each epoch with the state to resume from; what it holds is freed after the call. */
  readonly onEpoch?: (state: TrainState) => Promise<void> | void;
  readonly signal?: AbortSignalLike;
}

/** Everything that a run goes on from: with the same data, options and seed it gives the same bits. */
export interface TrainState {
  /** Epochs done. */
  readonly epoch: number;
  readonly params: Tree;
  readonly optimiser: Tree;
}

/** The state before the first step. */
export function initialState(params: Tree, optimiser: Optimiser): TrainState {
  return { epoch: 0, params, optimiser: optimiser.init(params) };
}

interface Carried {
  params: Tree;
  optimiser: Tree;
  /** i32 [], the first sample of the next batch. */
  at: Tensor;
  key: Tensor;
  /** Sums over the epoch. */
  loss: Tensor;
  correct: Tensor;
}

const PROGRESS_MS = 500;

/**
 * Trains `model` from `start` (consumed: its tensors are donated to the step) for the epochs that remain.
 * @returns the final state, kept. @throws RangeError when a batch is larger than the data set; AbortError by `signal`.
 */
export async function train(
  model: Layer,
  start: TrainState,
  data: ResidentImages,
  options: TrainOptions,
): Promise<TrainState> {
  const { optimiser, epochs, batchSize = 64, seed = 0, loss = crossEntropyLoss } = options;
  const steps = Math.floor(data.count / batchSize);
  if (!Number.isInteger(batchSize) || batchSize < 1 || steps === 0)
    throw new RangeError(`train: a batch of ${batchSize} from ${data.count} images; 1 to ${data.count} is needed`);

  const step = capture(
    (carried: Carried, order: Tensor): Carried => {
      const { x, y } = pickImages(data, batchIndices(order, carried.at, batchSize));
      const [next, key] = random.split(carried.key, 2);
      const statistics = new Map<string, Readonly<Record<string, Tensor>>>();
      const context: ApplyContext = { training: true, key, onStatistics: (path, p) => statistics.set(path, p) };
      const [value, logits, gradients] = valueAuxAndGrad((p: Tree) => loss(model, p, x, y, context))(carried.params);
      const [params, state] = optimiser.update(carried.params, gradients, carried.optimiser);
      return {
        params: withStatistics(params, statistics),
        optimiser: state,
        at: add(carried.at, batchSize),
        key: next,
        loss: add(carried.loss, value),
        correct: add(carried.correct, sum(equal(argmax(logits, 1), y))),
      };
    },
    { donate: [0] },
  );

  let { params, optimiser: state } = start;
  const began = performance.now();
  try {
    for (let epoch = start.epoch; epoch < epochs; epoch++) {
      const { order, key } = scope(() => {
        const [shuffle, stepKey] = random.split(random.fold(random.key(seed), epoch), 2);
        return { order: random.permutation(shuffle, data.count), key: stepKey };
      });
      let carried: Carried = {
        params,
        optimiser: state,
        key,
        at: tensor(0, [], "i32"),
        loss: tensor(0),
        correct: tensor(0),
      };
      keep([order, carried]);
      const epochBegan = performance.now();
      let synchronised = { step: 0, at: epochBegan };
      let next = 1;
      for (let i = 1; i <= steps; i++) {
        options.signal?.throwIfAborted();
        carried = step(carried, order);
        if (i !== next && i !== steps) continue;
        // Reading waits for the GPU, so the queue never holds more than about PROGRESS_MS of steps.
        const [l, c] = [await carried.loss.item(), await carried.correct.item()];
        const now = performance.now();
        const msPerStep = (now - synchronised.at) / (i - synchronised.step);
        synchronised = { step: i, at: now };
        next = Math.min(steps, i + Math.max(1, Math.round(PROGRESS_MS / msPerStep)));
        const done = (epoch - start.epoch) * steps + i;
        options.onProgress?.({
          epoch: epoch + 1,
          epochs,
          step: i,
          steps,
          loss: l / i,
          accuracy: c / (i * batchSize),
          imagesPerSecond: (i * batchSize) / ((now - epochBegan) / 1000),
          secondsLeft: ((now - began) / 1000 / done) * ((epochs - start.epoch) * steps - done),
        });
      }
      ({ params, optimiser: state } = carried);
      dispose([order, carried.at, carried.key, carried.loss, carried.correct]);
      await options.onEpoch?.({ epoch: epoch + 1, params, optimiser: state });
    }
  } finally {
    step.dispose();
  }
  return keep({ epoch: epochs, params, optimiser: state });
}

/** The parameters with what layers measured (batch norm) put in its place. */
function withStatistics(params: Tree, statistics: ReadonlyMap<string, object>): Tree {
  if (statistics.size === 0) return params;
  const replace = (tree: Tree, path: string): Tree => {
    const found = statistics.get(path);
    if (found) return { ...tree, ...found };
    return Array.isArray(tree) ? tree.map((t, i) => replace(t, path ? `${path}.${i}` : String(i))) : tree;
  };
  return replace(params, "");
}

/** Share of images classified correctly, in batches on the GPU with one read at the end. */
export async function evaluate(
  model: Layer,
  params: Tree,
  data: ResidentImages,
  { batchSize = 500 }: { readonly batchSize?: number } = {},
): Promise<number> {
  using _ = openScope("evaluate");
  const size = Math.min(batchSize, data.count);
  const order = tensor(Int32Array.from({ length: data.count }, (_, i) => i));
  const correctOf = (at: Tensor, count: number): Tensor => {
    const { x, y } = pickImages(data, batchIndices(order, at, count));
    return sum(equal(argmax(model.apply(params, x), 1), y));
  };
  const step = capture((correct: Tensor, at: Tensor) => [add(correct, correctOf(at, size)), add(at, size)], {
    donate: [0, 1],
  });
  try {
    let [correct, at] = [tensor(0), tensor(0, [], "i32")];
    const whole = Math.floor(data.count / size);
    for (let i = 0; i < whole; i++) [correct, at] = step(correct, at);
    const rest = data.count - whole * size;
    if (rest > 0) correct = add(correct, correctOf(at, rest));
    return (await correct.item()) / data.count;
  } finally {
    step.dispose();
  }
}
