/** Explanations of networks: made, attacked, measured. */

export type { Attack } from "./attacks/attack.js";
export { randomBlocks } from "./attacks/blocks.js";
export {
  type AttackResult,
  type AttackTarget,
  attackExplanation,
  type ExplanationAttackOptions,
} from "./attacks/explanation.js";
export { type Ascent, type AscentOptions, ascend, type Constraint, type Search } from "./attacks/loop.js";
export * from "./attacks/objectives.js";
export * from "./attacks/prediction.js";
export * from "./attacks/rules.js";
export { hasKinks, smoothed, softplusSurrogate, surrogateOf } from "./attacks/surrogate.js";
export {
  OBJECTIVE_TABLE,
  type ObjectiveContext,
  type ObjectiveEntry,
  objectiveEntryOf,
  usualTopK,
} from "./attacks/table.js";
export * from "./audit/index.js";
export { type Ball, clipPixels, l2, linf } from "./balls.js";
export { type ColumnBallOptions, columnBall, columnSteps, type PerColumn } from "./columnBall.js";
export {
  type Criteria,
  type CriteriaOptions,
  criteriaMarkdown,
  type FoolingRate,
  type ManipulationResult,
  manipulationCriteria,
} from "./criteria.js";
export * from "./defences/index.js";
export { atLayer } from "./explainers/atLayer.js";
export { type AttributionOptions, attributions } from "./explainers/attributions.js";
export { type Background, type SummaryOptions, summariseBackground } from "./explainers/background.js";
export { type BinomialBounds, clopperPearson } from "./explainers/binomialBounds.js";
export { EXPLAINERS, type ExplainerName, type ExplainerSettings, explainerByName } from "./explainers/byName.js";
export {
  type CertificateOptions,
  type CertifiedPixels,
  certifiedOverlap,
  certifiedPixels,
  certifiedTopK,
} from "./explainers/certifiedTopK.js";
export { type DeepLiftOptions, deepLift } from "./explainers/deepLift.js";
export { exactShapley } from "./explainers/exactShapley.js";
export { type ExpectedGradientsOptions, expectedGradients } from "./explainers/expectedGradients.js";
export {
  type Explainer,
  type ExplainerContext,
  type ExplainerEntry,
  type ExplainerInfo,
  type ExplainerLaws,
  explainerEntry,
  saliencyMap,
} from "./explainers/explainer.js";
export {
  elementGroups,
  type FeatureGroups,
  groupsOf,
  patchGroups,
  type Segments,
  segmentGroups,
  tableGroups,
} from "./explainers/features.js";
export { type GradCamOptions, gradCam, gradCamCells, guidedGradCam } from "./explainers/gradCam.js";
export { gradient, gradientTimesInput } from "./explainers/gradient.js";
export { guidedBackprop } from "./explainers/guidedBackprop.js";
export {
  completenessGap,
  type IntegratedGradientsOptions,
  integratedGradients,
} from "./explainers/integratedGradients.js";
export { type KernelShapOptions, kernelShap, type ShapleyOptions } from "./explainers/kernelShap.js";
export type { Lime, LimeOptions, LocalModel } from "./explainers/lime.js";
export { type LimeImageOptions, limeImage } from "./explainers/limeImage.js";
export { type LimeTableOptions, limeTable } from "./explainers/limeTable.js";
export {
  COMPOSITE_NAMES,
  COMPOSITES,
  type Composite,
  type CompositeName,
  type WeightedOp,
} from "./explainers/lrp/composites.js";
export type { RuleKind, RuleSpec } from "./explainers/lrp/rules.js";
export { type LrpOptions, lrp } from "./explainers/lrp.js";
export { type OcclusionOptions, occlusion } from "./explainers/occlusion.js";
export { type SegmentOptions, segmentImages } from "./explainers/segments/segmentImages.js";
export { type SmoothGradOptions, smoothGrad } from "./explainers/smoothGrad.js";
export { type SparsifiedSmoothGradOptions, sparsifiedSmoothGrad } from "./explainers/sparsifiedSmoothGrad.js";
export { EXPLAINER_TABLE, explainerEntryOf, makeExplainer } from "./explainers/table.js";
export { type VarGradOptions, varGrad } from "./explainers/varGrad.js";
export {
  type Agreed,
  type AgreementName,
  agreementOf,
  importanceMap,
  type Judge,
  type JudgeOptions,
  judgeOf,
} from "./judge.js";
export * from "./manipulations/index.js";
export { type AopcCurves, type AopcOptions, aopc, aopcCurves } from "./metrics/aopc.js";
export { gaussianBlur } from "./metrics/blur.js";
export {
  type Change,
  type ChangeOptions,
  changeCorrelation,
  noiseChange,
  saidAndHappened,
  squareChange,
  subsetChange,
  unexplainedShare,
} from "./metrics/changes.js";
export type { SampleOptions } from "./metrics/chunks.js";
export { agreementOnTop, type SignedMap, type TopAgreement, tolerantAgreement } from "./metrics/disagreement.js";
export {
  demographicParity,
  disparateImpact,
  equalOpportunity,
  fairness,
  type Treated,
  theilIndex,
} from "./metrics/fairness.js";
export {
  classSwap,
  type FoolingInterval,
  foolingSuccessRate,
  type LocationOptions,
  locationLoss,
  topKLoss,
} from "./metrics/heo.js";
export { type HogOptions, hog, hogCorrelation, hogPearson } from "./metrics/hog.js";
export { centreOfMass, relativeImportance, scaledToMax } from "./metrics/importance.js";
export {
  blurImputer,
  constantImputer,
  type Imputer,
  marginalImputer,
  type NoisyLinearOptions,
  noisyLinearImputer,
  rowImputer,
} from "./metrics/imputers.js";
export {
  type Infidelity,
  type InfidelityOptions,
  infidelity,
  noisePerturbation,
  type Perturbation,
  squareRemoval,
} from "./metrics/infidelity.js";
export { deletionAuc, insertionAuc, type ReplacementOptions } from "./metrics/insertionDeletion.js";
export { massCentreDisplacement, massCentreShift } from "./metrics/massCentreShift.js";
export {
  type Faithfulness,
  type MetricContext,
  type MetricEntry,
  type MetricInfo,
  type MetricKind,
  type MetricKinds,
  type MetricLaws,
  type MetricNeeds,
  metricEntry,
  type Placement,
  type Similarity,
  type Stability,
} from "./metrics/metric.js";
export { relevanceMass } from "./metrics/relevanceMass.js";
export { type RemovalOptions, removalCurve } from "./metrics/removal.js";
export { averageStability, maxSensitivity, type SensitivityOptions } from "./metrics/sensitivity.js";
export {
  cosine,
  kendall,
  type MapNormalisation,
  normalised,
  normalisedSquaredError,
  pearson,
  spearman,
  squaredErrorOf,
  topKIntersection,
  topKMask,
} from "./metrics/similarities.js";
export { ssim } from "./metrics/ssim.js";
export { localLipschitz, type StabilitySearch, worstCaseStability } from "./metrics/stability.js";
export {
  METRIC_TABLE,
  METRICS,
  type MetricName,
  makeMetric,
  metricEntryOf,
  metricTable,
  type SimilarityName,
  similaritiesOf,
} from "./metrics/table.js";
export * from "./sanity/index.js";
export { type Classifier, classScore, type Score, type ScoreOptions } from "./score.js";
export {
  type Agreement,
  type AttackStudy,
  type ExplainerStudy,
  type StudyOptions,
  studyAttack,
  VARIANTS,
  type Variant,
  type VariantName,
} from "./study.js";
export { clipTo, type Subject } from "./subject.js";
