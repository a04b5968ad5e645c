/** Trains one network with a scheme of a configuration. */
import { callerScope, type Done, dispose, type LongOptions, random, type Tree } from "../../engine/index.js";
import {
  cosineDecay,
  type FeatureRange,
  initialState,
  type Layer,
  type ResidentImages,
  type Schedule,
  type TrainProgress,
  train,
} from "../../nn/index.js";
import { batchLoss, defenceEntryOf, makeDefence, optimiserOf } from "../defences/index.js";
import type { Classifier } from "../score.js";
import type { SchemeConfig } from "./config.js";

export interface SchemeTraining extends LongOptions<TrainProgress> {
  readonly model: Layer;
  readonly scheme: SchemeConfig;
  /** The weights to start from; consumed. */
  readonly first: Tree;
  /** f of schemes that learn from one. */
  readonly teacher?: Classifier;
  readonly data: ResidentImages;
  /** Valid values; default 0 to 1 for images [n,c,h,w], none otherwise. */
  readonly range?: FeatureRange;
  /** eps1 that is trained for, in units of the pixel range; of no meaning for normal training. */
  readonly eps: number;
  /** Passes; fewer than the scheme's are a beginning of the same training. Default the scheme's. */
  readonly epochs?: number;
  readonly seed: number;
  readonly onDirections?: (progress: Done) => void;
  readonly onEpoch?: (params: Tree, epoch: number) => Promise<void> | void;
  readonly stop?: { readonly aborted: boolean };
}

/** The trained weights, kept. Batches larger than the data set are cut to it. */
export async function trainScheme(run: SchemeTraining): Promise<Tree> {
  const here = callerScope();
  const { model, scheme, first, teacher, range, data, eps, seed, epochs = scheme.epochs } = run;
  const key = random.fold(random.key(seed), 1);
  const entry = defenceEntryOf(scheme.kind);
  if (entry.needs.includes("teacher") && !teacher)
    throw new TypeError(`trainScheme: ${scheme.title} from scratch has no teacher; let it start from the teacher`);
  const context = { eps, teacher, range };
  using prepared = await here.wait(
    entry.prepare?.(scheme, { ...context, data, key, onProgress: run.onDirections, signal: run.signal }),
  );
  const batchSize = Math.min(scheme.batch, data.count);
  const optimiser = optimiserOf(entry, learningRate(scheme, epochs, Math.floor(data.count / batchSize)));
  const state = await here.wait(
    train(model, initialState(first, optimiser), data, {
      ...{ optimiser, epochs, seed, batchSize, stop: run.stop, signal: run.signal, onProgress: run.onProgress },
      loss: batchLoss(makeDefence(entry, scheme, { ...context, prepared })),
      onEpoch: ({ epoch, params }) => run.onEpoch?.(params, epoch),
    }),
  );
  dispose(state.optimiser);
  return state.params;
}

/** The rate, or how it falls: over the passes of the scheme, however many of them are wanted, so that fewer are a beginning of more. */
function learningRate(scheme: SchemeConfig, epochs: number, stepsPerEpoch: number): number | Schedule {
  const passes = scheme.kind === "normal" ? epochs : scheme.epochs;
  return scheme.decay === "cosine" ? cosineDecay(scheme.learningRate, passes * stepsPerEpoch) : scheme.learningRate;
}
