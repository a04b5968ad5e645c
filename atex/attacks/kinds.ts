/** What arguments may be (see engine/kinds.ts). */
import { aFlag, aFunction, anObject, aText } from "../../engine/kinds.js";
import { aBall } from "../kinds.js";

export const anObjective = anObject("an objective", { name: aText, against: aFunction });
export const aMember = anObject("a member", { name: aText, objective: anObjective, targeted: aFlag });
export const aConstraint = anObject("a constraint", { feasible: aFunction, back: aFunction });
export const aNeighbourhood = anObject("a neighbourhood", { ball: aBall });
