/** Every manipulation of explanations: a new one is its file and a row here. */

import { aText } from "../../engine/kinds.js";
import { requireArguments } from "../../engine/options.js";
import { adv2 } from "./inputs/adv2.js";
import { blackBoxEntry } from "./inputs/blackBox.js";
import { ghorbani } from "./inputs/ghorbani.js";
import { patchEntry } from "./inputs/patchEntry.js";
import { shiftEntry } from "./inputs/shift.js";
import { targetMapEntry } from "./inputs/targetMap.js";
import type { ManipulationEntry } from "./manipulation.js";
import { backdoor } from "./models/backdoor.js";
import { backgroundEntry } from "./models/background.js";
import { concealmentEntry } from "./models/concealment.js";
import { fairwashingEntry } from "./models/fairwashingEntry.js";
import { fooling } from "./models/fooling.js";
import { scaffoldingEntry } from "./models/scaffolding.js";

/** Every manipulation of explanations, by the names that `holdfast manipulate` and configurations know. */
export const MANIPULATION_TABLE: readonly ManipulationEntry[] = [
  scaffoldingEntry,
  backgroundEntry,
  fooling,
  backdoor,
  ghorbani,
  targetMapEntry,
  adv2,
  patchEntry,
  shiftEntry,
  blackBoxEntry,
  concealmentEntry,
  fairwashingEntry,
];

/** The entry of a name. @throws RangeError naming those there are. */
export function manipulationEntryOf(name: string): ManipulationEntry {
  requireArguments("manipulationEntryOf", { name: [name, aText] });
  const found = MANIPULATION_TABLE.find((entry) => entry.name === name);
  if (!found)
    throw new RangeError(
      `manipulation: "${name}" is unknown; there is ${MANIPULATION_TABLE.map((entry) => entry.name).join(", ")}`,
    );
  return found;
}
