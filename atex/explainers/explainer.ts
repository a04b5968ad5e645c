import { abs, reshape, sum, type Tensor } from "../../engine/index.js";
import type { Score } from "../score.js";

/** A feature attribution: (score, x [n,...]) → raw, signed attribution [n,...]. Built from ops, so it can be differentiated:
 *  that is how it is attacked and defended. */
export interface Explainer {
  (score: Score, x: Tensor): Tensor;
  readonly info: ExplainerInfo;
}

export interface ExplainerInfo {
  /** The field's name for it. */
  readonly name: string;
  /** Explains one prediction, or the model as a whole. */
  readonly scope: "local" | "global";
  /** Needs only outputs, or looks inside (gradients, layers). */
  readonly access: "model-agnostic" | "model-transparent";
  readonly source: string;
}

export function explainer(info: ExplainerInfo, explain: (score: Score, x: Tensor) => Tensor): Explainer {
  return Object.assign((score: Score, x: Tensor) => explain(score, x), { info });
}

/** What is shown and compared: absolute attribution summed over channels. [n,c,h,w] → [n,h,w]. Source: Simonyan et al. 2014,
 *  sec. 3.1, with the sum in place of the maximum. */
export function saliencyMap(attribution: Tensor): Tensor {
  return sum(abs(attribution), 1);
}

/** `k` copies of a batch, one after another. [n,...] → [k,n,...] and back to [k·n,...]. */
export function asOneBatch(copies: Tensor): Tensor {
  const [k, n, ...rest] = copies.shape;
  return reshape(copies, [k * n, ...rest]);
}
