/** What an attack on explanations works with: the maps of the classes that are predicted, and which samples keep the prediction. */
import {
  abs,
  argmax,
  equal,
  grad,
  lessEqual,
  logSoftmax,
  max,
  mul,
  oneHot,
  sub,
  sum,
  type Tensor,
} from "../../engine/index.js";
import { aNumberOfAtLeast0, required } from "../../engine/kinds.js";
import type { KindsOf } from "../../engine/options.js";
import type { Explainer } from "../explainers/explainer.js";
import { anExplainer } from "../kinds.js";
import { type Classifier, classScore, SCORE_OPTIONS, type ScoreOptions } from "../score.js";
import type { Constraint } from "./loop.js";

export interface UnderAttackOptions extends ScoreOptions {
  readonly explainer: Explainer;
  /** Largest change of any logit, eq. 1's bound on the output; default none. */
  readonly outputBound?: number;
}

export const UNDER_ATTACK_OPTIONS: KindsOf<UnderAttackOptions> = {
  ...SCORE_OPTIONS,
  explainer: required(anExplainer),
  outputBound: aNumberOfAtLeast0,
};

export interface UnderAttack {
  /** Predicted classes of the clean samples. i32 [n] */
  readonly classes: Tensor;
  /** What a network says to its classes, as a function of the samples: attributions [n,...]. */
  mapBy(f: Classifier): (z: Tensor) => Tensor;
  /** Samples may be returned that keep their prediction, and their logits within the bound. */
  readonly constraint: Constraint;
}

export function underAttack(
  { explainer, outputBound, ...scoring }: UnderAttackOptions,
  classifier: Classifier,
  x: Tensor,
): UnderAttack {
  const logits = classifier(x);
  const classes = argmax(logits, 1);
  const chosen = oneHot(classes, logits.shape[1]);
  return {
    classes,
    mapBy(f) {
      const score = classScore(f, classes, { of: scoring.of });
      return (z) => explainer(score, z);
    },
    constraint: {
      feasible(z) {
        const now = classifier(z);
        const same = equal(argmax(now, 1), classes);
        return outputBound === undefined ? same : mul(same, lessEqual(max(abs(sub(now, logits)), 1), outputBound));
      },
      back: grad((z: Tensor) => sum(mul(logSoftmax(classifier(z)), chosen))),
    },
  };
}
