/** Training with a live line, for the commands that train. */
import { dispose, entries, random, scope, type Tree } from "../engine/index.js";
import {
  adam,
  evaluate,
  type ImageDataset,
  initialState,
  type Optimiser,
  residentImages,
  type Sequential,
  type TrainState,
  train,
} from "../nn/index.js";
import { UsageError } from "./command.js";
import { type Live, trainingLine } from "./live.js";
import type { Recipe } from "./recipe.js";

export interface TrainingRun {
  readonly model: Sequential;
  readonly recipe: Recipe;
  readonly dataset: ImageDataset;
  readonly epochs: number;
  readonly live: Live;
  readonly signal?: AbortSignal;
  /** The state to start from; consumed. Default the first one of the recipe. */
  readonly start?: TrainState;
  /** After each epoch, and where `signal` stopped the run. */
  readonly onState?: (state: TrainState, accuracy: number) => Promise<void>;
}

export function optimiserOf(recipe: Recipe): Optimiser {
  return adam({ lr: recipe.learningRate });
}

/** First weights, from the seed. */
export function firstParameters(model: Sequential, seed: number): Tree {
  return scope(() => model.init(random.key(seed), [1, 28, 28]).params);
}

/** First weights and optimiser state, from the seed. */
export function firstState(model: Sequential, recipe: Recipe): TrainState {
  return scope(() => initialState(firstParameters(model, recipe.seed), optimiserOf(recipe)));
}

/** Trains; returns the state reached, kept, and its test accuracy. */
export async function runTraining(run: TrainingRun): Promise<{ state: TrainState; accuracy: number }> {
  const { model, recipe, dataset, epochs, live, signal, onState } = run;
  const images = dataset.train.labels.length;
  if (recipe.batch > images)
    throw new UsageError(
      `--batch ${recipe.batch}: there are ${images} training images; a batch of at most that is needed`,
    );
  const trainSet = residentImages(dataset.train.images, dataset.train.labels);
  const testSet = residentImages(dataset.test.images, dataset.test.labels);
  let last = "";
  let accuracy = Number.NaN;
  const look = async (state: TrainState): Promise<void> => {
    accuracy = await evaluate(model, state.params, testSet);
    await onState?.(state, accuracy);
  };
  const state = await train(model, run.start ?? firstState(model, recipe), trainSet, {
    optimiser: optimiserOf(recipe),
    epochs,
    batchSize: recipe.batch,
    seed: recipe.seed,
    signal,
    onProgress(progress) {
      last = trainingLine(progress);
      live.update(last);
    },
    async onEpoch(reached) {
      await look(reached);
      live.print(`${last.replace(/ {2}0 s left$/, "")}  test accuracy ${(100 * accuracy).toFixed(2)} %`);
    },
  });
  if (state.step > 0 || Number.isNaN(accuracy)) await look(state);
  dispose([trainSet.words, trainSet.labels, testSet.words, testSet.labels]);
  return { state, accuracy };
}

/** Number of trained numbers. */
export function countParameters(params: Tree): number {
  return entries(params).reduce((total, [, t]) => total + t.size, 0);
}
