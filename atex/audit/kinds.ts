/** What arguments may be (see engine/kinds.ts). */
import {
  aCount,
  aFlag,
  aFunction,
  aNatural,
  aNumber,
  aNumberOfAtLeast0,
  anObject,
  anyNumber,
  aPositiveNumber,
  aShare,
  aTensor,
  aText,
  aTree,
  listOf,
  maybe,
  numbers,
  wordOf,
} from "../../engine/kinds.js";
import { aDomain, aLayer, aList, anyObject, aSplit, textRecord } from "../../nn/kinds.js";
import { aClassifier, aMaker, anExplaining, anyNumbers, texts } from "../kinds.js";

export const anAuditWorld = anObject("an audit world", {
  classifier: aClassifier,
  domain: aDomain,
  classes: texts,
  test: aSplit,
  samples: anyNumbers,
  train: aSplit,
  about: textRecord,
  explaining: anExplaining,
  explainer: aMaker,
  seed: aNatural,
  say: aFunction,
});
export const aCandidate = anObject("a candidate", { name: aText, title: aText, control: aFlag, make: aFunction });
export const anAuditNumber = anObject("an audit number", {
  name: aText,
  value: anyNumber,
  low: anyNumber,
  high: anyNumber,
  n: anyNumber,
  values: maybe(numbers),
});
export const someAttackSettings = anObject("settings of attacks", {
  steps: aCount,
  stepSize: aNumberOfAtLeast0,
  restarts: aNatural,
  points: aCount,
  twinBeta: aPositiveNumber,
  k: maybe(aCount),
  pixels: aNatural,
  draws: aCount,
  queries: aCount,
  copies: aCount,
  population: aCount,
  search: aText,
});
export const anAuditMeasurement = anObject("an audit measurement", { numbers: listOf(anAuditNumber, "audit numbers") });
export const aPlanted = anObject("a planted cause, as plantedCause() gives it,", {
  title: aText,
  mask: aTensor,
  share: aShare,
  plant: aFunction,
});
export const anAuditFinding = anObject("an audit finding", {
  row: aText,
  verdict: wordOf("holds", "does not hold", "not tested"),
  sentence: aText,
  caveats: texts,
});
export const anAuditedCandidate = anObject("an audited candidate", {
  name: aText,
  title: aText,
  control: aFlag,
  numbers: aList,
});
export const anAuditedRow = anObject("an audited row", {
  number: aNumber,
  name: aText,
  title: aText,
  question: aText,
  words: aText,
  source: aText,
  settings: anyObject,
  findings: listOf(anAuditFinding, "audit findings"),
  candidates: listOf(anAuditedCandidate, "audited candidates"),
});
export const anAuditReport = anObject("an audit report", {
  about: textRecord,
  explainers: aList,
  rows: listOf(anAuditedRow, "audited rows"),
  left: texts,
});
export const anAuditPlan = anObject("an audit plan", {
  rows: aList,
  explainers: listOf(aCandidate, "candidates"),
  controls: listOf(aCandidate, "candidates"),
});
export const anAuditStore = anObject("an audit store", { load: aFunction, save: aFunction });
/** Of a network that can be taught. */
export const someWeights = anObject("the weights of a network made of layers", {
  network: aFunction,
  params: aTree,
  layer: aLayer,
});
