/** Every defence: a new one is its file and a row here. */

import { aText } from "../../engine/kinds.js";
import { requireArguments } from "../../engine/options.js";
import { anyObject } from "../../nn/kinds.js";
import { fgsmEntry, pgdEntry } from "./adversarial.js";
import { atexEntry } from "./atexEntry.js";
import { curvatureEntry } from "./curvature.js";
import type { Defence } from "./defence.js";
import type { DefenceContext, DefenceEntry } from "./entry.js";
import { igrEntry } from "./igr.js";
import { inputGradientEntry } from "./inputGradient.js";
import { aDefenceContext, aDefenceEntry } from "./kinds.js";
import { lgaEntry } from "./lga.js";
import { naiveEntry } from "./naive.js";
import { furtherEntry, normalEntry, sgdEntry } from "./normal.js";
import { r2etEntry } from "./r2et.js";
import { rarEntry } from "./rar.js";
import { ssrEntry } from "./ssr.js";
import { weightDecayEntry } from "./weightDecay.js";

/** Every way to train, by the kinds of schemes in configurations; `holdfast defend` knows their presets. Plain training is among them. */
export const DEFENCES: readonly DefenceEntry[] = [
  normalEntry,
  naiveEntry,
  atexEntry,
  fgsmEntry,
  pgdEntry,
  weightDecayEntry,
  inputGradientEntry,
  curvatureEntry,
  ssrEntry,
  rarEntry,
  lgaEntry,
  r2etEntry,
  igrEntry,
  furtherEntry,
  sgdEntry,
];

/** The entry of a name. @throws RangeError naming those there are. */
export function defenceEntryOf(name: string): DefenceEntry {
  requireArguments("defenceEntryOf", { name: [name, aText] });
  const found = DEFENCES.find((entry) => entry.name === name);
  if (!found)
    throw new RangeError(`defence: "${name}" is unknown; there is ${DEFENCES.map((entry) => entry.name).join(", ")}`);
  return found;
}

/** The defence of an entry. @throws TypeError when it lacks a teacher. */
export function makeDefence(
  entry: DefenceEntry,
  settings: Readonly<Record<string, unknown>>,
  context: DefenceContext,
): Defence {
  requireArguments("makeDefence", {
    entry: [entry, aDefenceEntry],
    settings: [settings, anyObject],
    context: [context, aDefenceContext],
  });
  if (entry.needs.includes("teacher") && !context.teacher)
    throw new TypeError(`${entry.info.name}: no teacher given; it learns from a trained network`);
  return entry.make(settings, context);
}
