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
export { concealmentLoss, rankStatistic } from "./models/concealment.js";
export {
  type FairwashingOptions,
  fairwashingLoss,
  mapsWithout,
  type WantedMaps,
  wantedPicture,
} from "./models/fairwashing.js";
export { type PerformedManipulation, performManipulation } from "./perform.js";
export { type ManipulationStudy, type StudyPlan, studyManipulation } from "./study.js";
export { MANIPULATION_TABLE, manipulationEntryOf } from "./table.js";
export { manipulationTables } from "./tables.js";
