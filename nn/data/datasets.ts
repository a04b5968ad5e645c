/** The data sets that are known by name: one file in `sets` and one row here for each. */

import { aFunction, aNumber, aText } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../engine/options.js";
import { anAbortSignalLike } from "../kinds.js";
import type { Dataset } from "./dataset.js";
import type { DatasetOptions } from "./options.js";
import { adultSet } from "./sets/adult.js";
import { cifar10Set } from "./sets/cifar10.js";
import { communitiesCrimeSet } from "./sets/communities-crime.js";
import { compasSet } from "./sets/compas.js";
import type { DatasetEntry } from "./sets/entry.js";
import { germanCreditSet } from "./sets/german-credit.js";
import { fashionMnistSet, mnistSet } from "./sets/mnist.js";
import { shapesSet } from "./sets/shapes.js";

const DATASET_OPTIONS: KindsOf<DatasetOptions> = {
  dataDir: aText,
  onProgress: aFunction,
  signal: anAbortSignalLike,
  trainSize: aNumber,
  testSize: aNumber,
  testShare: aNumber,
  seed: aNumber,
};

/** Every named data set with the function that opens it; a new one is its file and its row. */
export const DATASETS = {
  shapes: shapesSet,
  "fashion-mnist": fashionMnistSet,
  mnist: mnistSet,
  "cifar-10": cifar10Set,
  compas: compasSet,
  "german-credit": germanCreditSet,
  "communities-crime": communitiesCrimeSet,
  adult: adultSet,
} as const satisfies Readonly<Record<string, DatasetEntry>>;

/** Names that `loadDataset` knows. */
export type DatasetName = keyof typeof DATASETS;

/** Names in the order of the table. */
export const DATASET_NAMES = Object.keys(DATASETS) as readonly DatasetName[];

/**
 * Loads a data set by name: `shapes` is drawn on the spot, the others are read from `dataDir`, from the user's cache folder, or
 * downloaded and checked. Tables that come in one piece are split by `seed` and `testShare` (default 0.1).
 * @throws DataError if a file is missing, damaged or not the expected one; RangeError for a size that cannot be had.
 */
export async function loadDataset(name: DatasetName, options: DatasetOptions = {}): Promise<Dataset> {
  requireArguments("loadDataset", { name: [name, aText] });
  checkedOptions("loadDataset", options, DATASET_OPTIONS);
  if (!Object.hasOwn(DATASETS, name))
    throw new RangeError(
      `dataset: "${name}" is unknown; choose ${DATASET_NAMES.slice(0, -1).join(", ")} or ${DATASET_NAMES.at(-1)}`,
    );
  options.signal?.throwIfAborted();
  return DATASETS[name].load(options);
}
