/** Every detector of manipulated explanations: a new one is its file and a row here. */
import type { DetectorEntry } from "./detector.js";
import { queryOodEntry } from "./queryOod.js";

export const DETECTOR_TABLE: readonly DetectorEntry[] = [queryOodEntry];

/** The entry of a name. @throws RangeError naming those there are. */
export function detectorEntryOf(name: string): DetectorEntry {
  const found = DETECTOR_TABLE.find((entry) => entry.name === name);
  if (!found)
    throw new RangeError(
      `detector: "${name}" is unknown; there is ${DETECTOR_TABLE.map((entry) => entry.name).join(", ")}`,
    );
  return found;
}
