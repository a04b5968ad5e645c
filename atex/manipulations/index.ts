/** Manipulations of explanations, through inputs, through models and through what explainers compare with; and what notices them. */
export { featureImportance, featureIndex, featuresOf, ranksOf } from "./columns.js";
export { auroc } from "./detection.js";
export type { DetectorContext, DetectorEntry } from "./detectors/detector.js";
export { DETECTOR_TABLE, detectorEntryOf } from "./detectors/table.js";
export { attributionsOf, type ExplainingOptions, explainerMaker, type MakeExplainer } from "./explaining.js";
export { type FinetuneOptions, finetuned } from "./finetune.js";
export type {
  Manipulation,
  ManipulationEntry,
  ManipulationWorld,
  Measured,
  Pair,
  Side,
  Statistic,
  StatisticContext,
} from "./manipulation.js";
export { type PerformedManipulation, performManipulation } from "./perform.js";
export { type ManipulationStudy, type StudyPlan, studyManipulation } from "./study.js";
export { MANIPULATION_TABLE, manipulationEntryOf } from "./table.js";
export { manipulationTables } from "./tables.js";
