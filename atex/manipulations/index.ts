/** Manipulations of explanations, through inputs, through models and through what explainers compare with; and what notices them. */
export { featureImportance, featureIndex, featuresOf, ranksOf } from "./columns.js";
export { auroc } from "./detection.js";
export type { DetectorContext, DetectorEntry } from "./detectors/detector.js";
export { DETECTOR_TABLE, detectorEntryOf } from "./detectors/table.js";
export { attributionsOf, type ExplainingOptions, explainerMaker, type MakeExplainer } from "./explaining.js";
export { type FinetuneOptions, finetuned } from "./finetune.js";
export { adv2 } from "./inputs/adv2.js";
export { type Adv2Options, type Adv2Result, type Adv2Target, adv2Attack, adv2Loss } from "./inputs/adv2Attack.js";
export { ghorbani } from "./inputs/ghorbani.js";
export { type LevelSetOptions, type LevelSetWay, levelSetWay } from "./inputs/levelSet.js";
export { type RandomSignOptions, randomSignNoise } from "./inputs/randomSigns.js";
export { type InputReach, type ReachOptions, reachOf } from "./inputs/reach.js";
export { othersOf, targetMapEntry } from "./inputs/targetMap.js";
export {
  growingBetas,
  type TargetMapOptions,
  type TargetMapTarget,
  targetMapAttack,
  targetMapLoss,
} from "./inputs/targetMapAttack.js";
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
