/** Every detector of manipulated explanations: a new one is its file and a row here. */

import { aText } from "../../../engine/kinds.js";
import { requireArguments } from "../../../engine/options.js";
import { oneOf } from "../../../nn/schema.js";
import { agreementDetector } from "./agreement.js";
import { aopcDetector } from "./aopc.js";
import { betaSmoothingDetector } from "./betaSmoothing.js";
import type { DetectorEntry } from "./detector.js";
import { inputNoiseDetector } from "./inputNoise.js";
import { queryOodEntry } from "./queryOod.js";
import { sanityCheckDetector } from "./sanityCheck.js";
import { medianDetector, smoothGradDetector } from "./smoothing.js";
import { tangentProjectionDetector } from "./tangent.js";

/** Every detector of manipulated explanations, with its defaults; beta-smoothing is there with sharpness 3, 10 and 1. */
export const DETECTOR_TABLE: readonly DetectorEntry[] = [
  smoothGradDetector(),
  medianDetector(),
  betaSmoothingDetector(),
  betaSmoothingDetector({ name: "beta-smoothing-10", beta: 10 }),
  betaSmoothingDetector({ name: "beta-smoothing-1", beta: 1 }),
  sanityCheckDetector(),
  agreementDetector(),
  aopcDetector(),
  inputNoiseDetector(),
  tangentProjectionDetector(),
  queryOodEntry,
];

/** The name of a detector in settings. */
export const detectorName = oneOf(...DETECTOR_TABLE.map(({ name }) => name));

/** The entry of a name. @throws RangeError naming those there are. */
export function detectorEntryOf(name: string): DetectorEntry {
  requireArguments("detectorEntryOf", { name: [name, aText] });
  const found = DETECTOR_TABLE.find((entry) => entry.name === name);
  if (!found)
    throw new RangeError(
      `detector: "${name}" is unknown; there is ${DETECTOR_TABLE.map((entry) => entry.name).join(", ")}`,
    );
  return found;
}
