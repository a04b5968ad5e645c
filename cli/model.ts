/** The trained network that commands work on. */
import { argmax, scope, softmax, tensor } from "../engine/index.js";
import {
  ACTIVATIONS,
  type ModelCard,
  type NetworkFile,
  type OpenedNetwork,
  openNetwork,
  readNetworkFile,
  readSafetensors,
} from "../nn/index.js";
import { choice } from "./arguments.js";
import { numberOption, UsageError } from "./command.js";
import { parsing, readInput } from "./files.js";
import { percent } from "./live.js";
import { NETWORKS } from "./recipe.js";

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

/** A file of weights that options name, looked into before the engine starts. */
export interface ModelFile extends NetworkFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly given: Partial<ModelCard>;
}

/** A network from a file. */
export interface LoadedModel extends OpenedNetwork {
  /** For people: the preset, or how many layers there are. */
  readonly title: string;
}

type TextValues<O> = { readonly [K in keyof O]: string | undefined };

/** What a file of weights says of itself. @throws UsageError for a file that cannot be read or does not say enough. */
export async function readModel(values: TextValues<typeof modelOptions>): Promise<ModelFile> {
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
    if (readSafetensors(bytes).metadata.has("step"))
      throw new UsageError(`--weights ${path}: it is a checkpoint; give the weights written beside it`);
    return { ...readNetworkFile(bytes, given), path, bytes, given };
  });
}

/** The network in a file, on the executor at hand. @throws UsageError when the weights do not fit it. */
export function openModel({ path, bytes, given }: ModelFile): Promise<LoadedModel> {
  return parsing(path, () => {
    const opened = openNetwork(bytes, given);
    const layers = opened.network.parts?.layers;
    const title = opened.card.network ?? `${Array.isArray(layers) ? layers.length : 1}-layer`;
    return { ...opened, title };
  });
}

export interface Prediction {
  readonly predicted: number;
  readonly probabilities: readonly number[];
}

export async function predict({ classifier, domain }: LoadedModel, values: Float32Array): Promise<Prediction> {
  const [classes, probabilities] = scope(() => {
    const logits = classifier(tensor(values, [1, ...domain.shape]));
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
