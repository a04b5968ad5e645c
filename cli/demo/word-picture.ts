/** The demo's last picture: images before and after an attack, and a word in their maps. */
import { imagePictures, mapPictures } from "../../atex/render/attack.js";
import { beside, rasterise, stack } from "../../atex/render/drawing.js";
import { figure, type Html, section, table } from "../../atex/render/html.js";
import { panelDrawing, paragraph } from "../../atex/render/panel.js";
import type { Picture } from "../../atex/render/picture.js";
import { percent as percentage } from "../live.js";
import type { DemoResult } from "./experiment.js";
import type { Likeness } from "./word.js";

/** Correlation of a map with its letter from which on, by eye, the letter is read and not guessed. */
const LEGIBLE = 0.58;
/** Of a tile, about, and between things, in pixels. */
const SIDE = 140;
const GAP = 8;

const percent = (share: number, digits?: number): string => percentage(share, digits).replace(" ", "\u00a0");
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** What is to be seen, in a sentence: only what the run has measured. */
export function wordSentence({ spelled, plan }: DemoResult): string {
  const { study, best, likeness, letters } = spelled;
  const word = best.map((i) => letters[i]).join("");
  const kept = best.every((i) => study.images.attacked.kept[i]);
  const change = Math.max(...best.map((i) => study.images.attacked.change[i]));
  const images = `${best.length} images, no pixel changed by more than ${percent(change, 0)} of its range`;
  const predictions = kept ? "every prediction kept" : "predictions not all kept";
  const legible = best.every((i) => likeness.attacked[i] >= LEGIBLE);
  if (legible) return `${images}, ${predictions}: the explanations now read "${word}".`;
  return `${images}, ${predictions}: the explanations were to read "${word}", which ${plan.word.steps} steps did not make legible.`;
}

const LIKENESS_LABELS: Record<keyof Likeness, string> = {
  clean: "before",
  attacked: "after the attack",
  control: "control: same change, pixels shuffled",
  remedied: "after the attack, by beta-smoothing",
};

/** Mean over all images that were attacked, by what the maps are of. */
export function likenessRows({ spelled }: DemoResult): (readonly [label: string, mean: string])[] {
  return (Object.keys(LIKENESS_LABELS) as (keyof Likeness)[]).map((name) => [
    LIKENESS_LABELS[name],
    mean(spelled.likeness[name]).toFixed(2),
  ]);
}

/** How the pictured images were chosen. */
function choice({ spelled }: DemoResult): string {
  const n = spelled.letters.length;
  const each = Math.floor(n / spelled.best.length);
  return each > 1
    ? `Shown is, for each letter, the one of ${each}${n % spelled.best.length ? " or more" : ""} images on which it shows best; ${n} were attacked.`
    : `All ${n} attacked images are shown.`;
}

/** Before on the left, after on the right, the word's letters from left to right. */
export function wordPanel(result: DemoResult): Picture {
  const { spelled, plan, pixels, size, card, labels } = result;
  const { study, best, likeness } = spelled;
  const [plain, blunt] = study.explainers;
  const { attacked, control } = plain.under;
  const kinds = [plain.clean.maps, attacked.maps, control.maps, blunt.under.attacked.maps];
  const { sets, caption } = mapPictures(kinds, size);
  const [before, after, shuffled, remedied] = sets;
  const predicted = (p: readonly number[]): string[] =>
    best.map((i) => `${card.classes[labels[i]]} ${percent(p[i], 0)}`);
  const alike = (values: readonly number[]): string[] => best.map((i) => values[i].toFixed(2));
  const block = (title: string, names: readonly string[], cells: readonly (readonly Picture[])[], notes: string[][]) =>
    panelDrawing(
      cells.map((row) => best.map((i) => row[i])),
      { title, rows: names, notes, scale: Math.max(1, Math.floor(SIDE / size.width)) },
    );
  const { eps, steps, remedy } = plan.word;
  const pair = beside([
    block(
      "BEFORE",
      ["images", "maps", "control"],
      [imagePictures(pixels, size), before, shuffled],
      [predicted(study.probability), alike(likeness.clean), alike(likeness.control)],
    ),
    block(
      "AFTER",
      ["attacked", "maps", "remedy"],
      [imagePictures(study.images.attacked.images, size), after, remedied],
      [predicted(study.images.attacked.probability), alike(likeness.attacked), alike(likeness.remedied)],
    ),
  ]);
  const footer =
    `${plan.recipe.data}, test accuracy ${percent(result.accuracy)}, seed ${plan.recipe.seed}. Gradient maps; attack towards a target ` +
    `map, eps ${eps}, ${steps} steps. Under images: predicted class and its probability; under maps: Pearson correlation with the ` +
    "letter. Control: maps after the same change with its pixels shuffled. Remedy: maps of the attacked images by beta-smoothing, " +
    `softplus of beta ${remedy} in place of relu. ${choice(result)} ${caption}`;
  return rasterise(stack([paragraph(wordSentence(result), pair.width, GAP), pair, paragraph(footer, pair.width, GAP)]));
}

/** The first thing on the page. */
export function wordSection(result: DemoResult): Html {
  const { plan, spelled } = result;
  const n = spelled.letters.length;
  const kept = spelled.study.images.attacked.kept.filter(Boolean).length;
  return section(
    "Explanations that say what the attacker wants",
    figure(
      wordPanel(result),
      wordSentence(result),
      `${wordSentence(result)} The attack (Dombrowski et al. 2019) asks for a letter in each gradient map, among images within eps ` +
        `${plan.word.eps} that are classified as before; predictions kept: ${kept} of ${n}. ${choice(result)}`,
    ),
    table(
      ["maps", "correlation with the letter"],
      likenessRows(result),
      `Pearson correlation, mean over all ${n} attacked images. Some of it is there before: maps and letters both lie in the middle.`,
    ),
  );
}
