/**
 * A defence is a loss: a function of the network that is trained and of a batch. Everything else (batches, optimiser,
 * capture) is nn's training loop, the same for all defences.
 */

import {
  add,
  concat,
  max,
  mul,
  oneHot,
  random,
  split,
  square,
  sum,
  type Tensor,
  type Tree,
  valueAuxAndGrad,
} from "../../engine/index.js";
import { aNumberOfAtLeast0 } from "../../engine/kinds.js";
import { type KindsOf, requireArguments } from "../../engine/options.js";
import type { BatchLoss } from "../../nn/index.js";
import { repeated } from "../copies.js";
import { rows } from "../metrics/metric.js";
import type { Classifier } from "../score.js";
import { aDefence } from "./kinds.js";

/** g, the network that is trained: a function of samples [m,...] → logits [m,C]. */
export interface Network extends Classifier {
  readonly params: Tree;
}

/** What one training step sees of the data set. */
export interface Batch {
  /** [n,...] */
  readonly x: Tensor;
  /** i32 [n] */
  readonly y: Tensor;
  /** Places of the samples in the data set, i32 [n]. */
  readonly indices: Tensor;
  /** A new one for each batch. */
  readonly key: Tensor;
}

/** How a defence is called and cited. */
export interface DefenceInfo {
  /** The field's name for it. */
  readonly name: string;
  readonly source: string;
}

/** A way to train: the loss of a step. Batches, optimiser and capture are those of `train`, to which `batchLoss` hands it. */
export interface Defence extends DefenceInfo {
  /** What is minimised, for people. */
  readonly formula: string;
  /** A mean over the batch, and the logits of the clean samples. */
  loss(g: Network, batch: Batch): readonly [loss: Tensor, logits: Tensor];
}

/** What penalties take. */
export interface PenaltyOptions {
  /** Default 1; what is right depends on the network: choose it on validation data. */
  readonly weight?: number;
}

export const PENALTY_OPTIONS: KindsOf<PenaltyOptions> = {
  weight: aNumberOfAtLeast0,
};

/** The defence as the loss of nn's `train`. */
export function batchLoss(defence: Defence): BatchLoss {
  requireArguments("batchLoss", { defence: [defence, aDefence] });
  return (model, params, x, y, context) => {
    const [layers, key] = random.split(context.key, 2);
    const apply = (z: Tensor): Tensor => model.apply(params, z, { ...context, key: layers });
    return defence.loss(Object.assign(apply, { params }), { x, y, indices: context.indices, key });
  };
}

/** One batch of several, and what takes results apart again: one large pass is cheaper than several small ones. */
export function joined(parts: readonly Tensor[]): { all: Tensor; apart: (result: Tensor) => Tensor[] } {
  const sizes = parts.map((part) => part.shape[0]);
  return { all: concat(parts), apart: (result) => split(result, sizes) };
}

/** Logits and explanations φ = ∂ g_y / ∂x of a batch, or of k copies of it, from one forward pass: x [k·n,...], y i32 [n], or
 *  none for the class that g itself predicts. φ can be differentiated again. */
export function explained(g: Classifier, x: Tensor, y?: Tensor): { logits: Tensor; map: Tensor } {
  const [, logits, map] = valueAuxAndGrad((z: Tensor) => {
    const outputs = g(z);
    if (!y) return [sum(max(outputs, [1])), outputs];
    const chosen = oneHot(repeated(y, x.shape[0] / y.shape[0]), outputs.shape[1]);
    return [sum(mul(outputs, chosen)), outputs];
  })(x);
  return { logits, map };
}

/** Σᵢ vᵢ² per sample. [n,...] → [n] */
export function squaredNorm(v: Tensor): Tensor {
  return sum(square(rows(v)), 1);
}

/** @throws RangeError where all weights of a loss are 0. */
export function requireWeights(name: string, weights: Readonly<Record<string, number>>): void {
  if (Object.values(weights).some((weight) => weight > 0)) return;
  const names = Object.keys(weights);
  throw new RangeError(
    `${name}: ${names.join(", ")} ${names.length > 1 ? "are" : "is"} 0; one term of the loss has to count`,
  );
}

/** Σ weight · term, leaving out terms of weight 0, which not all are. */
export function weighted(...terms: readonly (readonly [weight: number, term: () => Tensor])[]): Tensor {
  const counting = terms.filter(([weight]) => weight !== 0);
  return counting.map(([weight, term]) => (weight === 1 ? term() : mul(term(), weight))).reduce(add);
}
