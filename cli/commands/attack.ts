/** `holdfast attack`: changes one image so that its explanation changes and its prediction stays. */
import { join } from "node:path";
import { type AttackStudy, type ExplainerStudy, studyAttack } from "../../atex/index.js";
import { differencePictures, imagePictures, mapPictures } from "../../atex/render/attack.js";
import { panel } from "../../atex/render/panel.js";
import { greyPicture, toPng } from "../../atex/render/picture.js";
import { openScope, random, type Tensor, tensor } from "../../engine/index.js";
import { replaceLayers, softplus, writeSafetensors } from "../../nn/index.js";
import { type AttackRequest, attackOptions, attackRequest, makeAttack } from "../attacks.js";
import { defineCommand } from "../command.js";
import { cpuOption, withEngine } from "../engine.js";
import { describeExplainer, explainerOptions, explainerRequest, makeExplainer } from "../explainers.js";
import { writeOutput } from "../files.js";
import { Live, percent } from "../live.js";
import { asBatch, imageOptions, type LoadedModel, modelOptions, openImage, openModel, predict } from "../model.js";

const options = {
  ...modelOptions,
  ...imageOptions,
  ...explainerOptions,
  ...attackOptions,
  out: { type: "string", default: "out/attack", value: "folder", help: "where pictures, numbers and images go" },
  ...cpuOption,
} as const;

/** Relu has no second derivative to follow; this softplus stands in for it. Source: Dombrowski et al. 2019, sec. 4. */
const TWIN_BETA = 30;

function twinOf({ card, model, params }: LoadedModel): ((x: Tensor) => Tensor) | undefined {
  if (card.activation !== "relu") return undefined;
  const twin = replaceLayers(model, "relu", softplus({ beta: TWIN_BETA }));
  return (x) => twin.apply(params, x);
}

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
  return `  ${label.padEnd(24)}Spearman ${spearman[0].toFixed(3)}  top-${k} ${percent(topK[0], 0)}  SSIM ${ssim[0].toFixed(3)}${onFigure}`;
}

/** Input, map, attacked input, its map, what was added. */
function sheet(
  pixels: Float32Array,
  { images, explainers: [{ clean, under }] }: AttackStudy,
  footer: string,
): Uint8Array {
  const attacked = images.attacked.images;
  const { sets, caption } = mapPictures([clean.maps, under.attacked.maps]);
  const row = [
    greyPicture(pixels),
    sets[0][0],
    imagePictures(attacked)[0],
    sets[1][0],
    differencePictures(pixels, attacked)[0],
  ];
  const columns = ["input", "its map", "attacked input", "its map", "difference x10"];
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

export const command = defineCommand({
  summary: "change an image so that its explanation changes and its prediction stays",
  options,
  async run({ values }) {
    const explainer = explainerRequest(values);
    const request: AttackRequest = attackRequest(values);
    const live = new Live();
    const image = await openImage(values, live);
    await withEngine({ cpu: values.cpu, withoutAdapter: "refuse" }, async (place) => {
      using _ = openScope("attack");
      const loaded = await openModel(values);
      const { classes } = loaded.card;
      const made = makeExplainer(explainer);
      const key = random.key(explainer.seed);
      const attack = await makeAttack(request, { explainer: made, n: 1, key: random.fold(key, 1) });
      const method = describeExplainer(explainer);
      const { predicted } = await predict(loaded, image.pixels);
      live.print(
        `${image.title}: ${classes[predicted]}; ${request.objective} attack on ${method}, eps ${request.eps}, ${place.name}`,
      );
      const study = await studyAttack({
        classifier: loaded.classifier,
        twin: twinOf(loaded),
        x: asBatch(image.pixels),
        masks: image.mask && tensor(image.mask, [1, 28, 28]),
        ...{ attack, explainers: [made], k: request.k, key: random.fold(key, 2) },
      });
      const file = (name: string): string => join(values.out, name);
      const attacked = study.images.attacked.images;
      const shape = [1, 1, 28, 28];
      const floats = {
        clean: image.pixels,
        attacked,
        cleanMap: study.explainers[0].clean.maps,
        attackedMap: study.explainers[0].under.attacked.maps,
      };
      await writeOutput(file("attacked.png"), toPng(greyPicture(attacked)));
      await writeOutput(
        file("attacked.safetensors"),
        writeSafetensors(new Map(Object.entries(floats).map(([name, data]) => [name, { dtype: "f32", shape, data }]))),
      );
      const command = `holdfast ${process.argv.slice(2).join(" ")}`;
      const record = {
        command,
        image: image.title,
        method,
        attack: request,
        adapter: place.name,
        ...metrics(study, classes),
      };
      await writeOutput(file("metrics.json"), `${JSON.stringify(record, null, 2)}\n`);
      const footer = `${image.title}, predicted "${classes[predicted]}" before and after; ${method}; eps ${request.eps}. Difference: full colour at 0.1.`;
      await writeOutput(file("panel.png"), sheet(image.pixels, study, footer));
      const [kept] = study.images.attacked.kept;
      live.print(
        `  prediction ${kept ? "kept" : "LOST"}, probability ${percent(study.probability[0])} before, ${percent(study.images.attacked.probability[0])} after`,
      );
      live.print(agreementLine("attacked against clean", study.explainers[0], "attacked", request.k));
      live.print(agreementLine("same change, shuffled", study.explainers[0], "control", request.k));
      live.print(`  ${roundingLine(study)}`);
      for (const name of ["panel.png", "attacked.png", "attacked.safetensors", "metrics.json"]) live.print(file(name));
    });
  },
});
