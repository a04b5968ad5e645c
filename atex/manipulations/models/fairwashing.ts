/** Fairwashing: a student answers like its teacher while its maps show what somebody chose. */

import {
  add,
  argmax,
  expand,
  gather,
  mean,
  mul,
  reshape,
  ShapeError,
  softmax,
  square,
  stopGradient,
  sub,
  sum,
  type Tensor,
  tensor,
} from "../../../engine/index.js";
import { aFunction, anObject, aPositiveNumber, aShare, aTensor, required } from "../../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../../engine/options.js";
import { type BatchLoss, type Domain, mse } from "../../../nn/index.js";
import { aDomain } from "../../../nn/kinds.js";
import { smoothed } from "../../attacks/surrogate.js";
import type { Explainer } from "../../explainers/explainer.js";
import { importanceMap } from "../../judge.js";
import { aClassifier, anExplainer, anyNumbers } from "../../kinds.js";
import { relativeImportance } from "../../metrics/importance.js";
import { rows } from "../../metrics/metric.js";
import { type Classifier, classScore } from "../../score.js";

/** The maps that are wanted: samples [n, ...] and the classes that the teacher predicts, i32 [n] → relative importance, [n,h,w] or [n,d]. */
export type WantedMaps = (x: Tensor, classes: Tensor) => Tensor;

/** One picture for all samples: [h,w], or [d] of a table; only its proportions count. */
export function wantedPicture(picture: Tensor): WantedMaps {
  requireArguments("wantedPicture", { picture: [picture, aTensor] });
  const importance = reshape(relativeImportance(reshape(picture, [1, -1])), picture.shape);
  return (x) => {
    const shape = x.rank === 4 ? x.shape.slice(2) : x.shape.slice(1);
    if (shape.join() !== picture.shape.join())
      throw new ShapeError(
        `wantedPicture: a picture of [${picture.shape}] for maps of [${shape}]; one shape is needed`,
      );
    return expand(reshape(importance, [1, ...shape]), [x.shape[0], ...shape]);
  };
}

/** The teacher's own maps without some elements of a table: [n,d] with zeros there, the rest sharing out their importance. */
export function mapsWithout(
  elements: readonly number[],
  by: { readonly teacher: Classifier; readonly explainer: Explainer },
  domain: Domain,
): WantedMaps {
  requireArguments("mapsWithout", {
    elements: [elements, anyNumbers],
    by: [by, anObject("an object", { teacher: aClassifier, explainer: anExplainer })],
    domain: [domain, aDomain],
  });
  const { teacher, explainer } = by;
  const kept = new Float32Array(domain.shape[0]).fill(1);
  for (const element of elements) kept[element] = 0;
  return (x, classes) => importanceMap(mul(explainer(classScore(teacher, classes), x), tensor(kept)));
}

/** Whom a student answers like, and what its maps shall show. */
export interface FairwashingOptions {
  /** Whose answers are learnt: x [n,...] → logits [n,C]. */
  readonly teacher: Classifier;
  /** Through which the maps are made; has to have a derivative. */
  readonly explainer: Explainer;
  /** What maps shall show: `wantedPicture`, `mapsWithout` or a function of your own. */
  readonly wanted: WantedMaps;
  /** Share of the maps in the loss, in [0, 1]; default 0.8. */
  readonly share?: number;
  /** Maps are those of the student with softplus of this sharpness in place of relu, above 0; default 20. */
  readonly beta?: number;
}

const FAIRWASHING_OPTIONS: KindsOf<FairwashingOptions> = {
  teacher: required(aClassifier),
  explainer: required(anExplainer),
  wanted: required(aFunction),
  share: aShare,
  beta: aPositiveNumber,
};

/**
 * (1 − a) MSE(p_s, p_t) + a Σ (h_s − h_wanted)², p softmax, h relative importance (sum 1) for the class that the teacher predicts, the
 * sum over elements and the mean over samples. Labels are not used. Source: Anders et al. 2020, sec. 2.3, with both terms weighted.
 */
export function fairwashingLoss(options: FairwashingOptions): BatchLoss {
  const {
    teacher,
    explainer,
    wanted,
    share = 0.8,
    beta = 20,
  } = checkedOptions("fairwashingLoss", options, FAIRWASHING_OPTIONS);
  return (model, params, x, _labels, context) => {
    const student = (z: Tensor): Tensor => model.apply(params, z, context);
    const [answers, classes, maps] = stopGradient(() => {
      const logits = teacher(x);
      const own = argmax(logits, 1);
      return [softmax(logits), own, wanted(x, own)];
    });
    const logits = student(x);
    const shown = importanceMap(explainer(classScore(smoothed(student, beta), classes), x));
    const apart = mean(sum(square(sub(rows(shown), rows(maps))), 1));
    return [add(mul(mse(softmax(logits), answers), 1 - share), mul(apart, share)), logits];
  };
}

/** Importance of some elements of a table, in units of what each would have if all were alike: 0 for none, 1 for the average, d at most.
 *  Attribution [n,d] → [n] */
export function relevanceOf(elements: readonly number[], attribution: Tensor): Tensor {
  const share = sum(gather(importanceMap(attribution), tensor(Int32Array.from(elements)), 1), 1);
  return mul(share, attribution.shape[1] / elements.length);
}
