/** The demo's page and panels, from its result. */
import type { Agreement, ExplainerStudy, VariantName } from "../../atex/index.js";
import {
  differenceCaption,
  differencePictures,
  EXAGGERATION,
  imagePictures,
  mapPictures,
} from "../../atex/render/attack.js";
import {
  code,
  facts,
  type GridRow,
  type Html,
  line,
  lines,
  notice,
  page,
  pictureGrid,
  section,
  table,
} from "../../atex/render/html.js";
import { panel } from "../../atex/render/panel.js";
import type { Picture } from "../../atex/render/picture.js";
import type { Place } from "../engine.js";
import { percent as percentage } from "../live.js";
import type { DemoResult } from "./experiment.js";
import { wordPanel, wordSection } from "./word-picture.js";

/** Images shown for the explainer under attack, and for the others; numbers are over all images. */
const SHOWN = 10;
const SHOWN_OF_OTHERS = 5;

export interface Circumstances {
  readonly command: string;
  readonly place: Place;
  readonly version: string;
  readonly date: Date;
}

/** One explainer's pictures, image by image. */
interface View {
  readonly name: string;
  /** Input, map, attacked input, its map, difference. */
  readonly rows: readonly (readonly Picture[])[];
  readonly columns: readonly string[];
  readonly caption: string;
}

function viewOf({ pixels, size, study }: DemoResult, { name, clean, under }: ExplainerStudy, count: number): View {
  const plane = size.height * size.width;
  const image = (values: Float32Array): Float32Array => values.subarray(0, count * size.channels * plane);
  const map = (values: Float32Array): Float32Array => values.subarray(0, count * plane);
  const [input, attacked] = [image(pixels), image(study.images.attacked.images)];
  const { sets, caption } = mapPictures([map(clean.maps), map(under.attacked.maps)], size);
  const pictures = [
    imagePictures(input, size),
    sets[0],
    imagePictures(attacked, size),
    sets[1],
    differencePictures(input, attacked, size),
  ];
  const title = `${shortName(name)} map`;
  return {
    name,
    rows: pictures[0].map((_, i) => pictures.map((column) => column[i])),
    columns: ["input", title, "attacked input", `${title}, attacked`, `difference x${EXAGGERATION}`],
    caption: `${caption} ${differenceCaption(size)}`,
  };
}

const shortName = (explainer: string): string => explainer.replace(/ of gradient$/, "");

/** The word, and a PNG panel for each explainer. */
export function panels(result: DemoResult): { readonly name: string; readonly picture: Picture }[] {
  const { card, labels, study, plan } = result;
  const maps = study.explainers.map((explainer) => {
    const { name, rows, columns, caption } = viewOf(result, explainer, SHOWN);
    const data = `${plan.recipe.data}, test accuracy ${share(result.accuracy)}, seed ${plan.recipe.seed}.`;
    const attack = `Top-${plan.k} attack on the gradient map, eps ${plan.eps}, ${plan.steps} steps.`;
    const footer = `${data} ${attack} ${caption}`;
    const picture = panel(rows, { columns, rows: rows.map((_, i) => card.classes[labels[i]]), footer, scale: 5 });
    return { name: shortName(name).replaceAll(" ", "-").toLowerCase(), picture };
  });
  return [{ name: "word", picture: wordPanel(result) }, ...maps];
}

/** In percent, never broken between number and sign. */
const share = (value: number, digits?: number): string => percentage(value, digits).replace(" ", "\u00a0");

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** Mean ± sample standard deviation. */
function spread(values: readonly number[]): string {
  const centre = mean(values);
  const variance = values.reduce((sum, v) => sum + (v - centre) ** 2, 0) / Math.max(1, values.length - 1);
  return `${centre.toFixed(2)} ± ${Math.sqrt(variance).toFixed(2)}`;
}

