/** Explanations of what a function of an input says: explainers, and what they are given. */

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
export { RefusalError } from "./refusal.js";
export { type Classifier, classScore, type Score, type ScoreOptions } from "./score.js";
export { clipTo, type Subject } from "./subject.js";
