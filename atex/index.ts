/** Explanations of networks: made, attacked, measured. */
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
export { softplusSurrogate } from "./attacks/surrogate.js";
export { type Ball, clipPixels, l2, linf } from "./balls.js";
export { type Background, summariseBackground } from "./explainers/background.js";
export { EXPLAINERS, type ExplainerName, type ExplainerSettings, explainerByName } from "./explainers/byName.js";
export { type CertificateOptions, certifiedOverlap, certifiedTopK } from "./explainers/certifiedTopK.js";
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
export { gradient, gradientTimesInput } from "./explainers/gradient.js";
export {
  completenessGap,
  type IntegratedGradientsOptions,
  integratedGradients,
} from "./explainers/integratedGradients.js";
export { type KernelShapOptions, kernelShap, type ShapleyOptions } from "./explainers/kernelShap.js";
export type { Lime, LimeOptions, LocalModel } from "./explainers/lime.js";
export { type LimeImageOptions, limeImage } from "./explainers/limeImage.js";
export { type LimeTableOptions, limeTable } from "./explainers/limeTable.js";
export { type OcclusionOptions, occlusion } from "./explainers/occlusion.js";
export { type SegmentOptions, segmentImages } from "./explainers/segments/segmentImages.js";
export { type SmoothGradOptions, smoothGrad } from "./explainers/smoothGrad.js";
export { type SparsifiedSmoothGradOptions, sparsifiedSmoothGrad } from "./explainers/sparsifiedSmoothGrad.js";
export { EXPLAINER_TABLE, explainerEntryOf, makeExplainer } from "./explainers/table.js";
export { type VarGradOptions, varGrad } from "./explainers/varGrad.js";
export { type AopcCurves, type AopcOptions, aopc, aopcCurves } from "./metrics/aopc.js";
export type { SampleOptions } from "./metrics/chunks.js";
export { hog, hogPearson } from "./metrics/hog.js";
export { centreOfMass, relativeImportance } from "./metrics/importance.js";
export {
  type Infidelity,
  type InfidelityOptions,
  infidelity,
  noisePerturbation,
  type Perturbation,
  squareRemoval,
} from "./metrics/infidelity.js";
export { deletionAuc, insertionAuc, type ReplacementOptions } from "./metrics/insertionDeletion.js";
export { massCentreShift } from "./metrics/massCentreShift.js";
export type { Faithfulness, MetricInfo, Similarity, Stability } from "./metrics/metric.js";
export { relevanceMass } from "./metrics/relevanceMass.js";
export { averageStability, maxSensitivity, type SensitivityOptions } from "./metrics/sensitivity.js";
export * from "./metrics/similarities.js";
export { ssim } from "./metrics/ssim.js";
export { localLipschitz, type StabilitySearch, worstCaseStability } from "./metrics/stability.js";
export { METRICS, metricTable } from "./metrics/table.js";
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
export * from "./training/index.js";
