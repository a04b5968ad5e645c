/** What the page says about what it shows; the same words before any script runs and after. */
import type { Attacked, Explained } from "./attack.js";
import { PICTURES, type Settings } from "./settings.js";

/** A share in percent, never broken between number and sign. Nearly all is not all. */
export function percent(share: number): string {
  const value = 100 * share;
  if (value >= 99.5 && value < 100) return "over 99.5\u00a0%";
  return `${value < 9.95 ? +value.toFixed(1) : value.toFixed(0)}\u00a0%`;
}

/** A map divided by its sum, so that maps of networks of any scale can be compared. */
export function shareOf(map: ArrayLike<number>): Float64Array {
  let sum = 0;
  for (let i = 0; i < map.length; i++) sum += Math.abs(map[i]);
  return Float64Array.from(map, (value) => (sum > 0 ? value / sum : 0));
}

/** What an attack is to do. */
export const OBJECTIVE_WORDS: Readonly<Record<Settings["objective"], string>> = {
  "top-k": "Drain the most important pixels",
  "mass-centre": "Move the centre of the map",
  target: "Fill a region of the map",
  "target-map": "Show letters, or another map",
};

/** How far the attack came, by what it was after. */
export function outcomeOf({ objective, k }: Settings, { kept, before, after, spearman }: Attacked): string {
  switch (objective) {
    case "top-k":
      return `of the ${k} pixels its explanation called most important, ${kept} are left`;
    case "mass-centre":
      return `the centre of its explanation has moved by ${Math.sqrt(Math.max(0, after)).toFixed(1)} pixels`;
    case "target":
      return `the region holds ${percent(after)} of its explanation, where it held ${percent(before)}`;
    case "target-map":
      return after === before
        ? "its explanation did not come closer to the one wanted"
        : `its explanation went towards the one wanted (rank correlation with the true one ${spearman.toFixed(2)})`;
  }
}

/** The one sentence that says what is seen. */
export function sentenceOf(settings: Settings, explained: Explained, attacked: Attacked): string {
  const name = explained.classes[explained.predicted];
  const outcome = outcomeOf(settings, attacked);
  return `No pixel was changed by more than ${percent(settings.eps)} of the range. The network still says “${name}”, but ${outcome}.`;
}

/** Captions of the four pictures. */
export function wordsOf(
  { explainer, image, pixels }: Settings,
  explained: Explained,
  attacked: Attacked,
): Readonly<Record<"imageWords" | "mapWords" | "attackedWords" | "attackedMapWords", string>> {
  const name = explained.classes[explained.predicted];
  const sure = (p: readonly number[]): string => `“${name}”, ${percent(p[explained.predicted])}`;
  const wrong =
    explained.label !== undefined && explained.label !== name && explained.classes.includes(explained.label)
      ? ` (it is a ${explained.label})`
      : "";
  return {
    imageWords: `${pixels ? "Your picture" : `Picture ${image + 1} of ${PICTURES}`}: ${sure(explained.probabilities)}${wrong}`,
    mapWords: `Why? Its explanation by ${explainer}`,
    attackedWords: `Changed: ${sure(attacked.probabilities)}`,
    attackedMapWords: `Its explanation now: ${attacked.kept} of the top ${attacked.k} are left`,
  };
}
