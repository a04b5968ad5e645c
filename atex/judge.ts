/** The one judge of maps: how much explanations of changed inputs agree with those of the clean ones. */
import { reshape, type Tensor } from "../engine/index.js";
import { type Explainer, saliencyMap } from "./explainers/explainer.js";
import { relativeImportance } from "./metrics/importance.js";
import { WINDOW } from "./metrics/ssim.js";
import { type SimilarityName, similaritiesOf } from "./metrics/table.js";
import { type Classifier, classScore } from "./score.js";

/** What is compared, by the names that results carry; SSIM only where maps are images, large enough for its window. */
export type AgreementName = "spearman" | "topK" | "cosine" | "ssim";
const MEASURES: Readonly<Record<AgreementName, SimilarityName>> = {
  spearman: "spearman",
  topK: "top-k",
  cosine: "cosine",
  ssim: "ssim",
};

export type Agreed = Readonly<Partial<Record<AgreementName, Tensor>> & Record<"spearman" | "topK" | "cosine", Tensor>>;

/** How much two maps agree, per sample [n]: maps [n,h,w] or [n,d], k pixels or columns in the top-k intersection. */
export function agreementOf(a: Tensor, b: Tensor, k: number): Agreed {
  const hasWindow = a.rank === 3 && Math.min(a.shape[1], a.shape[2]) >= WINDOW;
  const names = (Object.keys(MEASURES) as AgreementName[]).filter((name) => name !== "ssim" || hasWindow);
  const found = similaritiesOf(
    a,
    b,
    names.map((name) => MEASURES[name]),
    { "top-k": { k } },
  );
  return Object.fromEntries(names.map((name) => [name, found[MEASURES[name]]])) as unknown as Agreed;
}

/** Relative importance of pixels or columns: what is compared and kept. Attribution [n,c,h,w] → [n,h,w], [n,d] → [n,d]. */
export function importanceMap(attribution: Tensor): Tensor {
  const map = saliencyMap(attribution);
  return reshape(relativeImportance(map), map.shape);
}

export interface JudgeOptions {
  readonly classifier: Classifier;
  readonly explainer: Explainer;
  /** The explained classes, i32 [n]. */
  readonly classes: Tensor;
  /** The clean samples. */
  readonly x: Tensor;
  /** Pixels or columns in the top-k intersection. */
  readonly k: number;
}

export interface Judge {
  /** Relative importance at the clean samples, [n,h,w] or [n,d]. */
  readonly clean: Tensor;
  /** Relative importance at other samples, and how much it agrees with the clean one. */
  (samples: Tensor): { readonly map: Tensor; readonly agreement: Agreed };
}

/** Explains samples for the same classes as the clean ones and compares. */
export function judgeOf({ classifier, explainer, classes, x, k }: JudgeOptions): Judge {
  const score = classScore(classifier, classes);
  const mapOf = (samples: Tensor): Tensor => importanceMap(explainer(score, samples));
  const clean = mapOf(x);
  const judge = (samples: Tensor): ReturnType<Judge> => {
    const map = mapOf(samples);
    return { map, agreement: agreementOf(clean, map, k) };
  };
  return Object.assign(judge, { clean });
}
