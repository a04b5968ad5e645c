/** What arguments may be (see engine/kinds.ts). */
import { aCount, aFunction, anObject, aTensor, aText, numbers } from "../../engine/kinds.js";

export const aSignedMap = anObject("a signed map", { importance: numbers, signed: numbers });
export const aTreated = anObject("treated people", { predictions: numbers, labels: numbers, groups: numbers });
export const aGroups = anObject("groups of features", { count: aCount, values: aTensor, spread: aFunction });
export const anImputer = anObject("an imputer", { name: aText, draws: aCount, fill: aFunction });
