/** Attacks on predictions: the loop of the attacks on explanations, with the loss for an objective and no constraint. */

import { argmax, notEqual, type Tensor } from "../../engine/index.js";
import { aCount, aNatural, aNumberOfAtLeast0, required } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../engine/options.js";
import type { Piece } from "../../engine/turns.js";
import { crossEntropyPerSample } from "../../nn/index.js";
import { linf } from "../balls.js";
import type { Classifier } from "../score.js";
import { type Attack, attackOf } from "./attack.js";
import { ascent, requireKey, requireSearch, SEARCH_OPTIONS, type Search } from "./loop.js";
import { signStep } from "./rules.js";

/** What an attack on predictions is applied to. */
export interface PredictionTarget {
  /** x [n,...] → logits [n,C]. */
  readonly classifier: Classifier;
  /** Samples [n,...]. */
  readonly x: Tensor;
  /** True classes, i32 [n]. */
  readonly labels: Tensor;
  /** Key of the random starts. */
  readonly key?: Tensor;
}

/** The attacked samples, all in the ball and the valid range, with their cross-entropy in nats. */
export interface PredictionAttackResult {
  /** The iterate of the largest loss of each image, the clean one included. [n,...] */
  readonly images: Tensor;
  /** Cross-entropy of the clean and of the returned images, [n] each. */
  readonly before: Tensor;
  readonly after: Tensor;
  /** 1 where the returned image is not classified as labelled. [n] */
  readonly fooled: Tensor;
}

/** An attack on predictions, as `attackPrediction`, `fgsmAttack` and `pgdAttack` make it. */
export type PredictionAttack = Attack<PredictionTarget, PredictionAttackResult>;

/** Maximises the cross-entropy of the true class over the ball and the valid range; the best iterate of each image is kept. Inside
 *  a captured training step it becomes part of the step. @throws TypeError for random starts without a key. */
export function attackPrediction(search: Search): PredictionAttack {
  checkedOptions("attackPrediction", search, SEARCH_OPTIONS);
  requireSearch("attackPrediction", search);
  return attackOf("attackPrediction", (target) => {
    requireKey("attackPrediction", search.restarts ?? 0, target.key);
    return pieces(search, target);
  });
}

function* pieces(
  search: Search,
  { classifier, x, labels, key }: PredictionTarget,
): Generator<Piece, PredictionAttackResult, void> {
  const found = yield* ascent(x, { ...search, objective: (z) => crossEntropyPerSample(classifier(z), labels), key });
  return { ...found, fooled: notEqual(argmax(classifier(found.images), 1), labels) };
}

/** Fast gradient sign method: one step of the whole radius. Source: Goodfellow, Shlens, Szegedy 2015, sec. 4. */
export function fgsmAttack(radius: number): PredictionAttack {
  requireArguments("fgsmAttack", { radius: [radius, aNumberOfAtLeast0] });
  return attackPrediction({ ball: linf(radius), rule: signStep(radius), steps: 1 });
}

/** Projected gradient ascent in an L-inf ball; lengths are in units of the samples and at least 0. */
export interface PgdAttackOptions {
  /** Size of the L-inf ball. */
  readonly radius: number;
  /** Steps from each start, at least 1. */
  readonly steps: number;
  /** Length of a step; default 2.5 · radius / steps, so that the far side of the ball can be reached. */
  readonly size?: number;
  /** Random starts besides the one at the image itself; default 1. */
  readonly restarts?: number;
}

const PGD_ATTACK_OPTIONS: KindsOf<PgdAttackOptions> = {
  radius: required(aNumberOfAtLeast0),
  steps: required(aCount),
  size: aNumberOfAtLeast0,
  restarts: aNatural,
};

/** Projected gradient ascent with sign steps from the image and from random starts. Source: Madry et al. 2018, sec. 2.1. */
export function pgdAttack(options: PgdAttackOptions): PredictionAttack {
  const {
    radius,
    steps,
    size = (2.5 * radius) / steps,
    restarts = 1,
  } = checkedOptions("pgdAttack", options, PGD_ATTACK_OPTIONS);
  return attackPrediction({ ball: linf(radius), rule: signStep(size), steps, restarts });
}
