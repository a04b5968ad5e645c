/** Sanity checks of explanations. */
export { entropyRise, randomisationTest, type SanityOptions, type SanityResult, type SanityStage } from "./checks.js";
export { entropyOf } from "./entropy.js";
export { absorbShift, type InvarianceOptions, inputInvarianceGap } from "./invariance.js";
export { layersWithParameters, type RandomisationOrder, type Randomised, randomisations } from "./randomise.js";
export { type SanitySimilarity, sanitySimilarities } from "./similarities.js";
