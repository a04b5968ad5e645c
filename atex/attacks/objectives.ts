/** What an attack on an explanation wants of the map: a number per image to be made large. */

import { averageRank, mul, neg, square, sub, sum, type Tensor, topKMask } from "../../engine/index.js";
import { aCount, aTensor, listOf, required } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../engine/options.js";
import { saliencyMap } from "../explainers/explainer.js";
import { type AgreementName, agreementOf, anAgreementName, apart, importanceMap } from "../judge.js";
import { centreOfMass, relativeImportance, scaledToMax } from "../metrics/importance.js";
import { rows } from "../metrics/metric.js";
import { pearson } from "../metrics/similarities.js";
import { ssim } from "../metrics/ssim.js";
import { aMember } from "./kinds.js";

/** What an attack wants of a map: one number per sample, to be made large. */
export interface Objective {
  readonly name: string;
  /** Its gradient is zero at the clean image, so an attack has to start elsewhere in the ball. */
  readonly flatAtClean?: boolean;
  /** The region it wants filled, zeros and ones [n,h,w]. */
  readonly region?: Tensor;
  /** These are climbed in its place, and it decides what is best: for one without a slope of its own. */
  readonly ensemble?: Ensemble;
  /** Fixes what depends on the clean map: attribution [n,...] → the number to maximise, as a function of another attribution
   *  → [n]. Importance is that of pixels (summed over channels) or of a table's columns. */
  against(clean: Tensor): (attribution: Tensor) => Tensor;
}

/** One attack of an ensemble. */
export interface Member {
  /** What it is called in results: that of its objective's row. */
  readonly name: string;
  readonly objective: Objective;
  /** It wants the map to show something of somebody's choice. */
  readonly targeted: boolean;
  /** The measure it aims at. */
  readonly aims?: AgreementName;
}

/** What is climbed, and what decides. */
export interface Ensemble {
  readonly members: readonly Member[];
  readonly measure: AgreementName;
  /** Pixels or columns in the top-k intersection. */
  readonly k: number;
}

const ENSEMBLE_OPTIONS: KindsOf<Ensemble> = {
  members: required(listOf(aMember, "members")),
  measure: required(anAgreementName),
  k: required(aCount),
};

/** Relative importance of pixels or columns, [n,d]. */
function importance(attribution: Tensor): Tensor {
  return relativeImportance(saliencyMap(attribution));
}

/** Untargeted: minus the importance of the k most important pixels of the clean map. Source: Tang et al. 2022, sec. 5.2;
 *  Ghorbani et al. 2019, algorithm 1. */
export function topKSuppression(k = 50): Objective {
  requireArguments("topKSuppression", { k: [k, aCount] });
  return {
    name: `top-${k} suppression`,
    against(clean) {
      const mask = topKMask(importance(clean), k);
      return (attribution) => neg(sum(mul(importance(attribution), mask), 1));
    },
  };
}

/** Untargeted, aimed at rank correlation: minus the correlation of the map with the ranks of the clean map's pixels. On the authors'
 *  network it left a Spearman correlation of 0.56 where top-k suppression left 0.66 (eps 0.02, 25 steps). */
export function rankSuppression(): Objective {
  return {
    name: "rank suppression",
    against(clean) {
      const ranks = averageRank(importance(clean));
      return (attribution) => neg(pearson(ranks, importance(attribution)));
    },
  };
}

/** Targeted: the importance inside a mask [n,h,w] of zeros and ones, a 5×5 block in the paper. Source: Tang et al. 2022, sec. 5.2. */
export function targetRegion(mask: Tensor): Objective {
  requireArguments("targetRegion", { mask: [mask, aTensor] });
  return {
    name: "target region",
    region: mask,
    against: () => (attribution) => sum(mul(importance(attribution), rows(mask)), 1),
  };
}

/** Minus the mean squared difference to a target map [n,h,w], both scaled to sum 1. Source: Dombrowski et al. 2019, sec. 2. */
export function targetMap(target: Tensor): Objective {
  requireArguments("targetMap", { target: [target, aTensor] });
  return {
    name: "target map",
    against() {
      const wanted = relativeImportance(target);
      return (attribution) => neg(sum(square(sub(importance(attribution), wanted)), 1));
    },
  };
}

/** Squared distance, in pixels, between the map's centre of mass and the clean one's. Source: Ghorbani et al. 2019, sec. 2. */
export function massCentre(): Objective {
  return {
    name: "mass centre",
    flatAtClean: true,
    against(clean) {
      const origin = centreOfMass(clean);
      return (attribution) => sum(square(sub(centreOfMass(attribution), origin)), 1);
    },
  };
}

/** Minus the structural similarity of maps scaled to maximum 1, images of at least 11×11. Source: Wang et al. 2004 for the measure. */
export function structureSuppression(): Objective {
  const scaled = (attribution: Tensor): Tensor => scaledToMax(saliencyMap(attribution));
  return {
    name: "SSIM suppression",
    flatAtClean: true,
    against(clean) {
      const before = scaled(clean);
      return (attribution) => neg(ssim(before, scaled(attribution), { range: 1 }));
    },
  };
}

/** The worst of several attacks by a measure that has no slope of its own; see `attackEnsemble`. */
export function ensembleOf(options: Ensemble): Objective {
  const { members, measure, k } = checkedOptions("ensembleOf", options, ENSEMBLE_OPTIONS);
  return {
    name: `ensemble, worst by ${measure}`,
    flatAtClean: true,
    ensemble: { members, measure, k },
    against(clean) {
      const before = importanceMap(clean);
      return (attribution) => apart(measure, agreementOf(before, importanceMap(attribution), k, [measure])[measure]!);
    },
  };
}