function grid(result: DemoResult, explainer: ExplainerStudy, count: number): Html {
  const { card, labels, study, plan } = result;
  const { rows, columns, caption } = viewOf(result, explainer, count);
  const { clean, under } = explainer;
  const onFigure = (mass: readonly number[] | undefined, i: number): string[] =>
    mass ? [`on figure ${share(mass[i], 0)}`] : [];
  const gridRows = rows.map((pictures, i): GridRow => {
    const { spearman, topK, ssim, mass } = under.attacked;
    const agreement = [
      `Spearman ${spearman[i].toFixed(2)}`,
      `top-${plan.k} ${share(topK[i], 0)}`,
      `SSIM ${ssim![i].toFixed(2)}`,
    ];
    const notes = [
      `p = ${share(study.probability[i])}`,
      lines(...onFigure(clean.mass, i)),
      `p = ${share(study.images.attacked.probability[i])}`,
      lines(...agreement, ...onFigure(mass, i)),
      `at most ${study.images.attacked.change[i].toFixed(3)}`,
    ];
    return { label: card.classes[labels[i]], pictures, notes };
  });
  return pictureGrid(columns, gridRows, caption);
}

const VARIANT_LABELS: Record<VariantName, string> = {
  attacked: "attack",
  rounded: "attack, rounded to 8 bits",
  control: "control: same change, pixels shuffled",
};

function numbers({ study, plan, masks }: DemoResult): Html {
  const rows = study.explainers.flatMap(({ name, clean, under }) =>
    (Object.keys(VARIANT_LABELS) as VariantName[]).map((variant) => {
      const { spearman, topK, ssim, mass }: Agreement = under[variant];
      const onFigure = clean.mass && mass ? [spread(clean.mass), spread(mass)] : [];
      return [shortName(name), VARIANT_LABELS[variant], spread(spearman), spread(topK), spread(ssim!), ...onFigure];
    }),
  );
  const onFigure = masks ? ["on figure, before", "after"] : [];
  return table(
    ["map", "change", "Spearman", `top-${plan.k}`, "SSIM", ...onFigure],
    rows,
    `Mean ± standard deviation over ${study.classes.length} images. 1 means: the map is as before.`,
  );
}

function settings(result: DemoResult, { place }: Circumstances): Html {
  const { plan, card, size, parameters, trainImages, testImages, trainSeconds, attackSeconds } = result;
  const { recipe, word } = plan;
  const activation = card.activation === "relu" ? "relu" : `softplus with beta ${card.beta}`;
  return table(
    ["setting", "value"],
    [
      [
        "data",
        line(
          recipe.data,
          `: the first ${trainImages} training and ${testImages} test images, ${size.height}x${size.width}, in [0, 1]`,
        ),
      ],
      ["network", line(`${card.network}: ${parameters} parameters, ${activation}`)],
      [
        "training",
        line(
          `Adam, learning rate ${recipe.learningRate}, batches of ${recipe.batch}, ${plan.epochs === 1 ? "1 epoch" : `${plan.epochs} epochs`}`,
        ),
      ],
      ["seed", line(`${recipe.seed}: one run; only the images that show the word were chosen by the result`)],
      ["SmoothGrad", line(`${plan.samples} copies, sigma ${plan.sigma}`)],
      ["integrated gradients", line(`${plan.points} points on the path from black`)],
      [
        "attack",
        line(`eps ${plan.eps} (largest change of a pixel), ${plan.steps} sign steps of ${plan.eps / 10}, one start`),
      ],
      [
        "word",
        line(
          `eps ${word.eps}, ${word.steps} steps of Adam, at first of ${word.eps / 10}, falling to 0 along a cosine; softplus with beta ` +
            `${word.beta} differentiated in place of relu`,
        ),
      ],
      ["adapter", line(place.name)],
      [
        "time",
        line(`${trainSeconds.toFixed(0)} s of training, ${attackSeconds.toFixed(0)} s of attacks, maps and measures`),
      ],
    ],
  );
}

