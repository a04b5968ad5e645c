/** What arguments may be (see engine/kinds.ts). */
import { aFlag, aFunction, aNumber, anObject, anyNumber, aText, aTree, wordOf } from "../../engine/kinds.js";
import { anyObject } from "../../nn/kinds.js";
import { aFloat32Array, anyNumbers } from "../kinds.js";

export const aSanitySimilarity = anObject("a sanity similarity", { name: aText, compare: aFunction });
export const anOrder = wordOf("cascading", "independent");
export const aSanityResult = anObject("a sanity result", {
  order: anOrder,
  stages: anyObject,
});
export const aSuiteExplainer = anObject("a suite explainer", { name: aText, make: aFunction });
export const aTwin = anObject("a twin", { params: aTree, accuracy: anyNumber, epochs: anyNumber, samples: anyNumber });
export const aSanityStage = anObject("a sanity stage", {
  similarity: anyObject,
  entropy: anyNumbers,
  kept: aFloat32Array,
});
export const aRandomised = anObject("a network drawn anew", { layer: aText, params: aTree });
export const someThresholds = anObject("thresholds, as sanityThresholds gives them,", {
  unchanged: aNumber,
  lost: aNumber,
  gap: aNumber,
  invariant: aNumber,
  memorised: aNumber,
});
export const anInvariance = anObject("an invariance, as invarianceOf() gives it,", {
  median: anyNumber,
  invariant: aFlag,
});
export const aStageSummary = anObject("a summary of a stage", { similarity: anyObject });
