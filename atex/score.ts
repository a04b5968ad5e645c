/**
 * What is explained: a score, one number per sample. This is the only place that picks a class out of a model's output.
 */
import { expand, logSoftmax, mul, oneHot, reshape, ShapeError, softmax, sum, type Tensor } from "../engine/index.js";

/** x [m, ...] → logits [m,C]: a model with its parameters, `(x) => model.apply(params, x)`. */
export type Classifier = (x: Tensor) => Tensor;

/** x [m, ...] → [m]. Where an explainer stacks several copies of a batch of n along the first side (m = k·n, copy after
 *  copy), sample i of a copy belongs to sample i of the batch. */
export type Score = (x: Tensor) => Tensor;

export interface ScoreOptions {
  /** Which output is explained; default the logit. Tang et al. 2022 and most attacks explain the logit; theorem 1 of the
   *  former is about the probability. */
  readonly of?: "logit" | "probability" | "logProbability";
}

/** The score of given classes: classes i32 [n]. @throws ShapeError when x does not hold whole copies of the batch. */
export function classScore(classifier: Classifier, classes: Tensor, { of = "logit" }: ScoreOptions = {}): Score {
  return (x) => {
    const n = classes.shape[0];
    const copies = x.shape[0] / n;
    if (!Number.isInteger(copies))
      throw new ShapeError(`classScore: ${x.shape[0]} samples for ${n} classes; a multiple of ${n} is needed`);
    const logits = classifier(x);
    const outputs = of === "logit" ? logits : of === "probability" ? softmax(logits) : logSoftmax(logits);
    const all = reshape(expand(classes, [copies, n]), [copies * n]);
    return sum(mul(outputs, oneHot(all, outputs.shape[1])), 1);
  };
}
