/** The one judge of maps: how much explanations of changed inputs agree with those of the clean ones. */

import { neg, reshape, type Tensor } from "../engine/index.js";
import { aCount, aTensor, required, wordOf } from "../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../engine/options.js";
import { aList } from "../nn/kinds.js";
import { type Explainer, saliencyMap } from "./explainers/explainer.js";
import { aClassifier, anExplainer, texts } from "./kinds.js";
import { relativeImportance } from "./metrics/importance.js";
import { WINDOW } from "./metrics/ssim.js";
import { metricEntryOf, type SimilarityName, similaritiesOf } from "./metrics/table.js";
import { type Classifier, classScore } from "./score.js";

/** What is compared, by the names that results carry; SSIM only where maps are images, large enough for its window, and the shift of
 *  the centre of mass, in pixels, only where they are images. */
export type AgreementName = "spearman" | "topK" | "cosine" | "ssim" | "centre";
const MEASURES: Readonly<Record<AgreementName, SimilarityName>> = {
  spearman: "spearman",
  topK: "top-k",
  cosine: "cosine",
  ssim: "ssim",
  centre: "mass-centre-shift",
};
export const anAgreementName = wordOf(...Object.keys(MEASURES));
/** What is compared unless told otherwise. */
const USUAL: readonly AgreementName[] = ["spearman", "topK", "cosine", "ssim"];

/** Agreement of two maps by the measures that were asked for, [n] each: "spearman", "cosine" and "ssim" in [-1, 1], "topK" in [0,
 *  1], all 1 for equal maps; "centre" in pixels, 0 for equal maps. */
export type Agreed = Readonly<Partial<Record<AgreementName, Tensor>> & Record<"spearman" | "topK" | "cosine", Tensor>>;

/** How much two maps agree, per sample [n]: maps [n,h,w] or [n,d], k pixels or columns in the top-k intersection. What maps of this
 *  shape do not have is left out. */
export function agreementOf(a: Tensor, b: Tensor, k: number, wanted: readonly AgreementName[] = USUAL): Agreed {
  requireArguments("agreementOf", { a: [a, aTensor], b: [b, aTensor], k: [k, aCount], wanted: [wanted, texts] });
  const side = a.rank === 3 ? Math.min(a.shape[1], a.shape[2]) : 0;
  const smallest: Partial<Record<AgreementName, number>> = { ssim: WINDOW, centre: 1 };
  const names = wanted.filter((name) => side >= (smallest[name] ?? 0));
  const found = similaritiesOf(
    a,
    b,
    names.map((name) => MEASURES[name]),
    names.includes("topK") ? { "top-k": { k } } : {},
  );
  return Object.fromEntries(names.map((name) => [name, found[MEASURES[name]]])) as unknown as Agreed;
}

/** Whether larger values of a measure say that maps are less alike. */
export function growsApart(name: AgreementName): boolean {
  requireArguments("growsApart", { name: [name, anAgreementName] });
  return metricEntryOf(MEASURES[name]).info.larger === "less alike";
}

/** A measure's values with the sign that makes them large where maps are unlike: [n] → [n]. */
export function apart(name: AgreementName, value: Tensor): Tensor {
  return growsApart(name) ? value : neg(value);
}

/** Relative importance of pixels or columns: what is compared and kept. Attribution [n,c,h,w] → [n,h,w], [n,d] → [n,d]. */
export function importanceMap(attribution: Tensor): Tensor {
  requireArguments("importanceMap", { attribution: [attribution, aTensor] });
  const map = saliencyMap(attribution);
  return reshape(relativeImportance(map), map.shape);
}

/** Whose explanations are compared, at which clean samples, and by what. */
export interface JudgeOptions {
  /** x [n,...] → logits [n,C]; what is explained is the logit of `classes`. */
  readonly classifier: Classifier;
  readonly explainer: Explainer;
  /** The explained classes, i32 [n]. */
  readonly classes: Tensor;
  /** The clean samples. */
  readonly x: Tensor;
  /** Pixels or columns in the top-k intersection. */
  readonly k: number;
  /** What is compared; default all but the centre of mass. */
  readonly measures?: readonly AgreementName[];
}

const JUDGE_OPTIONS: KindsOf<JudgeOptions> = {
  classifier: required(aClassifier),
  explainer: required(anExplainer),
  classes: required(aTensor),
  x: required(aTensor),
  k: required(aCount),
  measures: aList,
};

/** Compares explanations of changed samples with those of the clean ones, in the same order. */
export interface Judge {
  /** Relative importance at the clean samples, [n,h,w] or [n,d]. */
  readonly clean: Tensor;
  /** Relative importance at other samples, and how much it agrees with the clean one. */
  (samples: Tensor): { readonly map: Tensor; readonly agreement: Agreed };
}

/** Explains samples for the same classes as the clean ones and compares. */
export function judgeOf(options: JudgeOptions): Judge {
  const { classifier, explainer, classes, x, k, measures } = checkedOptions("judgeOf", options, JUDGE_OPTIONS);
  const score = classScore(classifier, classes);
  const mapOf = (samples: Tensor): Tensor => importanceMap(explainer(score, samples));
  const clean = mapOf(x);
  const judge = (samples: Tensor): ReturnType<Judge> => {
    const map = mapOf(samples);
    return { map, agreement: agreementOf(clean, map, k, measures) };
  };
  return Object.assign(judge, { clean });
}
