/** `holdfast defend`: trains a network on, so that attacks move its explanations less, and measures whether they do. */
import {
  accuracyOf,
  correctlyClassified,
  manipulate,
  mean,
  pickPixels,
  trainScheme,
} from "../../atex/experiments/index.js";
import { type Classifier, surrogateOf } from "../../atex/index.js";
import { add, dispose, keep, mapTree, random, type Tree } from "../../engine/index.js";
import { type Dataset, packTree, residentData, type Sequential } from "../../nn/index.js";
import { columns } from "../arguments.js";
import { defineCommand, numberOption, UsageError } from "../command.js";
import { dataName, dataOptions, openData, sizeOption } from "../data.js";
import { defenceOptions, defenceRequest } from "../defences.js";
import { cpuOption, withEngine } from "../engine.js";
import { writeOutput } from "../files.js";
import { Live, percent, trainingLine } from "../live.js";
import { modelOptions, openModel } from "../model.js";
import { recipeOptions } from "../recipe.js";

const options = {
  ...modelOptions,
  ...defenceOptions,
  data: { type: "string", value: "name", help: "data set to train on (default the one the weights come from)" },
  "train-size": recipeOptions["train-size"],
  "test-size": recipeOptions["test-size"],
  "data-dir": dataOptions["data-dir"],
  images: { type: "string", default: "20", value: "n", help: "test images that are attacked before and after" },
  steps: { type: "string", default: "25", value: "n", help: "steps of that attack" },
  out: { type: "string", default: "out/defended.safetensors", value: "file", help: "where the weights go" },
  ...cpuOption,
} as const;

/** Pixels of the top-k intersection. */
const K = 50;

interface Measured {
  readonly accuracy: number;
  readonly attacked: Readonly<Record<string, readonly number[]>>;
  readonly control: Readonly<Record<string, readonly number[]>>;
}

interface Measuring {
  readonly dataset: Dataset;
  readonly eps: number;
  readonly images: number;
  readonly steps: number;
  readonly seed: number;
}

/** Test accuracy, and what an untargeted attack on gradient maps leaves of them. */
async function measure(model: Sequential, params: Tree, settings: Measuring): Promise<Measured> {
  const { dataset, eps, images, steps, seed } = settings;
  const { test } = dataset;
  const classifier: Classifier = (x) => model.apply(params, x);
  const accuracy = await accuracyOf({ model, params }, test);
  const indices = await correctlyClassified(classifier, test, images);
  if (indices.length === 0) return { accuracy, attacked: {}, control: {} };
  const x = pickPixels(test, indices);
  const { under } = await manipulate({
    ...{ classifier, surrogate: surrogateOf(classifier, x.shape.slice(1)), x, eps: [eps], k: K, key: random.key(seed) },
    attack: {
      ...{ explainer: "gradient", samples: 1, sigma: 0, objective: "untargeted", rule: "sign" },
      ...{ steps, restarts: 0, stepSize: 0.5, schedule: "cosine" },
    },
  });
  dispose(x);
  return { accuracy, ...under[0] };
}

/** Before and after, side by side. */
function comparison(before: Measured, after: Measured): string {
  const row = (title: string, of: (m: Measured) => string): [string, string] => [
    title,
    `${of(before).padStart(8)}  ${of(after).padStart(8)}`,
  ];
  const share = (values: readonly number[] | undefined): string => (values ? mean(values).toFixed(3) : "-");
  return columns([
    ["", `${"before".padStart(8)}  ${"after".padStart(8)}`],
    row("test accuracy", ({ accuracy }) => percent(accuracy, 2)),
    row(`top-${K} that attacks leave`, ({ attacked }) => share(attacked.topK)),
    row("Spearman that attacks leave", ({ attacked }) => share(attacked.spearman)),
    row(`top-${K} after a random change`, ({ control }) => share(control.topK)),
    row("Spearman after a random change", ({ control }) => share(control.spearman)),
  ]);
}

export const command = defineCommand({
  summary: "train a network on so that its explanations withstand attacks, and measure it",
  options,
  async run({ values }) {
    const { scheme, eps, seed } = defenceRequest(values);
    const images = numberOption("images", values.images, { min: 1, max: 500, integer: true });
    const steps = numberOption("steps", values.steps, { min: 1, max: 100_000, integer: true });
    const live = new Live();
    return withEngine({ cpu: values.cpu, withoutAdapter: "refuse" }, async (place) => {
      const { card, metadata, model, params, classifier } = await openModel(values);
      const origin = metadata.get("data");
      const name = dataName(values.data ?? origin ?? "shapes");
      if (origin !== undefined && name !== origin)
        throw new UsageError(`--data ${name}: the weights were trained on ${origin}; leave the option out`);
      const size = (option: "train-size" | "test-size"): number | undefined =>
        sizeOption(option, values[option] ?? metadata.get(option));
      const sizes = { trainSize: size("train-size"), testSize: size("test-size") };
      const dataset = await openData({ name, folder: values["data-dir"], ...sizes }, live);
      const count = dataset.train.labels.length;
      live.print(
        `${card.network} network, ${scheme.title} against eps ${eps} on ${count} images of ${name}; ${place.name}`,
      );
      const settings = { dataset, eps, images, steps, seed };
      live.update("attacking the network as it is");
      const before = await measure(model, params, settings);

      const data = residentData(dataset.train);
      const stop = new AbortController();
      process.once("SIGINT", () => {
        live.print("stopping after the steps on their way");
        stop.abort();
      });
      const trained = await trainScheme({
        ...{ model, scheme, data, eps, seed, signal: stop.signal },
        // A copy: training takes over what it starts from, and the teacher stays.
        first: mapTree(params, (t) => keep(add(t, 0))),
        teacher: classifier,
        onDirections: (done, all) => live.update(`directions of ${done} of ${all} images`),
        onProgress: (progress) => live.update(trainingLine(progress)),
      });
      dispose([data.words, data.labels]);
      live.update("attacking the defended network");
      const after = await measure(model, trained, settings);
      const told = {
        ...Object.fromEntries(metadata),
        defence: scheme.title,
        eps: String(eps),
        accuracy: String(after.accuracy),
      };
      await writeOutput(values.out, await packTree(trained, told));
      live.print(comparison(before, after));
      live.print(
        `  ${before.attacked.topK?.length ?? 0} test images, untargeted attack of ${steps} steps on gradient maps at eps ${eps}; 1 is unchanged`,
      );
      live.print(`weights     ${values.out}`);
      return stop.signal.aborted ? 130 : 0;
    });
  },
});
