/** Further training of a network on a loss of somebody's choice: how models are made to show other explanations. */
import { dispose, keep, mapTree, mul, type Tree } from "../../engine/index.js";
import { adam, type BatchLoss, cosineDecay, initialState, partOf, residentData, train } from "../../nn/index.js";
import type { ManipulationWorld } from "./manipulation.js";

export interface FinetuneOptions {
  readonly loss: BatchLoss;
  /** Passes over the samples. */
  readonly epochs: number;
  /** Training samples, the first ones; default and at most all. */
  readonly count?: number;
  readonly batch: number;
  readonly learningRate: number;
  /** How the rate falls over the passes; default not at all. */
  readonly decay?: "none" | "cosine";
  /** Told with the number of steps and the loss: "location fooling". */
  readonly title: string;
}

/** A copy of the world's parameters, trained further; the caller owns it (`dispose`). */
export async function finetuned(
  { model, params, train: all, seed, say, signal }: ManipulationWorld,
  { loss, epochs, count = all.labels.length, batch, learningRate, decay = "none", title }: FinetuneOptions,
): Promise<Tree> {
  const split = partOf(all, 0, Math.min(count, all.labels.length));
  const data = residentData(split);
  const batchSize = Math.min(batch, data.count);
  const steps = epochs * Math.floor(data.count / batchSize);
  const optimiser = adam({ lr: decay === "cosine" ? cosineDecay(learningRate, steps) : learningRate });
  const copy = keep(mapTree(params, (t) => mul(t, 1)));
  try {
    const state = await train(model, initialState(copy, optimiser), data, {
      ...{ optimiser, epochs, batchSize, seed, loss, signal },
      onProgress: ({ epoch, step, steps: each, loss: value }) =>
        say(`${title}: step ${(epoch - 1) * each + step} of ${steps}, loss ${value.toPrecision(3)}`),
    });
    dispose(state.optimiser);
    return state.params;
  } finally {
    dispose([data.words, data.labels]);
  }
}
