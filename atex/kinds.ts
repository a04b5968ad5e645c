/** What arguments of explanations may be (see engine/kinds.ts). */
import type { LongOptions } from "../engine/index.js";
import {
  aFunction,
  aNatural,
  anObject,
  anyNumber,
  aTensor,
  aText,
  either,
  listOf,
  numbers,
  tensorOf,
} from "../engine/kinds.js";
import { isRecord, type Kind, type KindsOf } from "../engine/options.js";
import { aDomain, aFeature, aList, anAbortSignalLike, anyObject } from "../nn/kinds.js";

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
export const anExplainer: Kind = {
  needed: "an explainer",
  remedy: "gradient, smoothGrad(...) or makeExplainer(name, settings, context) is one",
  fits: (v) => typeof v === "function" && isRecord((v as { info?: unknown }).info),
};
/** (name, x) → an explainer for these samples. */
export const aMaker: Kind = {
  needed: "a maker of explainers",
  remedy: "explainerMaker() gives one",
  fits: aFunction.fits,
};
export const explainers: Kind = listOf(anExplainer, "explainers");
export const classifiers: Kind = listOf(aClassifier, "classifiers");
export const aBall = anObject("a ball, such as linf(0.1),", { project: aFunction, sample: aFunction });
export const aStepRule = anObject("a rule of steps, such as signStep(0.01),", { init: aFunction, step: aFunction });
/** One for all samples, or one for each; what they may be is judged where they are used. */
export const aRadius: Kind = either(anyNumber, numbers);
export const anyNumbers: Kind = numbers;
export const texts: Kind = listOf(aText, "texts");
export const someFeatures: Kind = listOf(aFeature, "features");
export const someMaps: Kind = listOf(numbers, "maps, each a list of numbers");
export const someGroups = anObject("groups of features, such as patchGroups() gives,", {
  count: aNatural,
  shape: aList,
  masks: aFunction,
  spread: aFunction,
});
export const aFloat32Array: Kind = {
  needed: "a Float32Array",
  fits: (v) => ArrayBuffer.isView(v) && v instanceof Float32Array,
};
/** What calls that take long have. */
export const LONG_OPTIONS: KindsOf<LongOptions<unknown>> = { signal: anAbortSignalLike, onProgress: aFunction };
export const anEstimate = anObject("an estimate", { mean: anyNumber, half: anyNumber, n: anyNumber });
export const someSamples: Kind = tensorOf("a tensor of samples, f32[n,...],", (t) => t.dtype === "f32" && t.rank > 0);
/** What explainers are made with. */
export const anExplaining = anObject("what explainers are made with", {
  domain: aDomain,
  background: aTensor,
  seed: aNatural,
});
/** Numbers by name. */
export const numberRecord: Kind = {
  needed: "an object of numbers",
  fits: (v) => isRecord(v) && Object.values(v).every((one) => typeof one === "number"),
};
/** A row of a table of explainers, metrics or others that are made by name. */
export const anEntry = anObject("a row of a table", {
  name: aText,
  info: anyObject,
  options: anyObject,
  make: aFunction,
});
