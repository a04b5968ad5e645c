/** `holdfast sanity`: do explanations depend on what a network has learnt? */

import { join } from "node:path";
import { pickPixels } from "../../atex/experiments/index.js";
import {
  drawnSamples,
  type RandomisationOrder,
  type SanityReport,
  type SuiteResult,
  sanitySuite,
  type Twin,
  thresholdFields,
  trainTwin,
} from "../../atex/index.js";
import {
  numbersTable,
  type SanityPictures,
  sanityMarkdown,
  sanityPage,
  verdictTable,
} from "../../atex/render/sanity.js";
import { dispose, openScope, random, scope, slice, type Tensor } from "../../engine/index.js";
import { adam, type Dataset, hostSamples, PIXEL_RANGE, partOf, sampleSize } from "../../nn/index.js";
import { choice } from "../arguments.js";
import { defineCommand, numberOption, UsageError } from "../command.js";
import { dataOptions, sourceOptions } from "../data.js";
import { cpuOption, type Place, withEngine } from "../engine.js";
import { METHODS } from "../explainers.js";
import { writeOutput } from "../files.js";
import { duration, Live, percent, trainingLine } from "../live.js";
import { type LoadedModel, modelOptions, parametersOf, readModel, requireFinite } from "../model.js";
import { imageSizeOf, isImage, openFor, trainingData } from "../sample.js";
import { chunkFor, QUICK_METHODS, sanityRequests, shiftOf, suiteExplainers, tableLines } from "../sanity.js";
import { optionsOf, settingsFrom } from "../settings.js";
import { requireWritableFolder } from "../writable.js";

const thresholds = { name: "sanity", options: thresholdFields };

const options = {
  ...modelOptions,
  module: {
    ...modelOptions.module,
    help: `${modelOptions.module.help}; fresh parameters are what its init (key => params) makes, else each tensor's entries in random order`,
  },
  ...sourceOptions,
  data: { type: "string", value: "name", help: "data whose test samples are explained; default those of the weights" },
  "data-dir": dataOptions["data-dir"],
  methods: {
    type: "string",
    value: "names",
    help: `explanations with commas, or all: ${METHODS.join(", ")} (default those that look inside and draw no copies: ${QUICK_METHODS.join(", ")})`,
  },
  order: {
    type: "string",
    default: "both",
    value: "name",
    help: "layers are lost one after another (cascading), alone (independent), or both",
  },
  images: { type: "string", default: "200", value: "n", help: "test images or rows, drawn at random" },
  smooth: { type: "boolean", help: "each explanation once more, averaged over noisy copies (50 times the work)" },
  "data-randomisation": { type: "boolean", help: "train a twin on permuted labels and compare with its explanations" },
  "twin-size": { type: "string", value: "n", help: "training samples of the twin (default 500; 200 on a CPU)" },
  "twin-epochs": { type: "string", default: "300", value: "n", help: "passes over them at most" },
  shift: { type: "string", default: "-1", value: "number", help: "added to every numeric input, for input invariance" },
  ...optionsOf([thresholds]),
  seed: { type: "string", default: "0", value: "n", help: "seed of everything random" },
  out: {
    type: "string",
    default: "out/sanity",
    value: "folder",
    help: "where sanity.html, sanity.md and sanity.json go",
  },
  ...cpuOption,
} as const;

/** Samples whose maps are shown. */
const SHOWN = 2;

export const command = defineCommand({
  summary: "check that explanations depend on what a network has learnt",
  options,
  async run({ values }) {
    const order = choice("order", values.order, ["cascading", "independent", "both"]);
    const orders: RandomisationOrder[] = order === "both" ? ["cascading", "independent"] : [order];
    const count = numberOption("images", values.images, { min: 1, integer: true });
    const seed = numberOption("seed", values.seed, { min: 0, max: Number.MAX_SAFE_INTEGER, integer: true });
    const by = numberOption("shift", values.shift);
    if (by === 0) throw new UsageError("--shift 0: nothing would be shifted; another number is needed");
    const twinSize =
      values["twin-size"] === undefined
        ? undefined
        : numberOption("twin-size", values["twin-size"], { min: 2, integer: true });
    const twinEpochs = numberOption("twin-epochs", values["twin-epochs"], { min: 1, integer: true });
    if (twinSize !== undefined && !values["data-randomisation"])
      throw new UsageError(`--twin-size ${twinSize} goes with --data-randomisation; leave it out`);
    const limits = settingsFrom(
      thresholds,
      [thresholds],
      values as Readonly<Record<string, string | boolean | undefined>>,
    );
    if (values.methods !== undefined) sanityRequests(values.methods, values.seed, { shape: [1], range: PIXEL_RANGE });
    await requireWritableFolder("out", values.out);
    const live = new Live();
    await withEngine({ cpu: values.cpu, withoutAdapter: "refuse" }, async (place) => {
      using here = openScope("sanity");
      const began = performance.now();
      const model = await here.wait((await here.wait(readModel(values))).open());
      const parametrised = parametersOf(model);
      const requests = sanityRequests(values.methods, values.seed, model.domain);
      const dataset = await here.wait(
        values.data === undefined ? trainingData(model, values["data-dir"], live) : openFor(model, values, live),
      );
      const indices = drawnSamples(dataset.test.labels.length, count, seed);
      const twin = values["data-randomisation"]
        ? await here.wait(
            twinOf(
              model,
              dataset,
              { size: twinSize, epochs: twinEpochs, seed, wanted: limits.memorised as number },
              place,
              live,
            ),
          )
        : undefined;
      const shift = shiftOf(model.domain, by);
      const x = pickPixels(dataset.test, indices);
      await here.wait(requireFiniteLogits(model, x));
      const result = await here.wait(
        suite({
          title: parametrised.layerTitle,
          network: (params, x) => parametrised.network.apply(params, x),
          params: parametrised.params,
          fresh: await here.wait(parametrised.redraw(random.key(seed))),
          x,
          explainers: await here.wait(suiteExplainers(requests, { model, values, live, shift: shift.values })),
          ...{ orders, twin, shift: shift.tensor, chunk: chunkFor(model.domain), keep: SHOWN },
          thresholds: limits as SanityReport["thresholds"],
          onProgress: progressOn(live),
        }),
      );
      const report: SanityReport = {
        ...result.report,
        about: {
          command: ["holdfast", ...process.argv.slice(2)].join(" "),
          ...(values.weights === undefined
            ? {
                [values.module === undefined ? "model" : "module"]: values.module ?? values.model!,
                network: model.title,
              }
            : { weights: values.weights }),
          data: `${indices.length} of ${dataset.test.labels.length} test samples of ${dataset.name}, drawn with seed ${seed}`,
          shift: `${by}${model.domain.features ? " on numeric columns" : ""}`,
          "random layers": parametrised.redrawn,
          ...(values.smooth && { smoothed: "means over 50 copies with Gaussian noise of 0.15 (SmoothGrad)" }),
          "computed on": place.name,
          took: duration((performance.now() - began) / 1000),
        },
      };
      for (const line of printed(report)) live.print(line);
      const pictures = isImage(model.domain) ? picturesOf(model, dataset, indices, result) : [];
      for (const [name, contents] of [
        ["sanity.json", `${JSON.stringify(report, null, 2)}\n`],
        ["sanity.md", sanityMarkdown(report)],
        ["sanity.html", sanityPage(report, pictures)],
      ] as const) {
        await here.wait(writeOutput(join(values.out, name), contents));
        live.print(join(values.out, name));
      }
    });
  },
});

