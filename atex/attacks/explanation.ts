/**
 * Attacks on explanations: change an image a little so that its map says something else and its prediction stays. Assembled from
 * an objective, a ball, a step rule and an explainer; configuration first, data after.
 */

import { describe, ShapeError, type Tensor } from "../../engine/index.js";
import { aCount, aNatural, required } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf } from "../../engine/options.js";
import type { Piece } from "../../engine/turns.js";
import { apart } from "../judge.js";
import type { Classifier } from "../score.js";
import { type Attack, attackOf } from "./attack.js";
import { ensemble } from "./ensemble.js";
import { anObjective } from "./kinds.js";
import { ascent, requireKey, requireSearch, SEARCH_OPTIONS, type Search } from "./loop.js";
import type { Ensemble, Objective } from "./objectives.js";
import { UNDER_ATTACK_OPTIONS, type UnderAttackOptions, underAttack } from "./underAttack.js";

/** An attack on explanations: whose map (`explainer`), what is wanted of it (`objective`), how far samples may move (`ball`, in
 *  their units) and how (`rule`, `steps`, `schedule`). The prediction always has to stay. */
export interface ExplanationAttackOptions extends UnderAttackOptions, Search {
  /** Fixed on each sample's clean map, then made large. */
  readonly objective: Objective;
  /** Random starts inside the ball besides the one at the image itself; default 0, or 1 for an objective that is flat there.
   *  Needs a key. */
  readonly restarts?: number;
}

const EXPLANATION_ATTACK_OPTIONS: KindsOf<ExplanationAttackOptions> = {
  ...UNDER_ATTACK_OPTIONS,
  ...SEARCH_OPTIONS,
  objective: required(anObjective),
  steps: required(aCount),
  restarts: aNatural,
};

/** Which samples are attacked, on which network and through which. */
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

/** The attacked samples, and the objective before and after on the network under attack, whatever the surrogate. */
export interface AttackResult {
  /** The best feasible image of each sample; the clean image where none was better. [n,...] */
  readonly images: Tensor;
  /** Predicted classes of the clean images, which every returned image keeps. i32 [n] */
  readonly classes: Tensor;
  /** Objective of the clean and of the returned images, [n] each. */
  readonly before: Tensor;
  readonly after: Tensor;
  /** Maps that were differentiated for each sample. */
  readonly passes: number;
}

/**
 * Maximises the objective over x' in the ball, inside the valid range and with the classifier's prediction unchanged
 * (Tang et al. 2022, eq. 1): every iterate is judged, the best feasible one of each image is kept. While an image's prediction
 * is lost it steps back up the log-probability of its class. Second order through the network; each step is one replay.
 */
export function attackExplanation(options: ExplanationAttackOptions): Attack<AttackTarget, AttackResult> {
  checkedOptions("attackExplanation", options, EXPLANATION_ATTACK_OPTIONS);
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
  options: ExplanationAttackOptions & { readonly restarts: number },
  { classifier, surrogate, x, key }: AttackTarget,
): Generator<Piece, AttackResult, void> {
  const { objective, steps, restarts } = options;
  if (objective.ensemble) return yield* throughEnsemble(options, objective.ensemble, { classifier, surrogate, x, key });
  const { classes, mapBy, constraint } = underAttack(options, classifier, x);
  const value = objective.against(mapBy(classifier)(x));
  const valueBy = (f: Classifier): ((z: Tensor) => Tensor) => {
    const map = mapBy(f);
    return (z) => value(map(z));
  };
  const { images, before, after } = yield* ascent(x, {
    ...options,
    objective: valueBy(classifier),
    guide: surrogate && valueBy(surrogate),
    constraint,
    key,
  });
  const starts = restarts + Number(!objective.flatAtClean);
  return { images, before, after, classes, passes: steps * starts };
}

/** The samples that are worst by the one measure that was asked for. */
function* throughEnsemble(
  options: ExplanationAttackOptions,
  { members, measure, k }: Ensemble,
  { classifier, surrogate, x, key }: AttackTarget,
): Generator<Piece, AttackResult, void> {
  const search = { ...options, members, k, measures: [measure] };
  const { classes, worst, passes } = yield* ensemble(search, { classifier, surrogate, x, key: key! });
  const { images, value } = worst[measure]!;
  const map = underAttack(options, classifier, x).mapBy(classifier)(x);
  const before = options.objective.against(map)(map);
  return { images, before, after: apart(measure, value), classes, passes };
}