/** The page: one file, nothing loaded from elsewhere. */
export function demoPage(result: DemoResult, circumstances: Circumstances): string {
  const { plan, study, accuracy, testImages, masks } = result;
  const { command, place, version, date } = circumstances;
  const n = study.classes.length;
  const kept = study.images.attacked.kept.filter(Boolean).length;
  const [attacked, ...others] = study.explainers;
  const { control } = attacked.under;
  const { spearman, topK, ssim, mass } = attacked.under.attacked;
  const onFigure: [string, string][] =
    attacked.clean.mass && mass
      ? [
          [
            "of the map on the figure, before → after",
            `${(100 * mean(attacked.clean.mass)).toFixed(0)} → ${share(mean(mass), 0)}`,
          ],
        ]
      : [];
  const area = masks ? mean(Array.from(masks)) : undefined;
  const banner =
    place.kind === "reference"
      ? [
          notice(
            `Reduced run on the CPU: ${place.missing ? `${place.missing.reason}; holdfast doctor says how to get an adapter` : "--cpu asked for it"}. ` +
              "Everything below was computed by the slow float64 reference executor, with a small part of the images and steps; " +
              "its numbers are not comparable with those of a full run.",
          ),
        ]
      : [];
  return page({
    title: "An attack on the explanations of a small network",
    lead:
      "A small convolutional network was trained, and maps were made of the pixels its predictions rest on. Then the images were " +
      `changed so that the maps change and the predictions do not: to write a word into the maps (no pixel by more than ` +
      `${share(plan.word.eps, 0)} of its range), and to take their weight from the pixels that mattered most (${share(plan.eps, 0)}).`,
    sections: [
      ...banner,
      wordSection(result),
      facts([
        [`test accuracy on ${testImages} images`, share(accuracy, 2)],
        ["attacked images with their prediction kept", `${kept} of ${n}`],
        [`Spearman, attacked to clean map; control ${mean(control.spearman).toFixed(2)}`, mean(spearman).toFixed(2)],
        [`top-${plan.k} pixels in common; control ${share(mean(control.topK), 0)}`, share(mean(topK), 0)],
        [`SSIM, attacked to clean map; control ${mean(control.ssim!).toFixed(2)}`, mean(ssim!).toFixed(2)],
        ...onFigure,
      ]),
      section(
        "What was done",
        `A map says how much each pixel counts for the predicted class's logit. The attack looks for an image within eps of the ` +
          `original whose gradient map gives as little as possible to the ${plan.k} pixels that mattered most, among images that are ` +
          "classified as before (Tang et al. 2022, eq. 1). The map is a gradient, so every step follows a gradient of a gradient. " +
          "The control, beside which every number has to be read, is the attack's own change with its pixels shuffled: as large, " +
          "aimed at nothing.",
        ...(area === undefined
          ? []
          : [
              "These images are drawn, so the pixels that carry the class are known: the figure. The share of a map's mass that lies " +
                `on it is given with each map. The figures cover ${share(area, 0)} of the area, which is what a map without any ` +
                "knowledge would score.",
            ]),
        settings(result, circumstances),
      ),
      section(
        "Gradient maps, under attack",
        `${Math.min(SHOWN, n)} of the ${n} attacked images: the first correctly classified test images, one of each class in turn. ` +
          "p is the probability of the predicted class.",
        grid(result, attacked, SHOWN),
      ),
      ...others.map((explainer) =>
        section(
          `${shortName(explainer.name)[0].toUpperCase()}${shortName(explainer.name).slice(1)} maps of the same images`,
          "Not attacked themselves: they show how far an attack on the gradient carries over.",
          grid(result, explainer, SHOWN_OF_OTHERS),
        ),
      ),
      section(
        "Numbers",
        "What an attack shows is what it does beyond the control, which is as large in every norm (but for pixels cut at black or white). Rounded means the image as an 8-bit file holds it. Spearman " +
          `correlation and top-${plan.k} intersection compare the ranks of pixels; SSIM compares maps scaled to maximum 1.`,
        numbers(result),
      ),
    ],
    footer: line(
      code(command),
      ` · holdfast ${version} · ${place.name} · seed ${plan.recipe.seed} · ${date.toISOString().slice(0, 16).replace("T", " ")} UTC`,
    ),
  });
}
