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
export { atLayer } from "./models/atLayer.js";
export { type BackdoorLossOptions, backdoorLoss, standardised } from "./models/backdoorLoss.js";
export { compositesOf, type Holding, holdingBoth } from "./models/composites.js";
export { type FoolingLossOptions, foolingLoss, type SwapLossOptions, swapLoss } from "./models/foolingLoss.js";
export { type FoolingObjective, locationFooling, massCentreFooling, topKFooling } from "./models/objectives.js";
export { type Shown, type ShownMap, type ShownOptions, shownBy } from "./models/shown.js";
export { type StillUsedOptions, stillUsed } from "./models/stillUsed.js";
export { CORNERS, type Corner, cornerTrigger, stamped, type Trigger, type TriggerOptions } from "./models/trigger.js";
export { type PerformedManipulation, performManipulation } from "./perform.js";
export { type ManipulationStudy, type StudyPlan, studyManipulation } from "./study.js";
export { MANIPULATION_TABLE, manipulationEntryOf } from "./table.js";
export { manipulationTables } from "./tables.js";
