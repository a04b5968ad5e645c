/** Attacks on explanations through inputs, models and backgrounds, and what counts as one that worked. */

export type { Attack } from "./attacks/attack.js";
export { randomBlocks } from "./attacks/blocks.js";
export {
  attackEnsemble,
  type Candidate as EnsembleCandidate,
  ENSEMBLE_MEASURES,
  type EnsembleOptions,
  type EnsembleResult,
  type EnsembleTarget,
} from "./attacks/ensemble.js";
export {
  type AttackResult,
  type AttackTarget,
  attackExplanation,
  type ExplanationAttackOptions,
} from "./attacks/explanation.js";
export { type Ascent, type AscentOptions, ascend, type Best, type Constraint, type Search } from "./attacks/loop.js";
export * from "./attacks/objectives.js";
export * from "./attacks/prediction.js";
export * from "./attacks/rules.js";
export { blunted, hasKinks, smoothed, surrogateOf, surrogatesOf } from "./attacks/surrogate.js";
export {
  ensembleMembers,
  OBJECTIVE_TABLE,
  type ObjectiveContext,
  type ObjectiveEntry,
  objectiveEntryOf,
  usualTopK,
} from "./attacks/table.js";
export { type Ball, clipPixels, l2, linf } from "./balls.js";
export { type ColumnBallOptions, columnBall, columnSteps, type PerColumn } from "./columnBall.js";
export * from "./manipulations/index.js";
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
