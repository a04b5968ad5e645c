/** Ways to train, one function shape for all: options in, a `Defence` out, whose `loss` is the whole difference. */
export { type AdversarialOptions, fgsm, type PgdOptions, pgd } from "./adversarial.js";
export {
  type AtexOptions,
  atex,
  type DirectionSource,
  directionsAtHand,
  freshDirections,
  freshGradients,
} from "./atex.js";
export { curvaturePenalty } from "./curvature.js";
export {
  type Batch,
  batchLoss,
  type Defence,
  type DefenceInfo,
  type Network,
  type PenaltyOptions,
} from "./defence.js";
export {
  type DirectionOptions,
  explanationDirections,
  type KeptDirections,
  pickDirections,
  type SmoothGradSettings,
} from "./directions.js";
export { cosineDistance, type Distance, squaredL2 } from "./distances.js";
export {
  type DefenceContext,
  type DefenceEntry,
  optimiserOf,
  type PreparationContext,
  type Preset,
  type Reach,
} from "./entry.js";
export { type IgrOptions, igr } from "./igr.js";
export { inputGradientPenalty } from "./inputGradient.js";
export { type LgaOptions, lga } from "./lga.js";
export { type NaiveOptions, naive } from "./naive.js";
export { normal } from "./normal.js";
export { alongOptions, type KeptPredictions, type PredictionOptions, teacherPredictions } from "./predictions.js";
export { type R2etOptions, r2et } from "./r2et.js";
export { type RarOptions, rar } from "./rar.js";
export type { Normalisation } from "./shifts.js";
export { ssr } from "./ssr.js";
export { DEFENCES, defenceEntryOf, makeDefence } from "./table.js";
export { type WeightDecayOptions, weightDecay } from "./weightDecay.js";
