/** Training: an epoch loop around one captured step. Batches are gathered on the GPU from the resident data set, parameters
 *  and optimiser state are updated in place, and the host only submits; it reads the running loss now and then. */

import {
  add,
  argmax,
  capture,
  cast,
  concat,
  dispose,
  entries,
  equal,
  finiteMask,
  keep,
  type LongOptions,
  mapTree,
  min,
  random,
  reshape,
  scope,
  sum,
  type Tensor,
  type Tree,
  Turns,
  tensor,
  valueAuxAndGrad,
} from "../engine/index.js";
import { aFunction, aNumber, aTree, maybe, required } from "../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../engine/options.js";
import { others } from "../engine/turns.js";
import type { Split } from "./data/dataset.js";
import { batchIndices, pickSamples, type ResidentData, residentData } from "./data/resident.js";
import { DivergedError } from "./diverged.js";
import { aLayer, anAbortSignalLike, anOptimiser, anyObject, aStop, aTrainState, labelledSamples } from "./kinds.js";
import type { ApplyContext, Layer } from "./layer.js";
import { crossEntropy } from "./losses.js";
import type { Optimiser } from "./optim.js";

/** What a loss may use besides the samples; all of it changes from batch to batch. */
export interface BatchContext extends ApplyContext {
  readonly key: Tensor;
  /** Places of the batch's samples in the data set, i32 [b]: the way to whatever else is kept for each of them. */
  readonly indices: Tensor;
}

/** Loss of a batch, a mean over its samples; `logits` are reported as accuracy. */
export type BatchLoss = (
  model: Layer,
  params: Tree,
  x: Tensor,
  y: Tensor,
  context: BatchContext,
) => readonly [loss: Tensor, logits: Tensor];

/** Cross-entropy of the model's own predictions. */
export const crossEntropyLoss: BatchLoss = (model, params, x, y, context) => {
  requireArguments("crossEntropyLoss", { model: [model, aLayer], context: [context, maybe(anyObject)] });
  const logits = model.apply(params, x, context);
  return [crossEntropy(logits, y), logits];
};

/** How far a training is. */
export interface TrainProgress {
  /** From 1. */
  readonly epoch: number;
  readonly epochs: number;
  /** Steps done in this epoch, and steps per epoch. */
  readonly step: number;
  readonly steps: number;
  /** Means since the epoch began, or was resumed. */
  readonly loss: number;
  readonly accuracy: number;
  readonly samplesPerSecond: number;
  readonly secondsLeft: number;
}

/** `onProgress` is called about twice a second and at the end of each epoch. */
export interface TrainOptions extends LongOptions<TrainProgress> {
  readonly optimiser: Optimiser;
  readonly epochs: number;
  /** Default 64. The last, incomplete batch of an epoch is left out; shuffling makes it another one each time. */
  readonly batchSize?: number;
  /** Seed of the shuffling and of dropout. */
  readonly seed?: number;
  readonly loss?: BatchLoss;
  /** Called after each epoch with the state to resume from; what it holds is freed after the call. */
  readonly onEpoch?: (state: TrainState) => Promise<void> | void;
  /** Ends the run early and keeps what it has reached, once `aborted`, after the steps that are on their way, at most about a second's;
   *  an AbortSignal will do. */
  readonly stop?: { readonly aborted: boolean };
}

const TRAIN_OPTIONS: KindsOf<TrainOptions> = {
  optimiser: required(anOptimiser),
  epochs: required(aNumber),
  batchSize: aNumber,
  seed: aNumber,
  loss: aFunction,
  onProgress: aFunction,
  onEpoch: aFunction,
  signal: anAbortSignalLike,
  stop: aStop,
};

/** Everything that a run goes on from: with the same data, options and seed it gives the same bits. */
export interface TrainState<P extends Tree = Tree> {
  /** Epochs done. */
  readonly epoch: number;
  /** Steps done in the next epoch; 0 unless the run was stopped in its middle. */
  readonly step: number;
  readonly params: P;
  readonly optimiser: Tree;
}

