/** What arguments may be (see engine/kinds.ts). */
import {
  aCount,
  aFunction,
  aNatural,
  aNumber,
  anObject,
  anyNumber,
  aTensor,
  aText,
  aTree,
  listOf,
  numbers,
  wordOf,
} from "../../engine/kinds.js";
import { aDomain, aLayer, aList, aMap, anyObject, aSplit } from "../../nn/kinds.js";
import { aClassifier, aMaker, anEstimate, anExplaining, anyNumbers, classifiers, texts } from "../kinds.js";

export const anAnswered = anObject("rows with answers", { rows: numbers, answers: numbers });
export const aSide = anObject("a side", { classifier: aClassifier, x: aTensor });
export const aFinetuneWorld = anObject("a finetune world", {
  model: aLayer,
  params: aTree,
  train: aSplit,
  seed: aNatural,
  say: aFunction,
});
export const aPatchPlace = anObject("a patch place", { top: aNatural, left: aNatural, side: aNumber });
export const aTrigger = anObject("a trigger", { mask: aTensor, pattern: aTensor });
export const aFoolingObjective = anObject("a fooling objective", {
  name: aText,
  loss: aFunction,
  statistic: aFunction,
  statisticName: aText,
  interval: anyObject,
});
export const aGrid = anObject("a grid", { at: aNatural, origin: aNumber, gap: aNumber });
export const aRuleColumn = anObject("a rule column", { at: aNumber, threshold: aNumber, deviation: aNumber });
export const aRule = anObject("a rule", {
  columns: listOf(aRuleColumn, "rule columns"),
  high: aNumber,
  low: aNumber,
  classes: aCount,
});
export const aManipulationEntry = anObject("a manipulation entry", {
  name: aText,
  title: aText,
  help: aText,
  words: aText,
  source: aText,
  changes: wordOf("model", "background", "inputs"),
  takes: wordOf("images", "tables", "images and tables"),
  options: anyObject,
  run: aFunction,
});
export const aManipulationWorld = anObject("a manipulation world", {
  model: aLayer,
  params: aTree,
  classifier: aClassifier,
  domain: aDomain,
  classes: texts,
  train: aSplit,
  test: aSplit,
  samples: anyNumbers,
  others: anyNumbers,
  siblings: classifiers,
  seed: aNatural,
  explaining: anExplaining,
  explainer: aMaker,
  say: aFunction,
});
export const aStudyPlan = anObject("a study plan", { explainers: texts, detectors: texts });
export const aStatistic = anObject("a statistic", { name: aText, interval: anyObject, of: aFunction });
export const aMeasured = anObject("a measurement", { metric: aText, value: anyNumber, count: anyNumber });
export const aPair = anObject("a pair of sides", { clean: aSide, manipulated: aSide });
export const aManipulation = anObject("a manipulation", {
  explainer: aText,
  madeFor: aPair,
  statistic: aStatistic,
  cost: anyObject,
});
export const aWords = anObject("titles", { title: aText, networkTitle: aFunction });
export const aQuantity = anObject("a quantity", {
  experiment: aText,
  data: aText,
  scheme: aText,
  conditions: anyObject,
  metric: aText,
  values: aMap,
  estimate: anEstimate,
  count: anyNumber,
});
export const aManipulationResult = anObject("a manipulation result", {
  explainer: aText,
  seed: aNatural,
  samples: wordOf("made for", "held out"),
  kept: aList,
  statistic: numbers,
});
export const aDraw = anObject("a draw", { bits: aFunction, below: aFunction, between: aFunction, bell: aFunction });
export const aPictureRows = anObject("rows of pictures", { name: aText, columns: aList, rows: aList });
export const aCriteria = anObject("criteria of a manipulation", {
  manipulation: aText,
  target: aText,
  effectiveness: anyObject,
  stability: anyObject,
});
/** As much of a context of detectors as comparisons take. */
export const aDetectorContext = anObject("a context of detectors", {
  explainer: aText,
  classes: aTensor,
  world: anObject("a world", { train: aSplit, explainer: aMaker }),
});
