/** `holdfast defend`: trains a network on, so that attacks move its explanations less, and measures whether they do. */
import {
  accuracyOf,
  correctlyClassified,
  manipulate,
  mean,
  pickPixels,
  type SchemeConfig,
  trainScheme,
} from "../../atex/experiments/index.js";
import { type Classifier, surrogateOf, usualTopK } from "../../atex/index.js";
import { add, dispose, keep, mapTree, random, type Tensor, type Tree } from "../../engine/index.js";
import { type Layer, packTree, residentData } from "../../nn/index.js";
import { columns } from "../arguments.js";
import { defineCommand, numberOption, UsageError } from "../command.js";
import { dataOptions, sizeOption, sourceOptions } from "../data.js";
import { defenceLines, defenceList, defenceOptions, defenceRequest } from "../defences.js";
import { cpuOption, withEngine } from "../engine.js";
import { writeOutput } from "../files.js";
import { Live, percent, trainingLine } from "../live.js";
import { recipeOptions } from "../recipe.js";
import { isImage, openFor, trainingData } from "../sample.js";
import { readWeights, weightsOptions } from "../sources/weights.js";
import { requireWritable } from "../writable.js";

const options = {
  ...weightsOptions,
  ...defenceOptions,
  ...sourceOptions,
  data: { type: "string", value: "name", help: "data to train on (default those that the weights come from)" },
  "train-size": recipeOptions["train-size"],
  "test-size": recipeOptions["test-size"],
  "data-dir": dataOptions["data-dir"],
  images: {
    type: "string",
    default: "20",
    value: "n",
    help: "test images whose maps are attacked, the same in all networks",
  },
  steps: { type: "string", default: "25", value: "n", help: "steps of each attack" },
  out: { type: "string", default: "out/defended.safetensors", value: "file", help: "where the weights go" },
  ...cpuOption,
} as const;

/** A network that is compared. */
interface Contender {
  readonly title: string;
  readonly params: Tree;
  readonly accuracy: number;
}

/** Metric → one number per image. */
type Agreement = Awaited<ReturnType<typeof manipulate>>["under"][number]["attacked"];

interface Measured {
  readonly attacked: Agreement;
  readonly control: Agreement;
}

interface Measuring {
  readonly model: Layer;
  /** [n, ...shape] */
  readonly x: Tensor;
  readonly eps: number;
  readonly steps: number;
  readonly seed: number;
}

/** Attacks aim at one measure each: the top pixels, and the order of all. */
const OBJECTIVES = ["untargeted", "rank"] as const;

/** What attacks leave of gradient maps; of each measure, image by image, the least that one of them leaves. */
async function measure(params: Tree, { model, x, eps, steps, seed }: Measuring): Promise<Measured> {
  const found: Measured[] = [];
  for (const objective of OBJECTIVES) {
    const { under } = await manipulate({
      classifier: (z) => model.apply(params, z),
      surrogate: surrogateOf((z) => model.apply(params, z), x.shape.slice(1)),
      x,
      eps: [eps],
      k: usualTopK(x.shape),
      key: random.key(seed),
      attack: {
        ...{ explainer: "gradient", samples: 1, sigma: 0, objective, rule: "sign" },
        ...{ steps, restarts: 0, stepSize: 0.5, schedule: "cosine" },
      },
    });
    found.push(under[0]);
  }
  const [first, second] = found.map(({ attacked }) => attacked);
  const least = Object.entries(first).map(([metric, values]) => [
    metric,
    values.map((value, i) => Math.min(value, second[metric][i])),
  ]);
  return { attacked: Object.fromEntries(least), control: found[0].control };
}

const WIDTH = 9;

/** The networks side by side. */
function comparison(contenders: readonly Contender[], measured: readonly (Measured | undefined)[]): string {
  const line = (cells: readonly string[]): string => cells.map((cell) => cell.padStart(WIDTH)).join("  ");
  const share = (title: string, of: (m: Measured) => readonly number[]): [string, string] => [
    title,
    line(measured.map((m) => (m ? mean(of(m)).toFixed(3) : "-"))),
  ];
  return columns([
    ["", line(contenders.map(({ title }) => title))],
    ["test accuracy", line(contenders.map(({ accuracy }) => percent(accuracy, 2)))],
    share(`top-k that attacks leave`, ({ attacked }) => attacked.topK),
    share("Spearman that attacks leave", ({ attacked }) => attacked.spearman),
    share(`top-k after a random change`, ({ control }) => control.topK),
    share("Spearman after a random change", ({ control }) => control.spearman),
  ]);
}

