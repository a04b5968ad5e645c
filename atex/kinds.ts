/** What arguments of explanations, attacks, metrics and studies may be (see engine/kinds.ts). */
import { aFlag, aFunction, aNumber, anObject, anyNumber, aTensor, aText, aTree, numbers } from "../engine/kinds.js";
import type { Kind } from "../engine/options.js";
import { aLayer, aList, anyObject, aValue, numberList } from "../nn/kinds.js";

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
  remedy: "gradient is one, integratedGradients() makes one",
  fits: (v) => typeof v === "function",
};
export const aRadius: Kind = {
  needed: "a radius, a number or one for each feature,",
  fits: (v) => aNumber.fits(v) || numberList.fits(v),
};
export const anObjective = anObject("an objective, such as topKSuppression(),", { name: aText, against: aFunction });
export const aBall = anObject("a ball, such as linf(0.1),", { name: aText, project: aFunction, sample: aFunction });
export const aStepRule = anObject("a step rule, such as signStep(0.01),", {
  name: aText,
  init: aFunction,
  step: aFunction,
});
export const aConstraint = anObject("a constraint", { feasible: aFunction, back: aFunction });
export const aNeighbourhood = anObject("a neighbourhood", { ball: aBall });
export const anImputer = aValue;
export const aBackground = anObject("a background, as summariseBackground gives it,", { rows: aTensor });
export const aFeatureGroups = anObject("groups of features, such as groupsOf(domain),", {
  count: aNumber,
  shape: numberList,
  masks: aFunction,
  spread: aFunction,
});
export const aSegments = anObject("segments of images", { labels: aValue, shape: numberList, count: aNumber });
export const aTrigger = anObject("a trigger", { mask: aTensor, pattern: aTensor });
export const aGradCamOptions = anyObject;
export const aFoolingInterval = anyObject;
export const anExplainerContext = anObject("a context", { domain: anyObject, key: aTensor });
export const anExplainingOptions = anObject("options of explaining", {
  domain: anyObject,
  background: aTensor,
  seed: aNumber,
});
export const anExplanationAttackOptions = anObject("options of an attack", {
  ball: aBall,
  rule: aStepRule,
  steps: aNumber,
  explainer: anExplainer,
  objective: anObjective,
});

// Metrics and their results.
export const aTreated = anObject("predictions, labels and groups", {
  predictions: numbers,
  labels: numbers,
  groups: numbers,
});
export const aSignedMap = anObject("a map with its signs", { importance: aList, signed: aList });
export const aManipulationResult = anObject("the result of a manipulation", {
  explainer: aText,
  seed: aNumber,
  kept: aList,
  statistic: numbers,
});
export const aCriteria = anObject("what manipulationCriteria gives", {
  manipulation: aText,
  target: aText,
  cost: anyObject,
  effectiveness: anyObject,
  transferability: anyObject,
  stability: anyObject,
});
export const aQuantity = anObject("a measured quantity", {
  experiment: aText,
  data: aText,
  scheme: aText,
  metric: aText,
  estimate: anyObject,
  count: aNumber,
});
export const aWords = anObject("words for tables", { title: aText, networkTitle: aFunction });

// Defences.
export const aDefence = anObject("a defence", { name: aText, source: aText, formula: aText, loss: aFunction });
export const aDefenceContext = anObject("a context", { eps: aNumber });
export const aDefenceEntry = anObject("a row of DEFENCES", { name: aText, presets: anyObject, make: aFunction });
export const aKeptDirections = anObject("kept directions", { shape: numberList, words: aValue });
export const aKeptPredictions = anObject("kept predictions", { along: anyObject, logits: aTensor });

// Audits, sanity checks and manipulations.
export const anAuditNumber = anObject("a number of an audit", {
  name: aText,
  value: anyNumber,
  low: anyNumber,
  high: anyNumber,
  n: aNumber,
});
export const anAuditMeasurement = anObject("a measurement of an audit", { numbers: aList });
export const anAuditPlan = anObject("a plan of an audit", { rows: aList, explainers: aList, controls: aList });
export const anAuditReport = anObject("a report of an audit", { about: anyObject, rows: aList });
export const anAuditStore = anObject("a store", { load: aFunction, save: aFunction });
export const anAuditWorld = anObject("a world", {
  classifier: aFunction,
  domain: anyObject,
  classes: aList,
  test: anyObject,
  samples: numberList,
  train: anyObject,
  explaining: anyObject,
  explainer: aFunction,
  seed: aNumber,
  say: aFunction,
});
export const aCandidate = anObject("a candidate", { name: aText, title: aText, control: aFlag, make: aFunction });
export const aPlanted = anObject("a planted cause", { title: aText, mask: aTensor, plant: aFunction });
export const aManipulation = anObject("a manipulation", {
  explainer: aText,
  madeFor: anyObject,
  statistic: anyObject,
  cost: anyObject,
});
export const aManipulationEntry = anObject("a row of MANIPULATION_TABLE", {
  name: aText,
  title: aText,
  run: aFunction,
});
export const aManipulationWorld = anObject("a world", {
  model: aLayer,
  params: aTree,
  classifier: aFunction,
  domain: anyObject,
  classes: aList,
  train: anyObject,
  test: anyObject,
  samples: numberList,
  others: numberList,
  seed: aNumber,
  explaining: anyObject,
  explainer: aFunction,
  say: aFunction,
});
export const aSide = anObject("a side", { classifier: aFunction, x: aTensor });
export const aStudyPlan = anObject("a plan of a study", { explainers: aList, detectors: aList });
export const anAnswered = anObject("rows with answers", { rows: numbers, answers: numbers });
export const aPatchPlace = anObject("the place of a patch", { top: aNumber, left: aNumber, side: aNumber });
export const aRule = anObject("a rule", { columns: aList, high: aNumber, low: aNumber, classes: aNumber });
export const aRandomised = anObject("randomised parameters", { layer: aText, params: aTree });
export const aSanityResult = anObject("the result of a sanity check", { order: aText, stages: aList });
export const aSanityStage = anObject("a stage of a sanity check", { similarity: anyObject, entropy: aList });
export const aSuiteExplainer = anObject("an explainer of a suite", { name: aText, make: aFunction });
export const aTwin = anObject("a twin", { params: aTree, accuracy: aNumber, epochs: aNumber, samples: aNumber });
