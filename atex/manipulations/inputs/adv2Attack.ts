/** One perturbation for prediction and explanation at once. Source: Zhang, Wang, Shen, Ji, Luo, Wang 2020 ("Interpretable deep learning under
 *  fire"), sec. 3. */

import { add, argmax, equal, grad, mul, neg, scope, sub, sum, type Tensor, where } from "../../../engine/index.js";
import { aNumber, anObject, aTensor, required } from "../../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../../engine/options.js";
import { cosineDecay, crossEntropyPerSample, type FeatureRange } from "../../../nn/index.js";
import { aRange } from "../../../nn/kinds.js";
import { ascend } from "../../attacks/loop.js";
import type { StepRule } from "../../attacks/rules.js";
import type { Ball } from "../../balls.js";
import { type Explainer, saliencyMap } from "../../explainers/explainer.js";
import { aBall, anExplainer, aStepRule } from "../../kinds.js";
import { squaredErrorOf } from "../../metrics/similarities.js";
import { type Classifier, classScore } from "../../score.js";

/** How ADV2 searches; lengths are in units of the samples. */
export interface Adv2Options {
  readonly explainer: Explainer;
  readonly ball: Ball;
  readonly rule: StepRule;
  /** Valid values; default 0 to 1 for images [n,c,h,w], none otherwise. */
  readonly range?: FeatureRange;
  /** Steps on the prediction alone, from which the others begin. */
  readonly warmSteps: number;
  /** Steps on prediction and map, which shrink by a cosine. */
  readonly steps: number;
  /** λ, at least 0: of the mean squared difference of maps of mean 1. */
  readonly weight: number;
}

const ADV2_OPTIONS: KindsOf<Adv2Options> = {
  explainer: required(anExplainer),
  ball: required(aBall),
  rule: required(aStepRule),
  range: aRange,
  warmSteps: required(aNumber),
  steps: required(aNumber),
  weight: required(aNumber),
};

/** What ADV2 is applied to, and what it shall come to. */
export interface Adv2Target {
  /** x [n,...] → logits [n,C]: it decides whether a class is won. */
  readonly classifier: Classifier;
  /** Differentiated in its place: relu has no slopes for gradient maps; Grad-CAM needs none. Default the classifier. */
  readonly surrogate?: Classifier;
  /** [n, ...] */
  readonly x: Tensor;
  /** Classes to be predicted, i32 [n]. */
  readonly wanted: Tensor;
  /** Maps to be shown, of samples like `explainer`'s: [n, ...] as attributions are. */
  readonly benign: Tensor;
}

/** Samples within ball and range. */
export interface Adv2Result {
  /** The best iterate with the wanted class; where there was none, what `warmSteps` on the prediction alone came to. [n, ...] */
  readonly images: Tensor;
  /** The control, after `warmSteps` + `steps` on the prediction alone. [n, ...] */
  readonly plain: Tensor;
}

/** Subtracted from what has not the wanted class, so that nothing of the kind is ever the best. */
const FAR = 1e6;

/** CE(f(x'), c) + λ · mean (h(x') − h)², maps divided by their mean absolute value, [n]. Source: Zhang et al. 2020, eq. 3. */
export function adv2Loss(
  said: { readonly logits: Tensor; readonly map: Tensor },
  target: Pick<Adv2Target, "wanted" | "benign">,
  weight: number,
): Tensor {
  requireArguments("adv2Loss", {
    said: [said, anObject("an object", { logits: aTensor, map: aTensor })],
    target: [target, anObject("an object", { wanted: aTensor, benign: aTensor })],
    weight: [weight, aNumber],
  });
  const { logits, map } = said;
  const { wanted, benign } = target;
  const apart = squaredErrorOf("mean")(saliencyMap(benign), saliencyMap(map));
  return add(crossEntropyPerSample(logits, wanted), mul(apart, weight));
}

/** Minimises `adv2Loss` in the ball: first the prediction alone, then from there both; the best iterate that has the wanted class counts,
 *  else what the prediction alone came to. @throws RangeError for no steps or a negative weight. */
export function adv2Attack(options: Adv2Options): (target: Adv2Target) => Adv2Result {
  checkedOptions("adv2Attack", options, ADV2_OPTIONS);
  const { explainer, ball, rule, range, warmSteps, steps, weight } = options;
  if (![warmSteps, steps].every((v) => Number.isInteger(v) && v >= 1) || !(weight >= 0))
    throw new RangeError(
      `adv2Attack: ${warmSteps} and ${steps} steps, weight ${weight} given; integers of at least 1 and a weight of at least 0 are needed`,
    );
  return ({ classifier, surrogate = classifier, x, wanted, benign }) =>
    scope(() => {
      const search = { ball, rule, range };
      const prediction = (z: Tensor): Tensor => neg(crossEntropyPerSample(classifier(z), wanted));
      const warm = ascend(x, { ...search, steps: warmSteps, objective: prediction });
      const plain = ascend(x, { ...search, steps: warmSteps + steps, objective: prediction });
      const bothBy = (f: Classifier): ((z: Tensor) => Tensor) => {
        const score = classScore(f, wanted);
        return (z) => neg(adv2Loss({ logits: f(z), map: explainer(score, z) }, { wanted, benign }, weight));
      };
      const value = bothBy(classifier);
      const isWanted = (z: Tensor): Tensor => equal(argmax(classifier(z), 1), wanted);
      // The warm start is not the middle of the ball.
      const anchored: Ball = { ...ball, project: (moved) => ball.project(moved, x) };
      const found = ascend(warm.images, {
        ...{ ...search, ball: anchored, steps, schedule: cosineDecay(1, steps) },
        objective: (z) => {
          const v = value(z);
          return where(isWanted(z), v, sub(v, FAR));
        },
        guide: bothBy(surrogate),
        constraint: { feasible: isWanted, back: grad((z: Tensor) => sum(prediction(z))) },
      });
      return { images: found.images, plain: plain.images };
    }, "ADV2");
}
