/** Sanity checks of explanations. */
export {
  type ComparisonOptions,
  compareNetworks,
  type ExplainerSet,
  entropyRise,
  randomisationTest,
  type SanityOptions,
  type SanityResult,
  type SanityStage,
} from "./checks.js";
export { entropyOf } from "./entropy.js";
export { absorbShift, attributionGap, type InvarianceOptions, inputInvarianceGap } from "./invariance.js";
export { permutedLabels, type Twin, type TwinOptions, trainTwin } from "./permuted.js";
export {
  layersWithParameters,
  layerTitle,
  type RandomisationOrder,
  type Randomised,
  randomisations,
} from "./randomise.js";
export { redrawnWeights } from "./redrawnWeights.js";
export { type ExplainerReport, type SanityReport, sanityReportSchema } from "./report.js";
export { type SanitySimilarity, sanitySimilarities } from "./similarities.js";
export { type SuiteExplainer, type SuiteOptions, type SuiteProgress, type SuiteResult, sanitySuite } from "./suite.js";
export { type StageSummary, type Summary, stageSummaries, summaryOf } from "./summary.js";
export {
  cascadeVerdict,
  type Invariance,
  independentVerdict,
  invarianceOf,
  invarianceVerdict,
  labelsVerdict,
  SANITY_THRESHOLDS,
  type SanityThresholds,
  type SanityVerdict,
  sanityThresholds,
  thresholdFields,
} from "./verdict.js";
