/** The trained network that commands work on. */
import { argmax, scope, softmax, type Tensor, type Tree, tensor } from "../engine/index.js";
import {
  ACTIVATIONS,
  buildNetwork,
  type Domain,
  type ModelCard,
  PIXEL_RANGE,
  readCard,
  readPreparation,
  readSafetensors,
  type Sequential,
  type TablePreparation,
  tableDomain,
  unpackTree,
} from "../nn/index.js";
import { choice } from "./arguments.js";
import { numberOption, UsageError } from "./command.js";
import { parsing, readInput } from "./files.js";
import { percent } from "./live.js";
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

export interface LoadedModel {
  readonly card: ModelCard;
  /** Everything the file says of itself. */
  readonly metadata: ReadonlyMap<string, string>;
  readonly model: Sequential;
  readonly params: Tree;
  readonly classifier: (x: Tensor) => Tensor;
  /** What its inputs are. */
  readonly domain: Domain;
  /** How rows of a table become its inputs, where it was trained on one. */
  readonly preparation?: TablePreparation;
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
    const inputs = inputsOf(metadata);
    const params = scope(() => unpackTree(bytes, firstParameters(model, 0, inputs.domain.shape)).tree);
    return { ...inputs, card, metadata, model, params, classifier: (x) => model.apply(params, x) };
  });
}

/** What the file says of its inputs; 28x28 grey images where it is silent, as old files are. */
function inputsOf(metadata: ReadonlyMap<string, string>): Pick<LoadedModel, "domain" | "preparation"> {
  const stored = metadata.get("preparation");
  const preparation = stored === undefined ? undefined : readPreparation(stored);
  if (preparation) return { preparation, domain: tableDomain(preparation) };
  return { domain: { shape: shapeIn(metadata), range: PIXEL_RANGE } };
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
