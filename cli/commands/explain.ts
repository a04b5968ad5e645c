/** `holdfast explain`: what a trained network predicts for one sample, and which of its features it used. */
import { resolve } from "node:path";
import { classScore, featuresOf } from "../../atex/index.js";
import { featureContributions } from "../../atex/render/bars.js";
import { explanationPage } from "../../atex/render/explanation-page.js";
import { explanationSheet, type ImageExplanation, type RowsExplanation } from "../../atex/render/sheet.js";
import { callerScope, openScope, type Tensor, tensor } from "../../engine/index.js";
import { writeSafetensors } from "../../nn/index.js";
import { unknown } from "../arguments.js";
import { asUsage, defineCommand, UsageError } from "../command.js";
import { cpuOption, withEngine } from "../engine.js";
import {
  describeExplainer,
  type ExplainerRequest,
  explainerLines,
  explainerList,
  explainerOptions,
  explainerRequests,
} from "../explainers.js";
import { explainersFor } from "../explaining.js";
import { shownRow } from "../features.js";
import { writeOutput } from "../files.js";
import { Live } from "../live.js";
import { type LoadedModel, modelOptions, type Prediction, predict, predictionLines, readModel } from "../model.js";
import { asBatch, imageSizeOf, isImage, type LoadedSample, openSample, sampleOptions } from "../sample.js";
import { requireWritable } from "../writable.js";

const options = {
  ...modelOptions,
  ...sampleOptions,
  ...explainerOptions,
  class: { type: "string", value: "name", help: "the class to explain, by name or number; default the predicted one" },
  list: { type: "boolean", help: "print the explanations there are, with their sources and options, and stop" },
  json: { type: "boolean", help: "with --list: for machines" },
  out: {
    type: "string",
    default: "out/explanation.png",
    value: "file.png",
    help: "where the picture goes; .html and .safetensors files with all numbers go beside it",
  },
  ...cpuOption,
} as const;

/** A class by name or number. */
function classOf(text: string, classes: readonly string[]): number {
  const found = classes.indexOf(text);
  if (found >= 0) return found;
  if (/^\d+$/.test(text) && Number(text) < classes.length) return Number(text);
  throw unknown("class", text, classes);
}

/** What one explainer said. */
interface Said {
  readonly request: ExplainerRequest;
  readonly attribution: Float32Array;
  /** How far the sum is from what the method promises. */
  readonly gap?: number;
  /** Why there is nothing to show. */
  readonly refused?: string;
}

export const command = defineCommand({
  summary: "show which pixels, or which columns of a table, a prediction rests on",
  options,
  async run({ values }) {
    if (values.list) {
      console.log(values.json ? JSON.stringify(explainerList(), null, 2) : explainerLines());
      return;
    }
    if (values.json) throw new UsageError("--json goes with --list; leave it out to explain a sample");
    const requests = explainerRequests(values);
    if (!values.out.endsWith(".png")) throw new UsageError(`--out ${values.out}: a name that ends in .png is needed`);
    const base = values.out.slice(0, -".png".length);
    if (values.weights !== undefined && resolve(values.weights) === resolve(`${base}.safetensors`))
      throw new UsageError(
        `--out ${values.out}: its numbers would overwrite --weights ${values.weights}; give another name`,
      );
    for (const name of [values.out, `${base}.html`, `${base}.safetensors`]) await requireWritable("out", name);
    const live = new Live();
    const source = await readModel(values, values.rows);
    const early = source.file && (await openSample(values, source.file, live));
    await withEngine({ cpu: values.cpu, withoutAdapter: "refuse", minimalFiltering: false }, async (place) => {
      using here = openScope("explain");
      const model = await here.wait(source.open());
      const sample = early ?? (await here.wait(openSample(values, model, live)));
      const { classes } = model.card;
      const prediction = await here.wait(predict(model, sample.values));
      const chosen = values.class === undefined ? prediction.predicted : classOf(values.class, classes);
      const x = asBatch(sample.values, model.domain);
      const all = await here.wait(explain(requests, { model, x, chosen, values, live }));
      const shown = all.filter(({ refused }) => refused === undefined);
      live.print(`${sample.title}: ${classes[prediction.predicted]}`);
      live.print(predictionLines(prediction, classes, sample.label));
      if (sample.hint) live.print(`  ${sample.hint}`);
      for (const { request, gap, refused } of all) {
        live.print(`explained: the logit of "${classes[chosen]}" by ${describeExplainer(request)}, on ${place.name}`);
        if (refused !== undefined) live.print(`  left out: ${refused}`);
        else if (gap !== undefined)
          live.print(
            `  completeness: the sum misses what ${request.entry.info.name} promises by ${gap.toPrecision(2)}`,
          );
      }
      if (shown.length === 0) throw new UsageError(`--method ${values.method}: ${all[0].refused}`);
      const explanation = explanationOf(model, sample, prediction, chosen, shown);
      const command = ["holdfast", ...process.argv.slice(2)].join(" ");
      for (const [name, contents] of [
        [values.out, explanationSheet(explanation).png()],
        [`${base}.html`, explanationPage(explanation, { footer: `${command}; computed on ${place.name}` })],
        [`${base}.safetensors`, numbers(model, sample, shown, { command, class: classes[chosen] })],
      ] as const) {
        await here.wait(writeOutput(name, contents));
        live.print(name);
      }
    });
  },
});

