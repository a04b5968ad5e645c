/**
 * Attacks on explanations: change an image a little so that its map says something else and its prediction stays. Assembled from
 * an objective, a ball, a step rule and an explainer; configuration first, data after.
 */
import {
  abs,
  argmax,
  describe,
  equal,
  grad,
  lessEqual,
  logSoftmax,
  max,
  mul,
  oneHot,
  ShapeError,
  sub,
  sum,
  type Tensor,
} from "../../engine/index.js";
import type { Piece } from "../../engine/turns.js";
import type { Explainer } from "../explainers/explainer.js";
import { type Classifier, classScore, type ScoreOptions } from "../score.js";
import { type Attack, attackOf } from "./attack.js";
import { ascent, requireKey, requireSearch, type Search } from "./loop.js";
import type { Objective } from "./objectives.js";

export interface ExplanationAttackOptions extends ScoreOptions, Search {
  readonly explainer: Explainer;
  readonly objective: Objective;
  /** Random starts inside the ball besides the one at the image itself; default 0, or 1 for an objective that is flat there.
   *  Needs a key. */
  readonly restarts?: number;
  /** Largest change of any logit, eq. 1's bound on the output; default none. */
  readonly outputBound?: number;
}

export interface AttackTarget {
  /** The network under attack: its maps and predictions count. */
  readonly classifier: Classifier;
  /** Differentiated in its place: one with the same weights and softplus for relu, whose curvature is zero (Dombrowski et al. 2019,
   *  sec. 3.3), or another network altogether, for an attack that transfers. Default the classifier itself. */
  readonly surrogate?: Classifier;
  /** Samples [n,...]: images [n,c,h,w], rows [n,d]. */
  readonly x: Tensor;
  /** Key of the random starts. */
  readonly key?: Tensor;
}

export interface AttackResult {
  /** The best feasible image of each sample; the clean image where none was better. [n,...] */
  readonly images: Tensor;
  /** Predicted classes of the clean images, which every returned image keeps. i32 [n] */
  readonly classes: Tensor;
  /** Objective of the clean and of the returned images, [n] each. */
  readonly before: Tensor;
  readonly after: Tensor;
}

/**
 * Maximises the objective over x' in the ball, inside the valid range and with the classifier's prediction unchanged
 * (Tang et al. 2022, eq. 1): every iterate is judged, the best feasible one of each image is kept. While an image's prediction
 * is lost it steps back up the log-probability of its class. Second order through the network; each step is one replay.
 */
export function attackExplanation(options: ExplanationAttackOptions): Attack<AttackTarget, AttackResult> {
  const { flatAtClean } = options.objective;
  const search = { ...options, flatAtClean, restarts: options.restarts ?? (flatAtClean ? 1 : 0) };
  requireSearch("attackExplanation", search);
  return attackOf("attackExplanation", (target) => {
    const { x, key } = target;
    if (x.rank < 2)
      throw new ShapeError(
        `attackExplanation: x is ${describe(x)}; samples [n,...] such as [n,c,h,w] or [n,d] are needed`,
      );
    requireKey("attackExplanation", search.restarts, key);
    return pieces(search, target);
  });
}

function* pieces(
  { explainer, objective, outputBound, ...search }: ExplanationAttackOptions,
  { classifier, surrogate, x, key }: AttackTarget,
): Generator<Piece, AttackResult, void> {
  const logits = classifier(x);
  const classes = argmax(logits, 1);
  const chosen = oneHot(classes, logits.shape[1]);
  const mapBy = (f: Classifier): ((z: Tensor) => Tensor) => {
    const score = classScore(f, classes, search);
    return (z) => explainer(score, z);
  };
  const value = objective.against(mapBy(classifier)(x));
  const valueBy = (f: Classifier): ((z: Tensor) => Tensor) => {
    const map = mapBy(f);
    return (z) => value(map(z));
  };
  const feasible = (z: Tensor): Tensor => {
    const now = classifier(z);
    const same = equal(argmax(now, 1), classes);
    return outputBound === undefined ? same : mul(same, lessEqual(max(abs(sub(now, logits)), 1), outputBound));
  };
  const back = grad((z: Tensor) => sum(mul(logSoftmax(classifier(z)), chosen)));
  const found = yield* ascent(x, {
    ...search,
    objective: valueBy(classifier),
    guide: surrogate && valueBy(surrogate),
    constraint: { feasible, back },
    key,
  });
  return { ...found, classes };
}
