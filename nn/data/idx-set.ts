/** Data sets from IDX files, the format of MNIST. */

import { aNumber, aText, listOf } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../engine/options.js";
import { anIdxFiles } from "../kinds.js";
import type { RemoteFile } from "./collections.js";
import { type Dataset, firstOf, type Split } from "./dataset.js";
import { PIXEL_RANGE } from "./domain.js";
import { DataError } from "./error.js";
import { type IdxArray, readIdxFile } from "./idx.js";
import type { SizeOptions } from "./options.js";

/** Images and labels of both parts, by the bytes of their files, compressed or not. */
export interface IdxFiles<T = Uint8Array> {
  readonly trainImages: T;
  readonly trainLabels: T;
  readonly testImages: T;
  readonly testLabels: T;
}

/** How IDX files (MNIST and its kin) become a data set. */
export interface IdxOptions extends SizeOptions {
  readonly name?: string;
  /** Names by label; default "0", "1", … up to the largest label. */
  readonly classes?: readonly string[];
}

const IDX_OPTIONS: KindsOf<IdxOptions> = {
  trainSize: aNumber,
  testSize: aNumber,
  name: aText,
  classes: listOf(aText, "texts"),
};

/**
 * A data set from four IDX files of bytes: images [n,h,w] or [n,c,h,w] of 1 or 3 channels, labels [n].
 * @throws DataError if the files are damaged or do not fit together; RangeError for a size that cannot be had.
 */
export async function openIdx(files: IdxFiles, options: IdxOptions = {}): Promise<Dataset> {
  requireArguments("openIdx", { files: [files, anIdxFiles] });
  checkedOptions("openIdx", options, IDX_OPTIONS);
  return readCollection(
    { ...named, name: options.name ?? "idx", classes: options.classes },
    async ({ name }) => files[name as keyof IdxFiles],
    options,
  );
}

const file = (name: keyof IdxFiles): RemoteFile => ({ name, urls: [] });
const named: IdxFiles<RemoteFile> = {
  trainImages: file("trainImages"),
  trainLabels: file("trainLabels"),
  testImages: file("testImages"),
  testLabels: file("testLabels"),
};

/** The four files of a data set, and what it is called. */
export interface IdxCollection extends IdxFiles<RemoteFile> {
  readonly name: string;
  readonly classes?: readonly string[];
}

/** `openIdx` with files that `read` delivers. @throws as `openIdx`. */
export async function readCollection(
  collection: IdxCollection,
  read: (file: RemoteFile) => Promise<Uint8Array>,
  { trainSize, testSize }: SizeOptions = {},
): Promise<Dataset> {
  const { name } = collection;
  const arrays = async (images: RemoteFile, labels: RemoteFile): Promise<[IdxArray, IdxArray]> => [
    await readIdxFile(await read(images), { what: images.name }),
    await readIdxFile(await read(labels), { what: labels.name }),
  ];
  const all = [
    await arrays(collection.trainImages, collection.trainLabels),
    await arrays(collection.testImages, collection.testLabels),
  ];
  const largest = Math.max(...all.map(([, { data }]) => data.reduce((most, label) => Math.max(most, label), 0)));
  const classes = collection.classes ?? Array.from({ length: largest + 1 }, (_, i) => `${i}`);
  const [train, test] = all.map(([images, labels]) => joinSplit(name, images, labels, classes.length));
  if (String(train.shape) !== String(test.shape))
    throw new DataError(
      `${name}: images for training are [${train.shape}] and for testing [${test.shape}]; both must agree`,
    );
  return {
    name,
    domain: { shape: train.shape, range: PIXEL_RANGE },
    classes,
    train: firstOf(train, trainSize, name),
    test: firstOf(test, testSize, name),
  };
}

function joinSplit(name: string, images: IdxArray, labels: IdxArray, classes: number): Split {
  const [count, ...sides] = images.shape;
  const shape = sides.length === 2 ? [1, ...sides] : sides;
  if (shape.length !== 3 || (shape[0] !== 1 && shape[0] !== 3) || String(labels.shape) !== String([count])) {
    throw new DataError(
      `${name}: images are [${images.shape}] and labels [${labels.shape}]; [n,h,w] (or [n,3,h,w]) and [n] are needed; fetch the files again`,
    );
  }
  const wrong = labels.data.find((label) => label >= classes);
  if (wrong !== undefined)
    throw new DataError(`${name}: a label is ${wrong}; labels of 0 to ${classes - 1} are needed`);
  return { shape, samples: images.data, labels: labels.data };
}
