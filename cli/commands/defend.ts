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
import { type FeatureRange, type Layer, packTree, residentData } from "../../nn/index.js";
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
import { stopOnSignals } from "../stopping.js";
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

type Manipulated = Awaited<ReturnType<typeof manipulate>>["under"][number];

interface Measuring {
  readonly model: Layer;
  /** [n, ...shape] */
  readonly x: Tensor;
  readonly range: FeatureRange;
  readonly eps: number;
  readonly steps: number;
  readonly seed: number;
}

/** What attacks leave of gradient maps: each measure under the attack that aims at it, and under an ensemble of all. */
async function measure(params: Tree, { model, x, range, eps, steps, seed }: Measuring): Promise<Manipulated> {
  const classifier: Classifier = (z) => model.apply(params, z);
  const { under } = await manipulate({
    classifier,
    surrogate: surrogateOf(classifier, x.shape.slice(1)),
    ...{ x, range },
    eps: [eps],
    k: usualTopK(x.shape),
    key: random.key(seed),
    attack: {
      ...{ explainer: "gradient", samples: 1, sigma: 0, objective: "ensemble", rule: "sign" },
      ...{ steps, restarts: 1, stepSize: 0.5, schedule: "cosine" },
    },
  });
  return under[0];
}

const WIDTH = 9;

/** What the comparison calls measures, and how many digits they deserve. */
const TITLES: Readonly<Record<string, readonly [title: string, digits: number]>> = {
  topK: ["top-k", 3],
  spearman: ["Spearman", 3],
  ssim: ["SSIM", 3],
  centre: ["centre moved by, pixels", 2],
};

/** The networks side by side. */
function comparison(contenders: readonly Contender[], measured: readonly Manipulated[]): string {
  const line = (cells: readonly string[]): string => cells.map((cell) => cell.padStart(WIDTH)).join("  ");
  const rows = Object.entries(TITLES).flatMap(([name, [title, digits]]): [string, string][] => {
    if (!measured.every(({ attacked }) => name in attacked)) return [];
    const of = (what: "aimed" | "attacked" | "control"): string =>
      line(measured.map((m) => mean(m[what]![name]).toFixed(digits)));
    return [
      [`${title}: attack on it`, of("aimed")],
      [`${title}: ensemble`, of("attacked")],
      [`${title}: random change`, of("control")],
    ];
  });
  return columns([
    ["", line(contenders.map(({ title }) => title))],
    ["test accuracy", line(contenders.map(({ accuracy }) => percent(accuracy, 2)))],
    ...(measured.length > 0 ? rows : []),
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
    await requireWritable("out", values.out);
    const live = new Live();
    const source = await readWeights(values);
    const { file } = source;
    const origin = file.metadata.get("data");
    if (values.data !== undefined && origin !== undefined && values.data !== origin)
      throw new UsageError(`--data ${values.data}: the weights were trained on ${origin}; leave the option out`);
    if (values.data === undefined && origin === undefined)
      throw new UsageError("--data is missing; the weights do not say what they were trained on");
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
      const stopping = stopOnSignals(() => live.print("stopping after the steps on their way"));
      const stop = stopping.signal;
      const trained = (how: SchemeConfig): Promise<Tree> =>
        trainScheme({
          ...{ model, scheme: how, data, range: domain.range, eps, seed, stop },
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
      if (control && !stop.aborted) contenders.push(await judged("control", await trained(control)));
      dispose([data.words, data.labels]);

      const classifiers = contenders.map(
        ({ params }): Classifier =>
          (x) =>
            model.apply(params, x),
      );
      if (stop.aborted) {
        live.print("stopped before the comparison; the weights are as far as training came");
        return stopping.status;
      }
      const indices = await correctlyClassified(classifiers, test, images);
      const measured: Manipulated[] = [];
      if (indices.length > 0) {
        const x = pickPixels(test, indices);
        for (const { title, params } of contenders) {
          if (stop.aborted) break;
          live.update(`attacking maps: ${title}`);
          measured.push(await measure(params, { model, x, range: domain.range, eps, steps, seed }));
        }
        dispose(x);
      }
      live.print(comparison(contenders, measured));
      live.print(`  ${indices.length} test ${samples} that every one of them classifies correctly`);
      if (measured.length > 0)
        live.print(
          `  what is left of gradient maps at eps ${eps}, 1 is unchanged: of each measure under the attack that aims at it, and under all attacks\n` +
            `  (the worst for each of the ${samples} by that measure; ${measured[0].passes} maps differentiated for it, ${steps} steps from each start)`,
        );
      if (contenders.length > 2) live.print("  control: trained on alike without a defence");
      return stopping.status ?? 0;
    });
  },
});
