/** What arguments may be (see engine/kinds.ts). */
import { aCount, aFunction, aNumberOfAtLeast0, anObject, aShape, aTensor, aText } from "../../engine/kinds.js";
import { aList, anyObject } from "../../nn/kinds.js";

export const aKeptPredictions = anObject("kept predictions, as teacherPredictions() gives them,", {
  along: anyObject,
  logits: aTensor,
});
export const aKeptDirections = anObject("kept directions, as explanationDirections() gives them,", {
  shape: aShape,
  words: aTensor,
});
export const aDefence = anObject("a defence", { formula: aText, loss: aFunction, name: aText, source: aText });
export const aDefenceInfo = anObject("what a defence says of itself", { name: aText, source: aText });
export const aDefenceEntry = anObject("a defence entry", {
  name: aText,
  info: aDefenceInfo,
  order: aCount,
  needs: aList,
  options: anyObject,
  presets: anyObject,
  make: aFunction,
});
export const aDefenceContext = anObject("a defence context", { eps: aNumberOfAtLeast0 });
