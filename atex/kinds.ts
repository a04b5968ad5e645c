/** What arguments of explanations may be (see engine/kinds.ts). */
import type { Kind } from "../engine/options.js";

export const aScore: Kind = {
  needed: "a score, a function of x [n,...] that gives one number per sample,",
  remedy: "classScore(classifier, classes) makes one",
  fits: (v) => typeof v === "function" && (v as { gives?: unknown }).gives !== "logits",
};
export const aClassifier: Kind = {
  needed: "a classifier, a function of x [n,...] that gives logits [n,C],",
  remedy: "(x) => model.apply(params, x) is one",
  fits: (v) => typeof v === "function" && (v as { gives?: unknown }).gives !== "scores",
};
