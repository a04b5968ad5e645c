/** Training with a live line, for the commands that train. */
import { dispose, entries, random, ShapeError, scope, type Tree } from "../engine/index.js";
import {
  adam,
  type Dataset,
  evaluate,
  initialState,
  type Layer,
  type Optimiser,
  residentData,
  type TrainState,
  train,
} from "../nn/index.js";
import { UsageError } from "./command.js";
import { type Live, trainingLine } from "./live.js";
import type { Recipe } from "./recipe.js";

export interface TrainingRun {
  readonly model: Layer;
  readonly recipe: Recipe;
  readonly dataset: Dataset;
  readonly epochs: number;
  readonly live: Live;
  readonly stop?: AbortSignal;
  /** The state to start from; consumed. Default the first one of the recipe. */
  readonly start?: TrainState;
  /** After each epoch, and where `stop` stopped the run. */
  readonly onState?: (state: TrainState, accuracy: number) => Promise<void>;
}

export function optimiserOf(recipe: Recipe): Optimiser {
  return adam({ lr: recipe.learningRate });
}

/** First weights for samples of a shape, from the seed. @throws UsageError when the network does not take them. */
export function firstParameters(model: Layer, seed: number, shape: readonly number[]): Tree {
  try {
    return scope(() => model.init(random.key(seed), shape).params);
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw new UsageError(
      `samples of [${shape}] do not fit the network (${error.message}); choose another --network or --data`,
    );
  }
}

/** First weights and optimiser state, from the seed. */
export function firstState(model: Layer, recipe: Recipe, shape: readonly number[]): TrainState {
  return scope(() => initialState(firstParameters(model, recipe.seed, shape), optimiserOf(recipe)));
}

/** Trains; returns the state reached, kept, and its test accuracy. */
export async function runTraining(run: TrainingRun): Promise<{ state: TrainState; accuracy: number }> {
  const { model, recipe, dataset, epochs, live, stop, onState } = run;
  const count = dataset.train.labels.length;
  if (recipe.batch > count)
    throw new UsageError(
      `--batch ${recipe.batch}: there are ${count} training ${samplesOf(dataset)}; a batch of at most that is needed`,
    );
  const trainSet = residentData(dataset.train);
  const testSet = residentData(dataset.test);
  let last = "";
  let accuracy = Number.NaN;
  const look = async (state: TrainState): Promise<void> => {
    accuracy = await evaluate(model, state.params, testSet);
    await onState?.(state, accuracy);
  };
  const state = await train(model, run.start ?? firstState(model, recipe, dataset.domain.shape), trainSet, {
    optimiser: optimiserOf(recipe),
    epochs,
    batchSize: recipe.batch,
    seed: recipe.seed,
    stop,
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

/** What people call its samples. */
export function samplesOf({ preparation }: Dataset): string {
  return preparation ? "rows" : "images";
}

/** Number of trained numbers. */
export function countParameters(params: Tree): number {
  return entries(params).reduce((total, [, t]) => total + t.size, 0);
}
