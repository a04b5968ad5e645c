/** Ways to train, one function shape for all: options in, a `Scheme` out, whose `loss` is the whole difference. */
export * from "./alignment.js";
export {
  type AtexOptions,
  alongOptions,
  atex,
  type DirectionSource,
  directionsAtHand,
  freshDirections,
  freshGradients,
  type KeptPredictions,
  type PredictionOptions,
  teacherPredictions,
} from "./atex.js";
export {
  type DirectionOptions,
  explanationDirections,
  type KeptDirections,
  pickDirections,
  type SmoothGradSettings,
} from "./directions.js";
export * from "./distances.js";
export * from "./naive.js";
export * from "./penalties.js";
export * from "./predictions.js";
export { type Batch, batchLoss, type Network, type Scheme } from "./scheme.js";
export type { Normalisation } from "./shifts.js";
