/** What arguments may be (see engine/kinds.ts). */
import { aKey, aNumber, anObject, aTensor, numbers, tupleOf } from "../../engine/kinds.js";
import { aDomain } from "../../nn/kinds.js";

export const aSegments = anObject("segments, as segmentImages() gives them,", {
  labels: numbers,
  shape: tupleOf(aNumber, 3, "numbers"),
  count: aNumber,
});
export const aBackground = anObject("a background", { rows: aTensor });
export const anExplainerContext = anObject("an explainer context", { domain: aDomain, key: aKey });
