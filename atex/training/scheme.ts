/**
 * A training scheme is a loss: a function of the network that is trained and of a batch. Everything else (batches, optimiser,
 * capture) is nn's training loop, the same for all schemes.
 */
import {
  add,
  concat,
  expand,
  max,
  mul,
  oneHot,
  random,
  reshape,
  split,
  sum,
  type Tensor,
  type Tree,
  valueAuxAndGrad,
} from "../../engine/index.js";
import type { BatchLoss } from "../../nn/index.js";
import { asOneBatch } from "../explainers/explainer.js";
import type { Classifier } from "../score.js";

/** g, the network that is trained: a function of images [m,c,h,w] → logits [m,C]. */
export interface Network extends Classifier {
  readonly params: Tree;
}

export interface Batch {
  /** [n,c,h,w] */
  readonly x: Tensor;
  /** i32 [n] */
  readonly y: Tensor;
  /** Places of the images in the data set, i32 [n]. */
  readonly indices: Tensor;
  /** A new one for each batch. */
  readonly key: Tensor;
}

export interface Scheme {
  readonly name: string;
  /** What is minimised, for people. */
  readonly formula: string;
  readonly source: string;
  /** A mean over the batch, and the logits of the clean images. */
  loss(g: Network, batch: Batch): readonly [loss: Tensor, logits: Tensor];
}

/** The scheme as the loss of nn's `train`. */
export function batchLoss(scheme: Scheme): BatchLoss {
  return (model, params, x, y, context) => {
    const [layers, key] = random.split(context.key, 2);
    const apply = (z: Tensor): Tensor => model.apply(params, z, { ...context, key: layers });
    return scheme.loss(Object.assign(apply, { params }), { x, y, indices: context.indices, key });
  };
}

/** `k` copies of a batch, copy after copy: [n,...] → [k·n,...]. */
export function copiesOf(x: Tensor, k: number): Tensor {
  return asOneBatch(expand(reshape(x, [1, ...x.shape]), [k, ...x.shape]));
}

/** One batch of several, and what takes results apart again: one large pass is cheaper than several small ones. */
export function joined(parts: readonly Tensor[]): { all: Tensor; apart: (result: Tensor) => Tensor[] } {
  const sizes = parts.map((part) => part.shape[0]);
  return { all: concat(parts), apart: (result) => split(result, sizes) };
}

/** Logits and explanations φ = ∂ g_y / ∂x of a batch, or of k copies of it, from one forward pass: x [k·n,c,h,w], y i32 [n], or
 *  none for the class that g itself predicts. φ can be differentiated again. */
export function explained(g: Classifier, x: Tensor, y?: Tensor): { logits: Tensor; map: Tensor } {
  const [, logits, map] = valueAuxAndGrad((z: Tensor) => {
    const outputs = g(z);
    if (!y) return [sum(max(outputs, [1])), outputs];
    const chosen = oneHot(copiesOf(y, x.shape[0] / y.shape[0]), outputs.shape[1]);
    return [sum(mul(outputs, chosen)), outputs];
  })(x);
  return { logits, map };
}

/** Σ weight · term, leaving out terms of weight 0. At least one weight is not 0. */
export function weighted(...terms: readonly (readonly [weight: number, term: () => Tensor])[]): Tensor {
  return terms
    .filter(([weight]) => weight !== 0)
    .map(([weight, term]) => (weight === 1 ? term() : mul(term(), weight)))
    .reduce(add);
}
