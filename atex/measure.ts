/** Measures of explanations: likeness, faithfulness, stability, fairness, and sanity checks. */

export {
  type Criteria,
  type CriteriaOptions,
  criteriaMarkdown,
  type FoolingRate,
  type ManipulationResult,
  manipulationCriteria,
} from "./criteria.js";
export {
  type Agreed,
  type AgreementName,
  agreementOf,
  growsApart,
  importanceMap,
  type Judge,
  type JudgeOptions,
  judgeOf,
} from "./judge.js";
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
