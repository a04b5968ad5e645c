/** What a file of weights says about the network it belongs to, so that the network can be built again. */

import { anObject, aText, maybe, wordOf } from "../engine/kinds.js";
import { requireArguments } from "../engine/options.js";
import { relu, softplus } from "./activations.js";
import { type LayerJson, layerFromJson, layerToJson } from "./architecture.js";
import type { Sequential } from "./containers.js";
import { DataError } from "./data/error.js";
import { heNormal } from "./init.js";
import { aFileCard, aLayer, aList, aMap, anyObject } from "./kinds.js";
import type { Layer } from "./layer.js";
import { type PresetName, presets } from "./presets.js";
import { shownNames } from "./printable.js";

/** Activations that a model card may name. */
export const ACTIVATIONS = ["softplus", "relu"] as const;
/** One of `ACTIVATIONS`. */
export type ActivationName = (typeof ACTIVATIONS)[number];

/** What a file of weights says of its network, enough for `buildNetwork` to make it again. */
export interface ModelCard {
  readonly network: PresetName;
  readonly activation: ActivationName;
  /** Sharpness of softplus; of no meaning for relu. */
  readonly beta: number;
  /** Names of the classes, by output. */
  readonly classes: readonly string[];
}

/** The card of a file: a preset with its activation, or any architecture. */
export interface FileCard extends Partial<Omit<ModelCard, "classes">>, Pick<ModelCard, "classes"> {
  readonly architecture?: LayerJson;
}

/** The card's network. Weights start as He et al. 2015 have it: with PyTorch's smaller ones a softplus network with average pooling
 *  learns nothing for its first epoch. */
export function buildNetwork(card: ModelCard): Sequential {
  requireArguments("buildNetwork", {
    card: [card, anObject("the card of a network", { network: wordOf(...Object.keys(presets)), classes: aList })],
  });
  const { network, activation, beta, classes } = card;
  const layer = activation === "relu" ? relu : softplus({ beta });
  return presets[network]({ activation: layer, classes: classes.length, init: heNormal });
}

/** The network that a file says it belongs to. @throws DataError for an architecture that makes no sense. */
export function networkOf(card: FileCard): Layer {
  requireArguments("networkOf", { card: [card, aFileCard] });
  if (!card.architecture) return buildNetwork(card as ModelCard);
  try {
    return layerFromJson(card.architecture);
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) throw new DataError(`weights: ${error.message}`);
    throw error;
  }
}

/** The card as metadata of a safetensors file; with the network itself also for a network that is no preset. */
export function cardMetadata(card: FileCard, network?: Layer): Record<string, string> {
  requireArguments("cardMetadata", { card: [card, aFileCard], network: [network, maybe(aLayer)] });
  const told = {
    network: card.network,
    activation: card.activation,
    beta: card.beta === undefined ? undefined : String(card.beta),
    classes: JSON.stringify(card.classes),
    architecture: network ? JSON.stringify(layerToJson(network)) : undefined,
  };
  return Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined)) as Record<string, string>;
}

/** The card in a file's metadata; `given` counts where the file is silent, as one that PyTorch wrote is. Nothing is guessed: a preset
 *  needs its activation, softplus its beta. @throws DataError when something is missing, makes no sense, or contradicts the file. */
export function readCard(metadata: ReadonlyMap<string, string>, given: Partial<ModelCard> = {}): FileCard {
  requireArguments("readCard", { metadata: [metadata, aMap], given: [given, anyObject] });
  const told = <K extends "network" | "activation" | "beta">(
    name: K,
    same: (text: string) => boolean,
  ): string | undefined => {
    const text = metadata.get(name);
    if (text !== undefined && given[name] !== undefined && !same(text))
      throw new DataError(`weights: the file says ${name} ${text}, ${given[name]} came with it; leave ${name} out`);
    return text ?? given[name]?.toString();
  };
  const network = told("network", (text) => text === given.network);
  const activation = told("activation", (text) => text === given.activation);
  const beta = told("beta", (text) => Number(text) === given.beta);
  const stored = metadata.get("architecture");
  if (network !== undefined && !Object.hasOwn(presets, network))
    throw new DataError(`weights: the file is for a network "${network}"; there is ${Object.keys(presets).join(", ")}`);
  if (activation !== undefined && !ACTIVATIONS.includes(activation as ActivationName))
    throw new DataError(`weights: the file names the activation "${activation}"; there is ${ACTIVATIONS.join(", ")}`);
  if (beta !== undefined && !(Number(beta) > 0 && Number(beta) < Infinity))
    throw new DataError(`weights: the file has beta ${beta}; a positive number is needed`);
  if (stored === undefined) {
    const missing = [
      network === undefined ? `its network (--network ${Object.keys(presets).join(", ")})` : "",
      activation === undefined && network !== "logistic"
        ? `its activation (--activation ${ACTIVATIONS.join(", ")})`
        : "",
      activation === "softplus" && beta === undefined ? "the sharpness of its softplus (--beta, 1 in PyTorch)" : "",
    ].filter(Boolean);
    if (missing.length > 0) throw new DataError(`weights: the file does not name ${missing.join(" nor ")}; pass it`);
  }
  const classes = readClasses(metadata.get("classes")) ?? given.classes ?? Array.from({ length: 10 }, (_, i) => `${i}`);
  return {
    ...{ network: network as PresetName | undefined, activation: activation as ActivationName | undefined, classes },
    beta: beta === undefined ? undefined : Number(beta),
    architecture: stored === undefined ? undefined : (parseJson(stored, "architecture") as LayerJson),
  };
}

function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new DataError(`weights: the file's ${what} cannot be read; JSON is needed`);
  }
}

/** Names of classes as a file has them, in JSON; control characters are spelt out and long names cut. @throws DataError for what is no list of names. */
export function readClasses(text: string | undefined): string[] | undefined {
  requireArguments("readClasses", { text: [text, maybe(aText)] });
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
  return shownNames(names);
}
