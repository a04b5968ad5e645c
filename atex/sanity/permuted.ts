/** Data randomisation: a twin of a network that has learnt labels without meaning by heart. */

import { callerScope, dispose, keep, type LongOptions, random, scope, type Tree } from "../../engine/index.js";
import { aCount, aNatural, aNumber, required } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../engine/options.js";
import { drawFrom } from "../../nn/data/integer-random.js";
import {
  evaluate,
  initialState,
  type Layer,
  type Optimiser,
  residentData,
  type Split,
  type TrainProgress,
  train,
} from "../../nn/index.js";
import { aLayer, anOptimiser, aSplit } from "../../nn/kinds.js";
import { LONG_OPTIONS } from "../kinds.js";

/** The split with its labels dealt out anew: each class keeps its number of samples, no sample keeps its meaning. The samples are shared,
 *  not copied. */
export function permutedLabels(split: Split, seed: number): Split {
  requireArguments("permutedLabels", { split: [split, aSplit], seed: [seed, aNatural] });
  const labels = split.labels.slice();
  const draw = drawFrom(seed, 0x5e1f);
  for (let i = labels.length - 1; i > 0; i--) {
    const j = draw.below(i + 1);
    [labels[i], labels[j]] = [labels[j], labels[i]];
  }
  // Masks say where the true class is, which these labels are not about.
  return { shape: split.shape, samples: split.samples, labels };
}

/** Keeps the twin from starting where a network of the same seed started. */
const TWIN = 0x7769;

/** How a twin learns permuted labels by heart, and when that is enough. */
export interface TwinOptions extends LongOptions<TrainProgress> {
  readonly model: Layer;
  /** What the network was trained on, with its true labels. */
  readonly split: Split;
  readonly optimiser: Optimiser;
  /** Of the first weights, the permutation and the order of samples; default 0. */
  readonly seed?: number;
  /** Default 64, at most the number of samples. */
  readonly batchSize?: number;
  /** Training ends when this share of the permuted labels is learnt, 0 to 1; default 0.95 (paper: above 95 %). */
  readonly accuracy?: number;
  /** Passes at most, at least 1; default 200. */
  readonly epochs?: number;
  /** How often the accuracy is measured, in epochs, at least 1; default 5, and after the last. */
  readonly every?: number;
}

const TWIN_OPTIONS: KindsOf<TwinOptions> = {
  model: required(aLayer),
  split: required(aSplit),
  optimiser: required(anOptimiser),
  seed: aNatural,
  batchSize: aCount,
  accuracy: aNumber,
  epochs: aNumber,
  every: aNumber,
  ...LONG_OPTIONS,
};

/** A network that knows permuted labels by heart, as far as `accuracy` says. */
export interface Twin {
  /** Kept until they are disposed of; the caller owns them. */
  readonly params: Tree;
  /** Share of the permuted training labels that it predicts. */
  readonly accuracy: number;
  /** Passes over the samples, and how many those are. */
  readonly epochs: number;
  readonly samples: number;
}

/** Trains a network of the same kind on permuted labels until it knows them by heart or the passes are over; what it reached is said, not
 *  promised. The caller owns the parameters. Source: Adebayo et al. 2018, sec. 4. @throws RangeError for an accuracy beyond [0, 1] or
 *  passes below one; the reason of `signal`. */
export async function trainTwin(options: TwinOptions): Promise<Twin> {
  checkedOptions("trainTwin", options, TWIN_OPTIONS);
  const here = callerScope();
  const { model, optimiser, seed = 0, accuracy: wanted = 0.95, epochs = 200, every = 5, onProgress, signal } = options;
  const count = options.split.labels.length;
  const fine = wanted >= 0 && wanted <= 1 && [epochs, every].every((v) => Number.isInteger(v) && v >= 1);
  if (!fine)
    throw new RangeError(
      `trainTwin: accuracy ${wanted}, ${epochs} epochs, tested every ${every} given; 0 to 1, and whole numbers of at least 1 are needed`,
    );
  signal?.throwIfAborted();
  const data = residentData(permutedLabels(options.split, seed));
  try {
    const start = scope(() =>
      initialState(model.init(random.fold(random.key(seed), TWIN), data.shape).params, optimiser),
    );
    const enough = { aborted: false };
    let [accuracy, reached] = [Number.NaN, 0];
    const state = await here.wait(
      train(model, start, data, {
        ...{ optimiser, epochs, seed, onProgress, signal, stop: enough },
        batchSize: Math.min(options.batchSize ?? 64, count),
        async onEpoch({ epoch, params }) {
          reached = epoch;
          if (epoch % every !== 0 && epoch !== epochs) return;
          accuracy = await evaluate(model, params, data);
          enough.aborted = accuracy >= wanted;
        },
      }),
    );
    dispose(state.optimiser);
    return { params: keep(state.params), accuracy, epochs: reached, samples: count };
  } finally {
    dispose([data.words, data.labels]);
  }
}