export const command = defineCommand({
  summary: "train a network on so that its explanations withstand attacks, and measure it",
  options,
  async run({ values }) {
    if (values.list) {
      console.log(values.json ? JSON.stringify(defenceList(), null, 2) : defenceLines());
      return 0;
    }
    if (values.json) throw new UsageError("--json goes with --list; leave it out to train");
    const { scheme, control, eps, seed } = defenceRequest(values);
    const images = numberOption("images", values.images, { min: 1, max: 500, integer: true });
    const steps = numberOption("steps", values.steps, { min: 1, max: 100_000, integer: true });
    const live = new Live();
    const source = await readWeights(values);
    const { file } = source;
    const origin = file.metadata.get("data");
    if (values.data !== undefined && origin !== undefined && values.data !== origin)
      throw new UsageError(`--data ${values.data}: the weights were trained on ${origin}; leave the option out`);
    if (values.data === undefined && origin === undefined)
      throw new UsageError("--data is missing; the weights do not say what they were trained on");
    await requireWritable("out", values.out);
    const sizes = {
      trainSize: sizeOption("train-size", values["train-size"]),
      testSize: sizeOption("test-size", values["test-size"]),
    };
    const { name, train, test } = await (origin === undefined
      ? openFor(file, values, live, sizes)
      : trainingData(file, values["data-dir"], live, sizes));
    return withEngine({ cpu: values.cpu, withoutAdapter: "refuse" }, async (place) => {
      const opened = await source.open();
      const { metadata, classifier, domain } = opened;
      const { network: model, params } = opened.parametrised;
      const count = train.labels.length;
      const samples = isImage(domain) ? "images" : "rows";
      live.print(
        `${opened.title} network, ${scheme.title} against eps ${eps} on ${count} ${samples} of ${name}; ${place.name}`,
      );
      const judged = async (title: string, of: Tree): Promise<Contender> => ({
        title,
        params: of,
        accuracy: await accuracyOf({ model, params: of }, test),
      });
      const contenders = [await judged("before", params)];

      const data = residentData(train);
      const stop = new AbortController();
      process.once("SIGINT", () => {
        live.print("stopping after the steps on their way");
        stop.abort();
      });
      const trained = (how: SchemeConfig): Promise<Tree> =>
        trainScheme({
          ...{ model, scheme: how, data, eps, seed, stop: stop.signal },
          // A copy: training takes over what it starts from, and the teacher stays.
          first: mapTree(params, (t) => keep(add(t, 0))),
          teacher: classifier,
          onDirections: ({ done, total }) => live.update(`directions of ${done} of ${total} images`),
          onProgress: (progress) => live.update(`${how.title}: ${trainingLine(progress)}`),
        });
      const defended = await judged("after", await trained(scheme));
      contenders.push(defended);
      const told = {
        ...Object.fromEntries(metadata),
        defence: scheme.title,
        eps: String(eps),
        accuracy: String(defended.accuracy),
      };
      await writeOutput(values.out, await packTree(defended.params, told));
      live.print(`weights     ${values.out}`);
      if (control && !stop.signal.aborted) contenders.push(await judged("control", await trained(control)));
      dispose([data.words, data.labels]);

      const classifiers = contenders.map(
        ({ params }): Classifier =>
          (x) =>
            model.apply(params, x),
      );
      const indices = await correctlyClassified(classifiers, test, images);
      const measured: (Measured | undefined)[] = [];
      const x = indices.length > 0 ? pickPixels(test, indices) : undefined;
      for (const { title, params } of contenders) {
        live.update(`attacking maps: ${title}`);
        measured.push(x && (await measure(params, { model, x, eps, steps, seed })));
      }
      dispose([x ?? []]);
      live.print(comparison(contenders, measured));
      live.print(
        `  ${indices.length} test ${samples} that every one of them classifies correctly; the less that an attack on the top pixels or one\n` +
          `  on the order of all leaves of gradient maps, ${steps} steps at eps ${eps}; 1 is unchanged`,
      );
      if (contenders.length > 2) live.print("  control: trained on alike without a defence");
      return stop.signal.aborted ? 130 : 0;
    });
  },
});