interface Explaining {
  readonly model: LoadedModel;
  readonly x: Tensor;
  /** The explained class. */
  readonly chosen: number;
  readonly values: { readonly data?: string; readonly "data-dir"?: string };
  readonly live: Live;
}

/** Every request's attribution. Where several are asked for, one that does not fit says why and the others go on. */
async function explain(requests: readonly ExplainerRequest[], on: Explaining): Promise<Said[]> {
  const here = callerScope();
  const score = classScore(on.model.classifier, tensor(Int32Array.of(on.chosen)));
  const said: Said[] = [];
  for (const request of requests) {
    using _ = here.open("explainer");
    on.live.update(`explaining by ${request.entry.info.name}`);
    try {
      const [explainer] = await here.wait(explainersFor([request], on));
      const map = explainer(score, on.x);
      const attribution = Float32Array.from(await here.wait(map.read()));
      const wrong = attribution.filter((v) => !Number.isFinite(v)).length;
      if (wrong > 0)
        throw new UsageError(
          `${request.entry.name}: ${wrong} of ${attribution.length} attributions are not finite; look for infinite weights or inputs`,
        );
      said.push({ request, attribution, gap: await here.wait(explainer.gap?.(score, on.x, map).item()) });
    } catch (error) {
      // What an explainer cannot do with a network or its inputs is said in one sentence of its own.
      if (!(error instanceof Error) || /^internal/.test(error.message) || requests.length === 1) throw asUsage(error);
      said.push({ request, attribution: new Float32Array(0), refused: error.message });
    }
  }
  return said;
}

function explanationOf(
  model: LoadedModel,
  sample: LoadedSample,
  { predicted, probabilities }: Prediction,
  chosen: number,
  said: readonly Said[],
): ImageExplanation | RowsExplanation {
  const { domain, card } = model;
  const { classes } = card;
  const title = `${sample.title}: logit of "${classes[chosen]}"`;
  const footer =
    `Predicted "${classes[predicted]}" at ${(100 * probabilities[predicted]).toFixed(1)} %. ` +
    said.map(({ request }) => describeExplainer(request)).join("; ");
  const note = ({ gap }: Said): string | undefined =>
    gap === undefined ? undefined : `sum off by ${gap.toPrecision(2)}`;
  if (isImage(domain))
    return {
      ...{ title, footer, image: sample.values, size: imageSizeOf(domain) },
      maps: said.map((one) => ({ name: one.request.entry.info.name, attribution: one.attribution, note: note(one) })),
    };
  const features = featuresOf(domain);
  return {
    ...{ title, footer, features: shownRow(model, sample.values) },
    explanations: said.map((one) => ({
      name: one.request.entry.info.name,
      contributions: featureContributions(features, one.attribution),
      note: note(one),
    })),
  };
}

/** The sample and all attributions, by the names of the methods. */
function numbers(
  { domain }: LoadedModel,
  sample: LoadedSample,
  said: readonly Said[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const shape = [1, ...domain.shape];
  const tensors = said.map(
    ({ request, attribution }) => [request.entry.name, { dtype: "f32", shape, data: attribution }] as const,
  );
  const input = ["input", { dtype: "f32", shape, data: sample.values }] as const;
  return writeSafetensors(new Map([input, ...tensors]), new Map(Object.entries(metadata)));
}
