/** The experiments of the ATEX paper as a grid of independent cells: configuration in, measurements out. */

export { ConfigError } from "../../nn/schema.js";
export { type CellOutcome, difference, type Quantity, quantities, select, valuesOf } from "./aggregate.js";
export type { Cell, Conditions, Measurement, Outcome, PictureRows } from "./cells.js";
export {
  configSchema,
  type DataName,
  type ExperimentConfig,
  type ReproduceConfig,
  readConfig,
  readScheme,
  type SchemeConfig,
} from "./config.js";
export { cellsOf, settingsOf, shardOf } from "./grid.js";
export type { ExperimentKind } from "./kind.js";
export { claims, KINDS, kindOf, overviews, plotsOf, runCell, tablesOf } from "./kinds.js";
export { Lab, type LabOptions, pickPixels, type WeightStore } from "./lab.js";
export { manipulate } from "./manipulation.js";
export { accuracyOf, correctlyClassified, mean } from "./measuring.js";
export { criteriaTables, detectorMatrices } from "./overview.js";
export type { Recipe } from "./recipe.js";
export { type Estimate, estimate, studentQuantile, wilsonInterval } from "./statistics.js";
export type { TableData } from "./tables.js";
export { type SchemeTraining, trainScheme } from "./trainScheme.js";
export type { Claim, Verdict } from "./verdicts.js";
