/** Further training of a network on a loss of somebody's choice: how models are made to show other explanations. */

import { callerScope, dispose, mapTree, mul, scope, type Tree } from "../../engine/index.js";
import { aCount, aFunction, aNumberOfAtLeast0, aText, required, wordOf } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../engine/options.js";
import {
  adam,
  type BatchLoss,
  cosineDecay,
  initialState,
  partOf,
  residentData,
  type TrainState,
  train,
} from "../../nn/index.js";
import { aFinetuneWorld } from "./kinds.js";
import type { ManipulationWorld } from "./manipulation.js";

type FinetuneWorld = Pick<ManipulationWorld, "model" | "params" | "train" | "seed" | "say" | "stop">;

/** How a network is trained further, by Adam on a loss of somebody's choice. */
export interface FinetuneOptions {
  /** (model, params, x, y, context) → loss [] and logits [n,C], as nn's `train` takes it. */
  readonly loss: BatchLoss;
  /** Passes over the samples. */
  readonly epochs: number;
  /** Training samples, the first ones; default and at most all. */
  readonly count?: number;
  /** Samples in a step; at most all. */
  readonly batch: number;
  /** Of Adam, at least 0; of the first step, where it falls. */
  readonly learningRate: number;
  /** How the rate falls over the passes; default not at all. */
  readonly decay?: "none" | "cosine";
  /** Told with the number of steps and the loss: "location fooling". */
  readonly title: string;
}

const FINETUNE_OPTIONS: KindsOf<FinetuneOptions> = {
  loss: required(aFunction),
  epochs: required(aCount),
  count: aCount,
  batch: required(aCount),
  learningRate: required(aNumberOfAtLeast0),
  decay: wordOf("cosine", "none"),
  title: required(aText),
};

/** A copy of the world's parameters, trained further; the caller owns it (`dispose`). */
export async function finetuned(world: FinetuneWorld, options: FinetuneOptions): Promise<Tree> {
  requireArguments("finetuned", { world: [world, aFinetuneWorld] });
  const { model, params, train: all, seed, say, stop } = world;
  const {
    loss,
    epochs,
    count = all.labels.length,
    batch,
    learningRate,
    decay = "none",
    title,
  } = checkedOptions("finetuned", options, FINETUNE_OPTIONS);
  const here = callerScope();
  const data = residentData(partOf(all, 0, Math.min(count, all.labels.length)));
  let start: TrainState | undefined;
  try {
    const batchSize = Math.min(batch, data.count);
    const total = epochs * Math.floor(data.count / batchSize);
    const optimiser = adam({ lr: decay === "cosine" ? cosineDecay(learningRate, total) : learningRate });
    start = scope(() =>
      initialState(
        mapTree(params, (t) => mul(t, 1)),
        optimiser,
      ),
    );
    const state = await here.wait(
      train(model, start, data, {
        ...{ optimiser, epochs, batchSize, seed, loss, stop },
        onProgress: ({ epoch, step, steps, loss: value }) =>
          say(`${title}: step ${(epoch - 1) * steps + step} of ${total}, loss ${value.toPrecision(3)}`),
      }),
    );
    dispose(state.optimiser);
    return state.params;
  } catch (error) {
    dispose(start);
    throw error;
  } finally {
    dispose([data.words, data.labels]);
  }
}
