/** `holdfast attack`: changes one sample so that its explanation changes and its prediction stays. */
import { join } from "node:path";
import {
  type AttackStudy,
  type ExplainerStudy,
  featuresOf,
  studyAttack,
  surrogateOf,
  usualTopK,
} from "../../atex/index.js";
import { differenceCaption, differencePictures, imagePictures, mapPictures } from "../../atex/render/attack.js";
import { featureContributions } from "../../atex/render/bars.js";
import { panel } from "../../atex/render/panel.js";
import { bytePicture, toPng } from "../../atex/render/picture.js";
import { roundedTowards } from "../../atex/render/rounding.js";
import { explanationSheet } from "../../atex/render/sheet.js";
import { openScope, random, tensor } from "../../engine/index.js";
import { type Domain, type NetworkFile, writeSafetensors } from "../../nn/index.js";
import { type AttackRequest, attackOptions, attackRequest, makeAttack } from "../attacks.js";
import { defineCommand, UsageError } from "../command.js";
import { cpuOption, withEngine } from "../engine.js";
import { describeExplainer, explainerOptions, explainerRequest } from "../explainers.js";
import { explainersFor } from "../explaining.js";
import { shownRow } from "../features.js";
import { writeOutput } from "../files.js";
import { Live, percent } from "../live.js";
import { modelOptions, predict, readModel } from "../model.js";
import { asBatch, imageSizeOf, isImage, type LoadedSample, openSample, sampleOptions } from "../sample.js";
import { targetOf, targetOption } from "../target.js";
import { requireWritable } from "../writable.js";

const options = {
  ...modelOptions,
  ...sampleOptions,
  ...explainerOptions,
  ...attackOptions,
  ...targetOption,
  out: { type: "string", default: "out/attack", value: "folder", help: "where pictures, numbers and samples go" },
  ...cpuOption,
} as const;

