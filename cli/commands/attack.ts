/** `holdfast attack`: changes one image so that its explanation changes and its prediction stays. */
import { join } from "node:path";
import { type AttackStudy, type ExplainerStudy, studyAttack, surrogateOf } from "../../atex/index.js";
import { differencePictures, EXAGGERATION, imagePictures, mapPictures } from "../../atex/render/attack.js";
import { panel } from "../../atex/render/panel.js";
import { imagePicture, toPng } from "../../atex/render/picture.js";
import { openScope, random, tensor } from "../../engine/index.js";
import { PIXEL_RANGE, writeSafetensors } from "../../nn/index.js";
import { type AttackRequest, attackOptions, attackRequest, makeAttack } from "../attacks.js";
import { defineCommand, UsageError } from "../command.js";
import { cpuOption, withEngine } from "../engine.js";
import { describeExplainer, explainerOptions, explainerRequest, requestedExplainer } from "../explainers.js";
import { writeOutput } from "../files.js";
import { Live, percent } from "../live.js";
import { asBatch, imageOptions, type LoadedImage, modelOptions, openImage, openModel, predict } from "../model.js";

/** The images of this command's networks. */
const SIZE = { channels: 1, height: 28, width: 28 };

const options = {
  ...modelOptions,
  ...imageOptions,
  ...explainerOptions,
  ...attackOptions,
  out: { type: "string", default: "out/attack", value: "folder", help: "where pictures, numbers and images go" },
  ...cpuOption,
} as const;

/** What was measured on one image, for a file. */
function metrics({ images, explainers, classes, probability, objective }: AttackStudy, names: readonly string[]) {
  const [{ clean, under }] = explainers;
  const variant = (name: "attacked" | "rounded" | "control") => ({
    predictionKept: images[name].kept[0],
    probability: images[name].probability[0],
    largestChange: images[name].change[0],
    spearman: under[name].spearman[0],
    topKIntersection: under[name].topK[0],
    ssim: under[name].ssim[0],
    massOnFigure: under[name].mass?.[0],
  });
  return {
    prediction: names[classes[0]],
    clean: { probability: probability[0], massOnFigure: clean.mass?.[0], objective: objective.clean[0] },
    attacked: { ...variant("attacked"), objective: objective.attacked[0] },
    attackedRoundedTo8Bits: variant("rounded"),
    sameChangeShuffled: variant("control"),
  };
}

function agreementLine(
  label: string,
  { under }: ExplainerStudy,
  name: "attacked" | "rounded" | "control",
  k: number,
): string {
  const { spearman, topK, ssim, mass } = under[name];
  const onFigure = mass ? `  mass on the figure ${percent(mass[0], 0)}` : "";
  return `${label.padEnd(24)}Spearman ${spearman[0].toFixed(3)}  top-${k} ${percent(topK[0], 0)}  SSIM ${ssim[0].toFixed(3)}${onFigure}`;
}

/** Input, map, attacked input, its map, what was added. */
function sheet(
  pixels: Float32Array,
  { images, explainers: [{ clean, under }] }: AttackStudy,
  footer: string,
): Uint8Array {
  const attacked = images.attacked.images;
  const { sets, caption } = mapPictures([clean.maps, under.attacked.maps], SIZE);
  const row = [
    imagePicture(pixels, SIZE),
    sets[0][0],
    imagePictures(attacked, SIZE)[0],
    sets[1][0],
    differencePictures(pixels, attacked, SIZE)[0],
  ];
  const columns = ["input", "its map", "attacked input", "its map", `difference x${EXAGGERATION}`];
  return toPng(panel([row], { columns, footer: `${footer} ${caption}`, scale: 8 }));
}

/** Says whether the 8-bit PNG still fools: rounding moves each pixel by up to 1/510. */
function roundingLine({ images: { rounded }, explainers: [{ under }] }: AttackStudy): string {
  if (!rounded.kept[0])
    return "rounded to 8 bits for the PNG, the image loses its prediction: use attacked.safetensors";
  const gained = 1 - under.attacked.spearman[0];
  const left = gained > 0 ? (1 - under.rounded.spearman[0]) / gained : 1;
  return `rounded to 8 bits for the PNG, the image keeps its prediction and ${percent(left, 0)} of the drop in Spearman correlation`;
}