/** @throws UsageError for a sample whose logits are not finite: every map of it would be none. */
async function requireFiniteLogits({ classifier, domain, origin }: LoadedModel, x: Tensor): Promise<void> {
  const many = chunkFor(domain);
  for (let from = 0; from < x.shape[0]; from += many) {
    const part = [Math.min(many, x.shape[0] - from), ...domain.shape];
    const logits = scope(() => classifier(slice(x, [from, ...domain.shape.map(() => 0)], part)));
    requireFinite(await logits.read(), origin);
    dispose(logits);
  }
}

/** @throws UsageError when no explainer can explain the network. */
async function suite(given: Parameters<typeof sanitySuite>[0]): Promise<SuiteResult> {
  try {
    return await sanitySuite(given);
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(error.message);
    throw error;
  }
}

interface TwinRequest {
  readonly size?: number;
  readonly epochs: number;
  readonly seed: number;
  readonly wanted: number;
}

async function twinOf(
  model: LoadedModel,
  { train }: Dataset,
  request: TwinRequest,
  place: Place,
  live: Live,
): Promise<Twin> {
  const { epochs, seed, wanted } = request;
  const all = train.labels.length;
  if (request.size !== undefined && request.size > all)
    throw new UsageError(`--twin-size ${request.size}: there are ${all} training samples; at most that is needed`);
  const size = Math.min(all, request.size ?? (place.kind === "hardware" ? 500 : 200));
  const stored = (name: string, initial: number): number => Number(model.metadata.get(name) ?? initial);
  const twin = await trainTwin({
    ...{ model: parametersOf(model).network, split: partOf(train, 0, size), epochs, seed, accuracy: wanted },
    optimiser: adam({ lr: stored("lr", 1e-3) }),
    batchSize: Math.min(32, stored("batch", 32)),
    onProgress: (progress) => live.update(`permuted labels: ${trainingLine(progress)}`),
  });
  live.print(`the twin knows ${percent(twin.accuracy)} of ${size} permuted labels after ${twin.epochs} epochs`);
  return twin;
}

/** A line with what is being done, how much is done, and about how much time is left. */
function progressOn(live: Live): Parameters<typeof sanitySuite>[0]["onProgress"] {
  const began = performance.now();
  return ({ explainer, check, share }) => {
    const left = (((performance.now() - began) / 1000) * (1 - share)) / share;
    live.update(`${percent(share, 0)}  about ${duration(left)} left  ${explainer}, ${check}`);
  };
}

function printed(report: SanityReport): string[] {
  const { header, rows } = verdictTable(report);
  const width = Math.max(...header.slice(1).map((text) => text.length));
  return [
    tableLines(numbersTable(report)),
    "",
    ...rows.flatMap(([name, ...verdicts]) => [
      name,
      ...verdicts.map((text, i) => `  ${header[i + 1].padEnd(width)}  ${text}`),
    ]),
    ...Object.entries(report.refused).map(([name, reason]) => `left out: ${name}: ${reason}`),
    "",
  ];
}

/** The maps of the first samples, for the page. */
function picturesOf(
  { domain, card }: LoadedModel,
  { test, name }: Dataset,
  indices: readonly number[],
  { report, maps }: SuiteResult,
): SanityPictures[] {
  const size = sampleSize(domain.shape);
  return indices.slice(0, SHOWN).map((index, i) => ({
    title: `${name} test image ${index}, ${card.classes[test.labels[index]]}`,
    image: hostSamples(test, [index]),
    size: imageSizeOf(domain),
    rows: report.explainers.map((one) => ({
      name: one.name,
      attributions: maps[one.name].map((all) => all.subarray(i * size, (i + 1) * size)),
    })),
  }));
}
