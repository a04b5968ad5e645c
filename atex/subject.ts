/** What is explained, attacked and defended: a network's outputs over inputs of a known kind. */

import { clamp, maximum, minimum, type Tensor, tensor } from "../engine/index.js";
import { aTensor } from "../engine/kinds.js";
import { requireArguments } from "../engine/options.js";
import { type Domain, type FeatureRange, PIXEL_RANGE } from "../nn/index.js";
import { aRange } from "../nn/kinds.js";
import type { Ball } from "./balls.js";
import type { Classifier } from "./score.js";

/** A network with its inputs and classes: what explainers, attacks and defences of one model are given. */
export interface Subject {
  /** x [n, ...domain.shape] → logits [n, C]. A plain function of ops is enough: `inspect` looks inside. */
  readonly classifier: Classifier;
  readonly domain: Domain;
  /** Names of the classes, by output. */
  readonly classes: readonly string[];
  /** Samples the network was trained on or is used on, [m, ...domain.shape]: what SHAP and expected gradients compare with. */
  readonly background?: Tensor;
}

/** The range that counts where none is given: that of pixels for images [n,c,h,w]; none otherwise, since a table's columns have
 *  ranges of their own. */
export function defaultRange(x: Tensor): FeatureRange | undefined {
  return x.rank === 4 ? PIXEL_RANGE : undefined;
}

/** Where a search may look around a sample. */
export interface Neighbourhood {
  readonly ball: Ball;
  /** Valid values of each feature, which no point leaves; default 0 to 1 for images [n,c,h,w], none otherwise. Where x itself is
   *  outside, the ball counts. */
  readonly range?: FeatureRange;
}

/** z moved into the neighbourhood of x. Clipped first: between a valid point and x, where projection ends, all is valid. */
export function intoNeighbourhood({ ball, range }: Neighbourhood, z: Tensor, x: Tensor): Tensor {
  const valid = range ?? defaultRange(x);
  return ball.project(valid ? clipTo(valid, z) : z, x);
}

/** Everything into its valid range, element by element. x [n, ...shape] */
export function clipTo(range: FeatureRange, x: Tensor): Tensor {
  requireArguments("clipTo", { range: [range, aRange], x: [x, aTensor] });
  const { low, high } = range;
  if (typeof low === "number" && typeof high === "number") return clamp(x, low, high);
  const bound = (b: number | readonly number[]): Tensor | number =>
    typeof b === "number" ? b : tensor(Float32Array.from(b), x.shape.slice(1));
  return minimum(maximum(x, bound(low)), bound(high));
}
