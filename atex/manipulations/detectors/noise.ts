/** Noise around samples: the same for all samples of a batch, as large as their domain suggests. */

import { mul, random, reshape, sqrt, type Tensor, tensor, variance } from "../../../engine/index.js";
import { aCount, aNatural, aNumberOfAtLeast0 } from "../../../engine/kinds.js";
import type { KindsOf } from "../../../engine/options.js";
import { explainerEntryOf } from "../../explainers/table.js";
import type { DetectorContext } from "./detector.js";
import { isImage } from "./maps.js";

/** Standard deviation of the noise of each element, [1, ...shape]: of images a share of the valid range, of tables, whose columns have
 *  scales of their own, a share of the column's standard deviation in the background; a column that does not vary there gets none. */
export function noiseScale({ world: { domain, explaining } }: DetectorContext, share: number): Tensor {
  const { shape, range } = domain;
  const sides = [1, ...shape];
  if (!isImage(domain)) return mul(reshape(sqrt(variance(explaining.background, 0)), sides), share);
  const at = (bound: number | readonly number[], i: number): number => (typeof bound === "number" ? bound : bound[i]);
  const size = shape.reduce((a, b) => a * b, 1);
  return tensor(
    Float32Array.from({ length: size }, (_, i) => share * (at(range.high, i) - at(range.low, i))),
    sides,
  );
}

/** How much noise and how many copies. */
export interface NoiseOptions {
  /** Of an image's range; default 0.15, as Smilkov et al. 2017 have it (0.1 to 0.2). */
  readonly ofRange?: number;
  /** Of a column's standard deviation; default 0.5, about what that is in images. */
  readonly ofDeviation?: number;
  /** Noisy copies; default 16. */
  readonly copies?: number;
  /** Noisy copies for explainers that ask the network many times themselves, such as LIME and integrated gradients; default 4. */
  readonly fewCopies?: number;
}

export const NOISE_OPTIONS: KindsOf<NoiseOptions> = {
  ofRange: aNumberOfAtLeast0,
  ofDeviation: aNumberOfAtLeast0,
  copies: aCount,
  fewCopies: aNatural,
};

/** Whether an explainer works on outputs alone, or on many points or copies of a sample. */
function asksOften(name: string): boolean {
  const { needs, options } = explainerEntryOf(name);
  return needs === "outputs" || "samples" in options || "points" in options;
}

export interface Noise {
  readonly samples: number;
  readonly sigma: Tensor;
  readonly key: Tensor;
}

/** The noise of a detector for the samples and the explainer in question; `salt` sets detectors of one seed apart. */
export function noiseOf(
  context: DetectorContext,
  { ofRange = 0.15, ofDeviation = 0.5, copies = 16, fewCopies = 4 }: NoiseOptions,
  salt: number,
): Noise {
  const { world, explainer } = context;
  return {
    samples: asksOften(explainer) ? fewCopies : copies,
    sigma: noiseScale(context, isImage(world.domain) ? ofRange : ofDeviation),
    key: random.fold(random.key(world.seed), salt),
  };
}
