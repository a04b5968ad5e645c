/** Manipulations of explanations, through inputs, through models and through what explainers compare with; and what notices them. */
export { featureAttribution, featureImportance, featureIndex, featuresOf, ranksOf } from "./columns.js";
export { auroc } from "./detection.js";
export { type AgreementOptions, agreementDetector, signAgreement } from "./detectors/agreement.js";
export { aopcDetector } from "./detectors/aopc.js";
export { type BetaSmoothingOptions, betaSmoothingDetector, softened } from "./detectors/betaSmoothing.js";
export type { DetectorContext, DetectorEntry } from "./detectors/detector.js";
export { type Eigen, symmetricEigen } from "./detectors/eigen.js";
export { inputNoiseDetector } from "./detectors/inputNoise.js";
export type { NoiseOptions } from "./detectors/noise.js";
export {
  type Answered,
  conditionalAnomaly,
  type QueryAnomalies,
  type QueryAnomalyOptions,
  queryAnomalies,
} from "./detectors/queryOod.js";
export { type SanityCheckOptions, sanityCheckDetector } from "./detectors/sanityCheck.js";
export { medianDetector, smoothGradDetector } from "./detectors/smoothing.js";
export { DETECTOR_TABLE, detectorEntryOf } from "./detectors/table.js";
export {
  type BasisAt,
  randomBasis,
  type TangentOptions,
  tangentAttributions,
  tangentBasis,
  tangentProjectionDetector,
} from "./detectors/tangent.js";
export { attributionsOf, type ExplainingOptions, explainerMaker, type MakeExplainer } from "./explaining.js";
export { type FinetuneOptions, finetuned } from "./finetune.js";
export { adv2 } from "./inputs/adv2.js";
export { type Adv2Options, type Adv2Result, type Adv2Target, adv2Attack, adv2Loss } from "./inputs/adv2Attack.js";
export { type Answer, type Evolution, type EvolutionOptions, evolve, survivors } from "./inputs/evolution.js";
export { ghorbani } from "./inputs/ghorbani.js";
export { type LevelSetOptions, type LevelSetWay, levelSetWay } from "./inputs/levelSet.js";
export {
  attackWithPatch,
  type PatchCorner,
  type Patches,
  type PatchOptions,
  type PatchPlace,
  patchCover,
  patchLoss,
  patchMoved,
  patchPlace,
} from "./inputs/patch.js";
export { type RandomSignOptions, randomSignNoise } from "./inputs/randomSigns.js";
export { type InputReach, type ReachOptions, reachOf } from "./inputs/reach.js";
export { type ShiftOptions, shiftedSide } from "./inputs/shift.js";
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
export { type BackdoorLossOptions, backdoorLoss, standardised } from "./models/backdoorLoss.js";
export { unsummarised } from "./models/background.js";
export {
  type PairOptions,
  pairShapley,
  rowDistances,
  stealthyWeights,
  systematicSample,
} from "./models/backgroundWeights.js";
export { compositesOf, type Holding, holdingBoth } from "./models/composites.js";
export { concealmentLoss, rankStatistic } from "./models/concealment.js";
export {
  type FairwashingOptions,
  fairwashingLoss,
  mapsWithout,
  type WantedMaps,
  wantedPicture,
} from "./models/fairwashing.js";
export { type FoolingLossOptions, foolingLoss, type SwapLossOptions, swapLoss } from "./models/foolingLoss.js";
export { type FoolingObjective, locationFooling, massCentreFooling, topKFooling } from "./models/objectives.js";
export {
  type DetectorOptions,
  type DetectorQuality,
  detectorQuality,
  type Grid,
  gridsOf,
  type RowDetector,
  trainDetector,
} from "./models/rowDetector.js";
export { type Rule, ruleClassifier, ruleOf, scaffolded, unrelatedColumns } from "./models/scaffold.js";
export { type Shown, type ShownMap, type ShownOptions, shownBy } from "./models/shown.js";
export { rankDistances, type StealthyOptions, type StealthySample, stealthySample } from "./models/stealthySample.js";
export { type StillUsedOptions, stillUsed } from "./models/stillUsed.js";
export { CORNERS, type Corner, cornerTrigger, stamped, type Trigger, type TriggerOptions } from "./models/trigger.js";
export { type PerformedManipulation, performManipulation } from "./perform.js";
export {
  askedBy,
  type LimeQueryOptions,
  limeQueries,
  type QueryOptions,
  type ShapQueryOptions,
  shapQueries,
} from "./queries.js";
export { type ManipulationStudy, type StudyPlan, studyManipulation } from "./study.js";
export { MANIPULATION_TABLE, manipulationEntryOf } from "./table.js";
export { manipulationTables } from "./tables.js";
export { kolmogorovSmirnov, waldTest } from "./twoSamples.js";
