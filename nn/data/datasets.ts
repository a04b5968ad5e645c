import { readDatasetFile } from "#files";
import { type Collection, FASHION_MNIST, MNIST, type RemoteFile } from "./collections.js";
import { DataError } from "./error.js";
import { readIdxFile } from "./idx.js";
import { SHAPE_CLASSES, shapeBytes } from "./shapes.js";

export type DatasetName = "shapes" | "fashion-mnist" | "mnist";

/** Labelled images as bytes, 0 to 255; `unitPixels` gives numbers in [0,1]. */
export interface ImageSplit {
  /** [n,28,28] */
  readonly images: Uint8Array;
  /** [n], indices into `classes`. */
  readonly labels: Uint8Array;
  /** [n,28,28], 1 where a pixel carries the class; only where the truth is known (`shapes`). */
  readonly masks?: Uint8Array;
}

export interface ImageDataset {
  readonly name: string;
  readonly classes: readonly string[];
  readonly train: ImageSplit;
  readonly test: ImageSplit;
}

/** How far a download is, in bytes. */
export interface Progress {
  readonly file: string;
  readonly received: number;
  readonly total: number;
}

/** What is used of an AbortSignal; described here, so that the types need neither those of a browser nor of Node. */
export interface AbortSignalLike {
  readonly reason: unknown;
  throwIfAborted(): void;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

export interface FileOptions {
  /** A folder with NAME/FILE.gz or FILE.gz; in a browser its address. Without it: HOLDFAST_DATA, else a download. */
  readonly dataDir?: string;
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignalLike;
}

export interface DatasetOptions extends FileOptions {
  /** Keep the first images only; `shapes` draws as many as asked (10 000 and 2 000 by default). */
  readonly trainSize?: number;
  readonly testSize?: number;
  /** Seed of `shapes`. */
  readonly seed?: number;
}

/**
 * Loads a data set of 28x28 grey images in ten classes: `shapes` is drawn on the spot, the others are read from
 * `dataDir`, from the user's cache folder, or downloaded and checked.
 * @throws DataError if a file is missing, damaged or not the expected one; RangeError for a size that cannot be had.
 */
export async function loadDataset(name: DatasetName, options: DatasetOptions = {}): Promise<ImageDataset> {
  if (name === "shapes") {
    const { seed = 0, trainSize = 10_000, testSize = 2_000 } = options;
    return {
      name,
      classes: SHAPE_CLASSES,
      train: shapeBytes({ count: trainSize, seed, stream: 0 }),
      test: shapeBytes({ count: testSize, seed, stream: 1 }),
    };
  }
  const collection = [FASHION_MNIST, MNIST].find((candidate) => candidate.name === name);
  if (collection === undefined) {
    throw new RangeError(`dataset: "${name}" is unknown; choose shapes, fashion-mnist or mnist`);
  }
  return readCollection(collection, (file) => readDatasetFile(collection.name, file, options), options);
}

/**
 * A data set from four IDX files, which `read` delivers.
 * @throws DataError if the files do not fit together.
 */
export async function readCollection(
  collection: Collection,
  read: (file: RemoteFile) => Promise<Uint8Array>,
  { trainSize, testSize }: Pick<DatasetOptions, "trainSize" | "testSize"> = {},
): Promise<ImageDataset> {
  const split = async (images: RemoteFile, labels: RemoteFile, size: number | undefined): Promise<ImageSplit> =>
    joinSplit(
      collection,
      await readIdxFile(await read(images), { what: images.name }),
      await readIdxFile(await read(labels), { what: labels.name }),
      size,
    );
  return {
    name: collection.name,
    classes: collection.classes,
    train: await split(collection.trainImages, collection.trainLabels, trainSize),
    test: await split(collection.testImages, collection.testLabels, testSize),
  };
}

type Idx = Awaited<ReturnType<typeof readIdxFile>>;

function joinSplit({ name, classes }: Collection, images: Idx, labels: Idx, size = images.shape[0]): ImageSplit {
  const [count, height, width] = images.shape;
  if (images.shape.length !== 3 || height !== 28 || width !== 28 || String(labels.shape) !== String([count])) {
    throw new DataError(
      `${name}: images are [${images.shape}] and labels [${labels.shape}]; [n,28,28] and [n] are needed; fetch the files again`,
    );
  }
  const wrong = labels.data.find((label) => label >= classes.length);
  if (wrong !== undefined) {
    throw new DataError(`${name}: a label is ${wrong}; labels of 0 to ${classes.length - 1} are needed`);
  }
  if (!Number.isInteger(size) || size < 1 || size > count) {
    throw new RangeError(`${name}: ${size} images were asked for; it has 1 to ${count}`);
  }
  return { images: images.data.subarray(0, size * 784), labels: labels.data.subarray(0, size) };
}
