/**
 * What is explained: a score, one number per sample. This is the only place that picks a class out of a model's output.
 */

import {
  describe,
  expand,
  logSoftmax,
  mul,
  oneHot,
  reshape,
  ShapeError,
  softmax,
  sum,
  type Tensor,
} from "../engine/index.js";
import { aTensor, requireTensor, wordOf } from "../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../engine/options.js";
import { aClassifier } from "./kinds.js";

/** x [m, ...] → logits [m,C]: a model with its parameters, `(x) => model.apply(params, x)`. */
export interface Classifier {
  (x: Tensor): Tensor;
  /** Never set on a plain function; tells the types of classifiers and scores apart. */
  readonly gives?: "logits";
}

/** x [m, ...] → [m]. Where an explainer stacks several copies of a batch of n along the first side (m = k·n, copy after
 *  copy), sample i of a copy belongs to sample i of the batch. */
export interface Score {
  (x: Tensor): Tensor;
  readonly gives?: "scores";
}

/** The score as an explainer asks it, which looks at what comes back: the gradient of a sum over logits would pass for that of a
 *  score. @throws ShapeError unless there is one f32 number per sample. */
export function checkedScore(who: string, score: Score): Score {
  return (x) => {
    const y = score(x);
    requireTensor(who, y);
    if (y.rank !== 1 || y.shape[0] !== x.shape[0] || y.dtype !== "f32")
      throw new ShapeError(
        `${who}: the score gave ${describe(y)} for x ${describe(x)}; one number per sample, f32[${x.shape[0]}], is needed` +
          `${y.rank === 2 ? "; choose a class with classScore(classifier, classes)" : "; sum over all sides but the first"}`,
      );
    return y;
  };
}

/** What a classifier says of x, [n,C]. @throws ShapeError for what are no logits, such as scores. */
export function logitsOf(who: string, classifier: Classifier, x: Tensor): Tensor {
  const y = classifier(x);
  requireTensor(who, y);
  if (y.rank !== 2 || y.shape[0] !== x.shape[0] || y.dtype !== "f32")
    throw new ShapeError(
      `${who}: the classifier gave ${describe(y)} for x ${describe(x)}; logits f32[${x.shape[0] ?? "n"},C] are needed`,
    );
  return y;
}

/** Which number of a classifier's output is explained. */
export interface ScoreOptions {
  /** Which output is explained; default the logit. Tang et al. 2022 and most attacks explain the logit; theorem 1 of the
   *  former is about the probability. */
  readonly of?: "logit" | "probability" | "logProbability";
}

export const SCORE_OPTIONS: KindsOf<ScoreOptions> = {
  of: wordOf("logit", "probability", "logProbability"),
};

/** The score of given classes: classes i32 [n]. @throws ShapeError when x does not hold whole copies of the batch. */
export function classScore(classifier: Classifier, classes: Tensor, options: ScoreOptions = {}): Score {
  requireArguments("classScore", { classifier: [classifier, aClassifier], classes: [classes, aTensor] });
  const { of = "logit" } = checkedOptions("classScore", options, SCORE_OPTIONS);
  if (classes.dtype !== "i32" || classes.rank !== 1)
    throw new ShapeError(`classScore: classes are ${describe(classes)}; i32[n] is needed, such as argmax(logits, 1)`);
  const score = (x: Tensor): Tensor => {
    requireTensor("classScore", x);
    const n = classes.shape[0];
    const copies = x.shape[0] / n;
    if (!Number.isInteger(copies))
      throw new ShapeError(`classScore: ${x.shape[0]} samples for ${n} classes; a multiple of ${n} is needed`);
    const logits = logitsOf("classScore", classifier, x);
    const outputs = of === "logit" ? logits : of === "probability" ? softmax(logits) : logSoftmax(logits);
    const all = reshape(expand(classes, [copies, n]), [copies * n]);
    return sum(mul(outputs, oneHot(all, outputs.shape[1])), 1);
  };
  return Object.assign(score, { gives: "scores" } as const);
}