/** @throws DivergedError when a parameter is not finite. */
async function requireFinite(params: Tree, epoch: number): Promise<void> {
  const floats = entries(params).filter(([, { dtype, size }]) => dtype === "f32" && size > 0);
  if (floats.length === 0) return;
  const least = scope(() => concat(floats.map(([, t]) => reshape(min(finiteMask(t)), [1]))));
  const bad = (await least.read().finally(() => dispose(least))).indexOf(0);
  if (bad >= 0)
    throw new DivergedError(
      `train: parameter ${floats[bad][0]} is not finite any more in epoch ${epoch}; a smaller learning rate, or inputs of a smaller scale, are needed`,
    );
}

/** The state before the first step. */
export function initialState<P extends Tree>(params: P, optimiser: Optimiser): TrainState<P> {
  requireArguments("initialState", { params: [params, aTree], optimiser: [optimiser, anOptimiser] });
  return { epoch: 0, step: 0, params, optimiser: optimiser.init(params) };
}

interface Carried {
  params: Tree;
  optimiser: Tree;
  /** i32 [], the first sample of the next batch. */
  at: Tensor;
  /** Sums over the epoch. */
  loss: Tensor;
  correct: Tensor;
}

/**
 * Trains `model` from `start` (consumed: its tensors are donated to the step) for the epochs that remain. Others have their turn
 * between steps. `data` are resident samples, or a split or arrays of one's own, which are then resident for the time of the call.
 * @returns the state reached, kept: after the last epoch, or where `stop` ended it. @throws the reason of `signal`; RangeError,
 * with `start` untouched, when a batch is larger than the data set or `start` lies beyond the end of its epoch; DivergedError, before
 * `onEpoch` is told of it, when the loss or a parameter is not finite any more.
 */
export async function train<P extends Tree>(
  model: Layer<P>,
  start: TrainState<P>,
  data: ResidentData | Split,
  options: TrainOptions,
): Promise<TrainState<P>> {
  requireArguments("train", { model: [model, aLayer], start: [start, aTrainState], data: [data, labelledSamples] });
  checkedOptions("train", options, TRAIN_OPTIONS);
  const turns = new Turns<TrainProgress>("train", options);
  if ("words" in data) return trainOn(model, start, data, options, turns);
  const resident = residentData(data);
  try {
    return await trainOn(model, start, resident, options, turns);
  } finally {
    dispose([resident.words, resident.labels]);
  }
}

