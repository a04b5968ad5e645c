/** What a file of weights says about the network it belongs to, so that the network can be built again. */
import { relu, softplus } from "./activations.js";
import { DataError } from "./data/error.js";
import { heNormal } from "./init.js";
import type { Sequential } from "./layer.js";
import { type PresetName, presets } from "./presets.js";

export const ACTIVATIONS = ["softplus", "relu"] as const;
export type ActivationName = (typeof ACTIVATIONS)[number];

export interface ModelCard {
  readonly network: PresetName;
  readonly activation: ActivationName;
  /** Sharpness of softplus; of no meaning for relu. */
  readonly beta: number;
  /** Names of the classes, by output. */
  readonly classes: readonly string[];
}

/** The card's network for 28×28 grey images. Weights start as He et al. 2015 have it: with PyTorch's smaller ones a softplus
 *  network with average pooling learns nothing for its first epoch. */
export function buildNetwork({ network, activation, beta, classes }: ModelCard): Sequential {
  const layer = activation === "relu" ? relu : softplus({ beta });
  return presets[network]({ activation: layer, classes: classes.length, init: heNormal });
}

/** The card as metadata of a safetensors file. */
export function cardMetadata(card: ModelCard): Record<string, string> {
  return {
    network: card.network,
    activation: card.activation,
    beta: String(card.beta),
    classes: JSON.stringify(card.classes),
  };
}

/** The card in a file's metadata; `given` counts where the file is silent, as one that PyTorch wrote is.
 *  @throws DataError when something is missing or makes no sense. */
export function readCard(metadata: ReadonlyMap<string, string>, given: Partial<ModelCard> = {}): ModelCard {
  const network = metadata.get("network") ?? given.network;
  if (network === undefined)
    throw new DataError("weights: the file does not name its network; pass --network paper, authors or tiny");
  if (!Object.hasOwn(presets, network))
    throw new DataError(`weights: the file is for a network "${network}"; there is ${Object.keys(presets).join(", ")}`);
  const activation = (metadata.get("activation") ?? given.activation ?? "softplus") as ActivationName;
  if (!ACTIVATIONS.includes(activation))
    throw new DataError(`weights: the file names the activation "${activation}"; there is ${ACTIVATIONS.join(", ")}`);
  const beta = Number(metadata.get("beta") ?? given.beta ?? 1);
  if (!(beta > 0 && beta < Infinity))
    throw new DataError(`weights: the file has beta ${metadata.get("beta")}; a positive number is needed`);
  const classes = readClasses(metadata.get("classes")) ?? given.classes ?? Array.from({ length: 10 }, (_, i) => `${i}`);
  return { network: network as PresetName, activation, beta, classes };
}

function readClasses(text: string | undefined): string[] | undefined {
  if (text === undefined) return undefined;
  let names: unknown;
  try {
    names = JSON.parse(text);
  } catch {
    names = undefined;
  }
  if (!Array.isArray(names) || names.length < 2 || names.some((name) => typeof name !== "string"))
    throw new DataError(
      "weights: the file's list of classes cannot be read; a JSON list of two or more names is needed",
    );
  return names;
}