/** Where and how one attack was made. */
interface Made {
  readonly image: LoadedImage;
  readonly study: AttackStudy;
  readonly method: string;
  readonly request: AttackRequest;
  readonly seed: number;
  readonly adapter: string;
  readonly classes: readonly string[];
}

/** Files by name: the attacked image as PNG and exactly, its panel, its numbers. */
function files({ image, study, method, request, seed, adapter, classes }: Made): [name: string, Uint8Array | string][] {
  const attacked = study.images.attacked.images;
  const [{ clean, under }] = study.explainers;
  const exact = { clean: image.pixels, attacked, cleanMap: clean.maps, attackedMap: under.attacked.maps };
  const tensors = Object.entries(exact).map(
    ([name, data]) => [name, { dtype: "f32", shape: [1, 1, 28, 28], data }] as const,
  );
  const command = ["holdfast", ...process.argv.slice(2)].join(" ");
  const record = { command, image: image.title, method, attack: request, seed, adapter, ...metrics(study, classes) };
  const footer =
    `${image.title}, predicted "${classes[study.classes[0]]}" before and after; ${request.objective} attack on ${method}; ` +
    `eps ${request.eps}. Difference: full colour at ${1 / EXAGGERATION}.`;
  return [
    ["panel.png", sheet(image.pixels, study, footer)],
    ["attacked.png", toPng(imagePicture(attacked, SIZE))],
    ["attacked.safetensors", writeSafetensors(new Map(tensors))],
    ["metrics.json", `${JSON.stringify(record, null, 2)}\n`],
  ];
}

/** What happened, in a few lines. */
function report({ study, request }: Made, objective: string): string {
  const { probability, objective: value, explainers, images } = study;
  const after = images.attacked;
  return [
    `prediction ${after.kept[0] ? "kept" : "LOST"}, probability ${percent(probability[0])} before, ${percent(after.probability[0])} after`,
    `${objective}: from ${value.clean[0].toPrecision(3)} to ${value.attacked[0].toPrecision(3)}`,
    agreementLine("attacked against clean", explainers[0], "attacked", request.k),
    agreementLine("same change, shuffled", explainers[0], "control", request.k),
    roundingLine(study),
  ]
    .map((text) => `  ${text}`)
    .join("\n");
}

export const command = defineCommand({
  summary: "change an image so that its explanation changes and its prediction stays",
  options,
  async run({ values }) {
    const requested = explainerRequest(values);
    if (!requested.entry.laws.differentiable)
      throw new UsageError(`--method ${requested.entry.name}: it has no gradient to attack it by; see explain --list`);
    const request = attackRequest(values);
    const live = new Live();
    const image = await openImage(values, live);
    await withEngine({ cpu: values.cpu, withoutAdapter: "refuse" }, async (place) => {
      using _ = openScope("attack");
      const loaded = await openModel(values);
      const { classes } = loaded.card;
      const explainer = requestedExplainer(requested, {
        domain: { shape: [1, 28, 28], range: PIXEL_RANGE },
        key: random.key(requested.seed),
      });
      const method = describeExplainer(requested);
      const { predicted } = await predict(loaded, image.pixels);
      live.print(`${image.title}: ${classes[predicted]}; ${request.objective} attack on ${method}`);
      live.print(`eps ${request.eps}, ${request.steps} steps, on ${place.name}`);
      const key = random.key(requested.seed);
      const attack = await makeAttack(request, { explainer, n: 1, key: random.fold(key, 1) });
      const x = asBatch(image.pixels);
      const study = await studyAttack({
        classifier: loaded.classifier,
        surrogate: surrogateOf(loaded.classifier, x.shape.slice(1)),
        x,
        masks: image.mask && tensor(image.mask, [1, 28, 28]),
        ...{ attack, explainers: [explainer], k: request.k, key: random.fold(key, 2) },
      });
      const made = { image, study, method, request, seed: requested.seed, adapter: place.name, classes };
      live.print(report(made, attack.objective.name));
      for (const [name, contents] of files(made)) {
        await writeOutput(join(values.out, name), contents);
        live.print(join(values.out, name));
      }
    });
  },
});