/** What was measured on one sample, for a file. */
function metrics({ images, explainers, classes, probability, objective }: AttackStudy, names: readonly string[]) {
  const [{ clean, under }] = explainers;
  const variant = (name: "attacked" | "rounded" | "control") => ({
    predictionKept: images[name].kept[0],
    probability: images[name].probability[0],
    largestChange: images[name].change[0],
    spearman: under[name].spearman[0],
    topKIntersection: under[name].topK[0],
    ssim: under[name].ssim?.[0],
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
  const alike = ssim ? `  SSIM ${ssim[0].toFixed(3)}` : "";
  return `${label.padEnd(40)}Spearman ${spearman[0].toFixed(3)}  top-${k} ${percent(topK[0], 0)}${alike}${onFigure}`;
}

/** Input, map, attacked input, its map, what was added; of a row, its contributions before and after. */
function sheet({ sample, study, domain, chosen, file, target, region }: Made, footer: string): Uint8Array {
  const attacked = study.images.attacked.images;
  const [{ clean, under }] = study.explainers;
  if (!isImage(domain)) {
    const features = featuresOf(domain);
    const [before, after] = [shownRow(file, sample.values), shownRow(file, attacked)];
    const explanations = [clean.maps, under.attacked.maps].map((maps, i) => ({
      name: ["before", "after the attack"][i],
      contributions: featureContributions(features, maps),
    }));
    const values = before.map(({ name, value }, i) => ({
      name,
      value: value === after[i].value ? value : `${value} -> ${after[i].value}`,
    }));
    const title = `${sample.title}: importance for "${chosen}", shares of the whole`;
    return explanationSheet({ title, footer, features: values, explanations, scale: "shared" }).png();
  }
  const size = imageSizeOf(domain);
  const { sets, caption } = mapPictures([clean.maps, under.attacked.maps], size);
  const row = [
    imagePictures(sample.values, size)[0],
    sets[0][0],
    imagePictures(attacked, size)[0],
    sets[1][0],
    differencePictures(sample.values, attacked, size)[0],
  ];
  const columns = ["input", "its map", "attacked input", "its map", "difference"];
  const aim = target ?? region;
  if (aim) {
    row.push(imagePictures(scaledToMax(aim), { ...size, channels: 1 })[0]);
    columns.push("aimed at");
  }
  return toPng(panel([row], { columns, footer: `${footer} ${differenceCaption(size)} ${caption}` }));
}

const scaledToMax = (values: Float32Array): Float32Array => {
  const most = values.reduce((a, b) => Math.max(a, b), 0);
  return most > 0 ? values.map((v) => Math.max(0, v) / most) : values;
};

/** "top,left,height,width" of the ones in a mask [h,w], as the option has it. */
function boxOf(mask: Float32Array, width: number): string {
  const places = [...mask.keys()].filter((i) => mask[i] > 0);
  const [rows, columns] = [places.map((i) => Math.floor(i / width)), places.map((i) => i % width)];
  const [top, left] = [Math.min(...rows), Math.min(...columns)];
  return [top, left, Math.max(...rows) - top + 1, Math.max(...columns) - left + 1].join(",");
}

/** Says whether the 8-bit PNG still fools: rounding, towards the clean image, takes some of each pixel's change back. */
function roundingLine({ images: { rounded }, explainers: [{ under }] }: AttackStudy): string {
  if (!rounded.kept[0])
    return "rounded to 8 bits for the PNG, the image loses its prediction: use attacked.safetensors";
  const drop = 1 - under.attacked.spearman[0];
  const left = 1 - under.rounded.spearman[0];
  return `rounded to 8 bits for the PNG, the image keeps its prediction; Spearman fell by ${left.toFixed(3)} of ${drop.toFixed(3)}`;
}

/** Where and how one attack was made. */
interface Made {
  readonly sample: LoadedSample;
  readonly study: AttackStudy;
  readonly method: string;
  readonly request: AttackRequest;
  readonly eps: number;
  readonly k: number;
  /** What was aimed at, where somebody chose it: [h,w] or [d]. */
  readonly target?: Float32Array;
  /** The region that is to be filled, zeros and ones [h,w], also where it was drawn at random. */
  readonly region?: Float32Array;
  readonly seed: number;
  readonly adapter: string;
  readonly classes: readonly string[];
  readonly chosen: string;
  readonly domain: Domain;
  readonly file: NetworkFile;
}

/** Files by name: the attacked sample exactly, an image as PNG too, its panel, its numbers. */
function files(made: Made): [name: string, Uint8Array | string][] {
  const { sample, study, method, request, eps, seed, adapter, classes, chosen, domain } = made;
  const attacked = study.images.attacked.images;
  const [{ clean, under }] = study.explainers;
  const [sampleShape, mapShape] = [
    [1, ...domain.shape],
    [1, ...domain.shape.slice(isImage(domain) ? 1 : 0)],
  ];
  const exact = [
    ["clean", sampleShape, sample.values],
    ["attacked", sampleShape, attacked],
    ["cleanMap", mapShape, clean.maps],
    ["attackedMap", mapShape, under.attacked.maps],
    ...(made.target ? [["target", mapShape, made.target] as const] : []),
    ...(made.region ? [["region", mapShape, made.region] as const] : []),
  ] as const;
  const tensors = exact.map(([name, shape, data]) => [name, { dtype: "f32", shape, data }] as const);
  const command = ["holdfast", ...process.argv.slice(2)].join(" ");
  const { objective, settings, steps, restarts, stepSize = eps / 2 } = request;
  const aimed = made.region && { region: boxOf(made.region, domain.shape[domain.shape.length - 1]) };
  const attack = { objective: objective.name, ...settings, ...aimed, eps, steps, stepSize, restarts };
  const cost = { mapsDifferentiated: study.passes };
  const record = { command, sample: sample.title, method, attack, cost, seed, adapter, ...metrics(study, classes) };
  const footer = `${sample.title}, predicted "${chosen}" before and after; ${objective.name} attack on ${method}; eps ${eps}.`;
  const png: [string, Uint8Array][] = isImage(domain)
    ? [["attacked.png", toPng(bytePicture(roundedTowards(sample.values, attacked), imageSizeOf(domain)))]]
    : [];
  return [
    ["panel.png", sheet(made, footer)],
    ...png,
    ["attacked.safetensors", writeSafetensors(new Map(tensors))],
    ["metrics.json", `${JSON.stringify(record, null, 2)}\n`],
  ];
}

/** What happened, in a few lines. */
function report({ study, k, domain }: Made, objective: string): string {
  const { probability, objective: value, explainers, images, passes } = study;
  const after = images.attacked;
  return [
    `prediction ${after.kept[0] ? "kept" : "LOST"}, probability ${percent(probability[0])} before, ${percent(after.probability[0])} after`,
    `${objective}: from ${value.clean[0].toPrecision(3)} to ${value.attacked[0].toPrecision(3)}; ${passes} maps differentiated`,
    agreementLine("attacked against clean", explainers[0], "attacked", k),
    agreementLine("control: same change, elements shuffled", explainers[0], "control", k),
    ...(isImage(domain) ? [roundingLine(study)] : []),
  ]
    .map((text) => `  ${text}`)
    .join("\n");
}

/** Largest change, where none is asked for. */
const EPS = { images: 0.03, rows: 0.3 };

export const command = defineCommand({
  summary: "change a sample so that its explanation changes and its prediction stays",
  options,
  async run({ values }) {
    const requested = explainerRequest(values);
    if (!requested.entry.laws.differentiable)
      throw new UsageError(`--method ${requested.entry.name}: it has no gradient to attack it by; see explain --list`);
    const request = attackRequest(values);
    await requireWritable("out", join(values.out, "panel.png"));
    const live = new Live();
    const source = await readModel(values, values.rows);
    const early = source.file && (await openSample(values, source.file, live));
    await withEngine({ cpu: values.cpu, withoutAdapter: "refuse", minimalFiltering: false }, async (place) => {
      using here = openScope("attack");
      const model = await here.wait(source.open());
      const sample = early ?? (await here.wait(openSample(values, model, live)));
      const { domain, classifier } = model;
      const { classes } = model.card;
      const x = asBatch(sample.values, domain);
      const [explainer] = await here.wait(explainersFor([requested], { model, x, values, live }));
      const method = describeExplainer(requested);
      const chosen = classes[(await here.wait(predict(model, sample.values))).predicted];
      const eps = request.eps ?? (isImage(domain) ? EPS.images : EPS.rows);
      const k = typeof request.settings.k === "number" ? request.settings.k : usualTopK(x.shape);
      live.print(`${sample.title}: ${chosen}; ${request.objective.name} attack on ${method}`);
      if (sample.hint) live.print(`  ${sample.hint}`);
      live.print(`eps ${eps}, ${request.steps} steps, on ${place.name}`);
      const key = random.key(requested.seed);
      const target = await here.wait(targetOf(request.objective, values, { model, explainer, live }));
      const attack = await here.wait(
        makeAttack(request, {
          ...{ explainer, eps, range: domain.range, shape: x.shape, key: random.fold(key, 1) },
          target: target && tensor(target, [1, ...domain.shape.slice(isImage(domain) ? 1 : 0)]),
        }),
      );
      const mask = attack.objective.region;
      const region = mask && Float32Array.from(await here.wait(mask.read()));
      if (region) live.print(`the region to be filled is ${boxOf(region, domain.shape[2])} (top, left, height, width)`);
      const study = await here.wait(
        studyAttack({
          ...{ classifier, x, attack, k, explainers: [explainer], key: random.fold(key, 2) },
          surrogate: surrogateOf(classifier, domain.shape),
          masks: sample.mask && tensor(sample.mask, [1, ...domain.shape.slice(1)]),
          onProgress: (stage) => live.update(stage),
        }),
      );
      const made = {
        sample,
        study,
        method,
        request,
        eps,
        k,
        target,
        region,
        seed: requested.seed,
        adapter: place.name,
      };
      const whole: Made = { ...made, classes, chosen, domain, file: model };
      live.print(report(whole, attack.objective.name));
      for (const [name, contents] of files(whole)) {
        await here.wait(writeOutput(join(values.out, name), contents));
        live.print(join(values.out, name));
      }
    });
  },
});
