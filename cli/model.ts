/** The trained network and the image that `explain` and `attack` work on. */
import { argmax, scope, softmax, type Tensor, type Tree, tensor } from "../engine/index.js";
import {
  ACTIVATIONS,
  buildNetwork,
  DATASETS,
  hostSamples,
  type ModelCard,
  partOf,
  readCard,
  readImageAs,
  readSafetensors,
  type Sequential,
  unpackTree,
} from "../nn/index.js";
import { choice } from "./arguments.js";
import { numberOption, UsageError } from "./command.js";
import { dataName, dataOptions, openData } from "./data.js";
import { parsing, readInput } from "./files.js";
import { type Live, percent } from "./live.js";
import { NETWORKS, shapeIn } from "./recipe.js";
import { firstParameters } from "./training.js";

export const modelOptions = {
  weights: {
    type: "string",
    value: "file",
    help: "weights that `holdfast train` or PyTorch wrote (safetensors); needed",
  },
  network: { type: "string", value: "name", help: `for files that do not name theirs: ${NETWORKS.join(", ")}` },
  activation: { type: "string", value: "name", help: `for files that do not name theirs: ${ACTIVATIONS.join(", ")}` },
  beta: { type: "string", value: "number", help: "for files that do not give theirs: sharpness of softplus" },
} as const;

export const imageOptions = {
  image: { type: "string", value: "file.png", help: "an image of your own, PNG or JPEG, 28x28" },
  resize: { type: "boolean", help: "let --image have any size: its middle square is averaged to 28x28" },
  data: { type: "string", value: "name", help: "instead of --image: a test image of this data set" },
  index: { type: "string", value: "n", help: "which test image, from 0 (default 0)" },
  "data-dir": dataOptions["data-dir"],
} as const;

export interface LoadedModel {
  readonly card: ModelCard;
  /** Everything the file says of itself. */
  readonly metadata: ReadonlyMap<string, string>;
  readonly model: Sequential;
  readonly params: Tree;
  readonly classifier: (x: Tensor) => Tensor;
}

type TextValues<O> = { readonly [K in keyof O]: string | undefined };

/** The network in a file of weights. @throws UsageError for a file that cannot be read or does not fit its network. */
export async function openModel(values: TextValues<typeof modelOptions>): Promise<LoadedModel> {
  const path = values.weights;
  if (path === undefined)
    throw new UsageError(
      "--weights is missing; give a file that `holdfast train` wrote, for example out/weights.safetensors",
    );
  const bytes = await readInput("weights", path);
  const given = {
    network: values.network === undefined ? undefined : choice("network", values.network, NETWORKS),
    activation: values.activation === undefined ? undefined : choice("activation", values.activation, ACTIVATIONS),
    beta: values.beta === undefined ? undefined : numberOption("beta", values.beta, { min: 1e-3, max: 1e4 }),
  };
  return parsing(path, () => {
    const { metadata } = readSafetensors(bytes);
    if (metadata.has("step"))
      throw new UsageError(`--weights ${path}: it is a checkpoint; give the weights written beside it`);
    const card = readCard(metadata, given);
    if (given.network !== undefined && given.network !== card.network)
      throw new UsageError(
        `--network ${given.network}: ${path} holds the network ${card.network}; leave the option out`,
      );
    const model = buildNetwork(card);
    const params = scope(() => unpackTree(bytes, firstParameters(model, 0, shapeIn(metadata))).tree);
    return { card, metadata, model, params, classifier: (x) => model.apply(params, x) };
  });
}

export interface LoadedImage {
  /** [784] in [0,1] */
  readonly pixels: Float32Array;
  /** For people: the file, or data set and index. */
  readonly title: string;
  /** Where they are known: the true class, and the pixels that carry it. */
  readonly label?: number;
  readonly mask?: Float32Array;
}

/** The image that the options name. @throws UsageError when they name none or two, or it cannot be had. */
export async function openImage(
  values: TextValues<Omit<typeof imageOptions, "resize">> & { readonly resize: boolean },
  live: Live,
): Promise<LoadedImage> {
  if (values.image !== undefined) {
    if (values.data !== undefined || values.index !== undefined)
      throw new UsageError("--image and --data exclude each other; give one of them");
    const path = values.image;
    const bytes = await readInput("image", path);
    return {
      pixels: await parsing(path, () => readImageAs(bytes, DATASETS.shapes.shape, { resize: values.resize })),
      title: path,
    };
  }
  if (values.data === undefined)
    throw new UsageError("no image is given; pass --image file.png, or --data shapes --index 3");
  const name = dataName(values.data);
  const index = numberOption("index", values.index ?? "0", { min: 0, integer: true });
  const { test } = await openData({ name, folder: values["data-dir"] }, live);
  if (index >= test.labels.length)
    throw new UsageError(`--index ${index}: ${name} has test images 0 to ${test.labels.length - 1}`);
  return {
    pixels: hostSamples(test, [index]),
    title: `${name} test image ${index}`,
    label: test.labels[index],
    mask: test.masks && Float32Array.from(partOf(test, index, 1).masks!),
  };
}

export function asBatch(pixels: Float32Array): Tensor {
  return tensor(pixels, [1, 1, 28, 28]);
}

export interface Prediction {
  readonly predicted: number;
  readonly probabilities: readonly number[];
}

export async function predict({ classifier }: LoadedModel, pixels: Float32Array): Promise<Prediction> {
  const [classes, probabilities] = scope(() => {
    const logits = classifier(asBatch(pixels));
    return [argmax(logits, 1), softmax(logits)];
  });
  return { predicted: await classes.item(), probabilities: Array.from(await probabilities.read()) };
}

/** The most probable classes, a line each. */
export function predictionLines({ probabilities }: Prediction, classes: readonly string[], label?: number): string {
  const ranked = probabilities.map((p, i) => [p, i]).sort(([a], [b]) => b - a);
  const width = Math.max(...classes.map((name) => name.length));
  return ranked
    .slice(0, 5)
    .map(
      ([p, i]) => `  ${classes[i].padEnd(width)}  ${percent(p, 2).padStart(8)}${i === label ? "  (true class)" : ""}`,
    )
    .join("\n");
}
