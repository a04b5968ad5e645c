/** The experiments of the ATEX paper as a grid of independent cells: configuration in, measurements out. */

export { ConfigError } from "../../nn/schema.js";
export { type CellOutcome, difference, type Quantity, quantities, select, valuesOf } from "./aggregate.js";
export {
  type Cell,
  type Conditions,
  cellsOf,
  type Measurement,
  type Outcome,
  type PictureRows,
  settingsOf,
  shardOf,
} from "./cells.js";
export { type Claim, claims, type Verdict } from "./claims.js";
export {
  configSchema,
  type DataName,
  type ExperimentConfig,
  type ExperimentOf,
  type ReproduceConfig,
  readConfig,
  readScheme,
  type SchemeConfig,
} from "./config.js";
export { Lab, type LabOptions, pickPixels, type WeightStore } from "./lab.js";
export { manipulate } from "./manipulation.js";
export type { Recipe } from "./recipe.js";
export { AUTHORS_ATTACK, PUBLISHED } from "./reference.js";
export { accuracyOf, correctlyClassified, mean } from "./robustness.js";
export { runCell } from "./run.js";
export { type Estimate, estimate, studentQuantile } from "./statistics.js";
export { type SchemeTraining, trainScheme } from "./trainScheme.js";