async function trainOn<P extends Tree>(
  model: Layer<P>,
  start: TrainState<P>,
  data: ResidentData,
  options: TrainOptions,
  turns: Turns<TrainProgress>,
): Promise<TrainState<P>> {
  const { optimiser, epochs, batchSize = 64, seed = 0, loss = crossEntropyLoss } = options;
  const steps = Math.floor(data.count / batchSize);
  if (!Number.isInteger(batchSize) || batchSize < 1 || steps === 0)
    throw new RangeError(`train: a batch of ${batchSize} from ${data.count} samples; 1 to ${data.count} is needed`);
  if (!(start.step < steps))
    throw new RangeError(
      `train: the state has done ${start.step} steps of an epoch that has ${steps} with batches of ${batchSize}; ` +
        "go on with the batch size and the samples it began with",
    );

  const step = capture(
    (carried: Carried, order: Tensor, epochKey: Tensor): Carried => {
      const indices = batchIndices(order, carried.at, batchSize);
      const { x, y } = pickSamples(data, indices);
      const key = random.fold(epochKey, cast(carried.at, "u32"));
      const statistics = new Map<string, Tensor>();
      const onStatistics: ApplyContext["onStatistics"] = (layer, update) => {
        for (const [name, t] of entries(update)) {
          const path = layer === "" ? name : `${layer}.${name}`;
          dispose(statistics.get(path));
          // The gradient's scope ends before they are used.
          statistics.set(path, keep(t));
        }
      };
      const context: BatchContext = { training: true, key, indices, onStatistics };
      const [value, logits, gradients] = valueAuxAndGrad((p: Tree) => loss(model, p, x, y, context))(carried.params);
      const [params, state] = optimiser.update(carried.params, gradients, carried.optimiser);
      return {
        params: withStatistics(params, statistics),
        optimiser: state,
        at: add(carried.at, batchSize),
        loss: add(carried.loss, value),
        correct: add(carried.correct, sum(equal(argmax(logits, 1), y))),
      };
    },
    { donate: [0] },
  );

  let { epoch, step: done, params, optimiser: state } = start;
  /** What this call owns, to be freed when something is thrown. */
  let held: Tree = [params, state];
  const pace = new Pace();
  const began = performance.now();
  /** Steps of this call when so many of the epoch are done. */
  const stepsOf = (inEpoch: number): number => (epoch - start.epoch) * steps + inEpoch - start.step;
  let reading: Promise<void> | undefined;
  try {
    for (; epoch < epochs && !options.stop?.aborted; epoch++) {
      const { order, key } = scope(() => {
        const [shuffle, stepKey] = random.split(random.fold(random.key(seed), epoch), 2);
        return { order: random.permutation(shuffle, data.count), key: stepKey };
      });
      const at = tensor(done * batchSize, [], "i32");
      let carried: Carried = { params, optimiser: state, at, loss: tensor(0), correct: tensor(0) };
      held = keep([order, key, carried]);
      await step.prepare(carried, order, key);
      const [first, epochBegan] = [done, performance.now()];
      const report = async ({ loss, correct }: Carried, step: number): Promise<void> => {
        const [lossSum, hits] = await Promise.all([loss.item(), correct.item()]);
        await pace.reached(stepsOf(step));
        if (!Number.isFinite(lossSum))
          throw new DivergedError(
            `train: the loss is ${lossSum} by step ${step} of epoch ${epoch + 1}; a smaller learning rate, or inputs of a smaller scale, are needed`,
          );
        const left = (epochs - epoch) * steps - step;
        turns.tell({
          epoch: epoch + 1,
          epochs,
          step,
          steps,
          loss: lossSum / (step - first),
          accuracy: hits / ((step - first) * batchSize),
          samplesPerSecond: (1000 * (step - first) * batchSize) / (performance.now() - epochBegan),
          secondsLeft: ((performance.now() - began) / 1000 / stepsOf(step)) * left,
        });
      };
      while (done < steps && !options.stop?.aborted) {
        carried = step(carried, order, key);
        held = [order, key, carried];
        done++;
        await turns.next();
        if (!pace.due(stepsOf(done)) && done < steps) continue;
        // While the host waits for one stretch of steps the GPU has the next to do, and no more than these two.
        await reading;
        reading = report(carried, done);
        // It is awaited in a later turn.
        reading.catch(() => {});
      }
      await reading;
      ({ params, optimiser: state } = carried);
      dispose([order, key, carried.at, carried.loss, carried.correct]);
      held = [params, state];
      await requireFinite(params, epoch + 1);
      if (done < steps) break;
      done = 0;
      await options.onEpoch?.({ epoch: epoch + 1, step: 0, params, optimiser: state });
    }
  } catch (error) {
    await Promise.allSettled([reading]);
    dispose(held);
    throw error;
  } finally {
    step.dispose();
  }
  return keep({ epoch, step: done, params, optimiser: state });
}

/** How often the running sums are read. */
const PROGRESS_MS = 500;

/** When to read, counted in steps, since the host runs far ahead of the GPU: by how long the last ones took. */
class Pace {
  #every = 1;
  /** The step after which was last read, and the one that the GPU was last seen to have done. */
  #asked = 0;
  #done = 0;
  #since = performance.now();

  due(step: number): boolean {
    if (step - this.#asked < this.#every) return false;
    this.#asked = step;
    return true;
  }

  /** After a read; lets signals and timers through, also on an executor that never waits. */
  async reached(step: number): Promise<void> {
    await others();
    const now = performance.now();
    const most = Math.max(1, (PROGRESS_MS * (step - this.#done)) / (now - this.#since));
    this.#every = Math.floor(most);
    this.#since = now;
    this.#done = step;
  }
}

/** The parameters with what layers measured (batch norm) put in its place, by path. */
function withStatistics(params: Tree, statistics: ReadonlyMap<string, Tensor>): Tree {
  const paths = new Set(entries(params).map(([path]) => path));
  const lost = [...statistics.keys()].filter((path) => !paths.has(path));
  if (lost.length > 0)
    throw new TypeError(
      `train: running statistics came for ${lost.join(", ")}, which the parameters lack; ` +
        "a layer that contains others must give each its path in the context",
    );
  return mapTree(params, (t, path) => statistics.get(path) ?? t);
}
