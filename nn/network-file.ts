/** A file of weights as the network it belongs to, with all it says of itself. */

import { random, scope, type Tensor, type Tree } from "../engine/index.js";
import { byteArray } from "../engine/kinds.js";
import { requireArguments } from "../engine/options.js";
import { type Domain, type FeatureRange, PIXEL_RANGE } from "./data/domain.js";
import { DataError } from "./data/error.js";
import { readPreparation, type TablePreparation, tableDomain } from "./data/table/preparation.js";
import { aMap, anyObject, numberList } from "./kinds.js";
import { type Layer, placesAlong } from "./layer.js";
import { type FileCard, type ModelCard, networkOf, readCard } from "./model-card.js";
import { readSafetensors, type SafetensorsFile } from "./safetensors.js";
import { unpackTree } from "./weights.js";

/** What a file says of its network, before any weight is looked at. */
export interface NetworkFile {
  readonly card: FileCard;
  /** What its inputs are. */
  readonly domain: Domain;
  /** How rows of a table become its inputs, where it was trained on one. */
  readonly preparation?: TablePreparation;
  /** Everything the file says of itself. */
  readonly metadata: ReadonlyMap<string, string>;
}

/** A file of weights as a network that answers, with what the file says of it. */
export interface OpenedNetwork extends NetworkFile {
  readonly network: Layer;
  /** Kept tensors. */
  readonly params: Tree;
  /** x [n, ...domain.shape] → logits: the network with its parameters. */
  readonly classifier: (x: Tensor) => Tensor;
  /** How names in the file were read, where they are not the network's. */
  readonly renamed?: string;
}

/** Input of the presets that files without a shape were made for. */
const SHAPE_OF_OLD_FILES = [1, 28, 28];

/** Reads what a file of weights says of its network; needs no engine. `given` counts where the file is silent.
 *  @throws DataError when the file does not say enough, or contradicts what is given. */
export function readNetworkFile(bytes: Uint8Array, given: Partial<ModelCard> = {}): NetworkFile {
  requireArguments("readNetworkFile", { bytes: [bytes, byteArray], given: [given, anyObject] });
  return fileOf(readSafetensors(bytes), given);
}

function fileOf({ metadata }: SafetensorsFile, given: Partial<ModelCard>): NetworkFile {
  return { ...inputsOf(metadata), card: readCard(metadata, given), metadata };
}

/** Opens a file of weights of any architecture: a network that names itself, or a preset that `given` names.
 *  @throws DataError when the file does not say enough, its weights do not fit, or one is no finite number. */
export function openNetwork(bytes: Uint8Array, given: Partial<ModelCard> = {}): OpenedNetwork {
  requireArguments("openNetwork", { bytes: [bytes, byteArray], given: [given, anyObject] });
  const parsed = readSafetensors(bytes);
  const file = fileOf(parsed, given);
  const network = networkOf(file.card);
  requireFinite(parsed);
  const { params, renamed } = scope(() => {
    const like = network.init(random.key(0), file.domain.shape).params;
    const { tree, renamed } = unpackTree(parsed, like, { alias: (path) => byNames(network, path) });
    return { params: tree, renamed };
  });
  return { ...file, network, params, classifier: (x) => network.apply(params, x), renamed };
}

/** @throws DataError naming the tensor that holds a NaN or an infinity. */
function requireFinite({ tensors }: SafetensorsFile): void {
  for (const [name, { data, dtype }] of tensors) {
    const bad = dtype === "f32" ? data.findIndex((v) => !Number.isFinite(v)) : -1;
    if (bad >= 0)
      throw new DataError(
        `weights: ${name} holds ${data[bad]} at element ${bad}; finite numbers are needed; was the training stable?`,
      );
  }
}

/** The shape of a sample in a file's metadata; 28x28 grey where the file is silent. @throws DataError for no shape. */
export function shapeIn(metadata: ReadonlyMap<string, string>): readonly number[] {
  requireArguments("shapeIn", { metadata: [metadata, aMap] });
  const text = metadata.get("shape");
  if (text === undefined) return SHAPE_OF_OLD_FILES;
  if (!/^\[[1-9]\d*(,[1-9]\d*)*\]$/.test(text))
    throw new DataError(
      `weights: the file says that samples have the shape ${text.slice(0, 60)}; a list of sides is needed`,
    );
  return JSON.parse(text);
}

/** Shape, range and features of the inputs. */
function inputsOf(metadata: ReadonlyMap<string, string>): Pick<NetworkFile, "domain" | "preparation"> {
  const stored = metadata.get("preparation");
  const preparation = stored === undefined ? undefined : readPreparation(stored);
  if (preparation) return { preparation, domain: tableDomain(preparation) };
  const shape = shapeIn(metadata);
  return { domain: { shape, range: usualRange(shape) } };
}

/** The valid range where nothing is said of it: pixels of images [c,h,w] that were bytes, anything elsewhere. */
export function usualRange(shape: readonly number[]): FeatureRange {
  requireArguments("usualRange", { shape: [shape, numberList] });
  return shape.length === 3 ? PIXEL_RANGE : { low: -Infinity, high: Infinity };
}

/** A path of parameters by numbers, by the names of layers: "0.weight" is "conv1.weight" too. */
function byNames(network: Layer, path: string): string {
  const { places, rest } = placesAlong(network, path);
  return [...places.map(({ label }) => label), ...rest].join(".");
}
