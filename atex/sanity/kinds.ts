/** What arguments may be (see engine/kinds.ts). */
import { aFunction, anObject, anyNumber, aText, aTree, wordOf } from "../../engine/kinds.js";
import { anyObject } from "../../nn/kinds.js";
import { aFloat32Array, anyNumbers } from "../kinds.js";

export const aSanitySimilarity = anObject("a sanity similarity", { name: aText, compare: aFunction });
export const aSanityResult = anObject("a sanity result", {
  order: wordOf("cascading", "independent"),
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
