/** Data sets from folders of image files, a subfolder for each class. */

import { type FolderFile, listFolder } from "#folder";
import { aName, aNumber, aText, tupleOf } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../engine/options.js";
import { aMap, oneOfNumbers } from "../kinds.js";
import { shownNames } from "../printable.js";
import { divided, samplesAt } from "./arrays.js";
import { type Dataset, firstOf, type Split, sampleSize } from "./dataset.js";
import { PIXEL_RANGE } from "./domain.js";
import { DataError } from "./error.js";
import { type ImageSize, imageSize, readImage, resizeImage } from "./image.js";
import type { SplitOptions } from "./options.js";
import { bytePixels, type Channels } from "./pixels.js";

/** How a folder of images becomes a data set. */
export interface FolderOptions extends SplitOptions {
  readonly name?: string;
  /** Height and width that all images are brought to (see `resizeImage`); without it they must be equally large. */
  readonly size?: ImageSize;
  /** 1 for grey, 3 for colour; default 1 if every file is grey, else 3. */
  readonly channels?: Channels;
  /** The class of each file, by its place in the folder ("cats/1.png"), in place of folders for classes; names of classes are sorted,
   *  whole numbers as numbers. */
  readonly labels?: ReadonlyMap<string, string>;
}

const FOLDER_OPTIONS: KindsOf<FolderOptions> = {
  trainSize: aNumber,
  testSize: aNumber,
  testShare: aNumber,
  seed: aNumber,
  name: aText,
  size: tupleOf(aNumber, 2, "numbers"),
  channels: oneOfNumbers,
  labels: aMap,
};

/** All samples of a data set together. */
const MAX_BYTES = 2 ** 31 - 1;
const PARTS = ["train", "test"] as const;

/**
 * A data set from PNG and JPEG files: `path/CLASS/FILE`, of which `testShare` (default 0.2) is held out class by class, or
 * `path/train/CLASS/FILE` and `path/test/CLASS/FILE`; with `labels`, files anywhere in the folder. Classes and files are in the order of their names; names that begin with a dot
 * are passed over. In Node only.
 * @throws DataError naming the file or folder that cannot be used; RangeError for a size or share that cannot be had.
 */
export async function openFolder(path: string, options: FolderOptions = {}): Promise<Dataset> {
  requireArguments("openFolder", { path: [path, aName] });
  checkedOptions("openFolder", options, FOLDER_OPTIONS);
  const { name = path, testShare = 0.2, seed, trainSize, testSize } = options;
  const files = await listFolder(path);
  if (files.length === 0)
    throw new DataError(`${path}: no files; a folder of PNG and JPEG files for each class is needed`);
  const { given, classOf, classes } = options.labels ? labelled(path, files, options.labels) : byFolders(path, files);
  const shape = await commonShape(path, files, options);
  const all: Split = {
    shape,
    samples: await bytesOf(files, shape, path),
    labels: Int32Array.from(files, (file) => classes.indexOf(classOf(file))),
  };
  const inPart = (part: string): number[] => files.flatMap(({ place }, i) => (place[0] === part ? [i] : []));
  const parts = given
    ? { train: samplesAt(all, inPart("train")), test: samplesAt(all, inPart("test")) }
    : divided(all, testShare, seed);
  return {
    name,
    domain: { shape, range: PIXEL_RANGE },
    classes: shownNames(classes),
    train: firstOf(parts.train, trainSize, `${name}: the training part`),
    test: firstOf(parts.test, testSize, `${name}: the test part`),
  };
}

/** Which class each file is of. */
interface Classed {
  /** Whether the folder itself says what is held out. */
  readonly given: boolean;
  readonly classes: readonly string[];
  classOf(file: FolderFile): string;
}

function byFolders(path: string, files: readonly FolderFile[]): Classed {
  const given = PARTS.every((part) => files.some(({ place }) => place[0] === part && place.length > 2));
  const depth = given ? 3 : 2;
  for (const { place } of files) {
    const fits = place.length === depth && (!given || PARTS.some((part) => part === place[0]));
    if (!fits || !/\.(png|jpe?g)$/i.test(place.at(-1)!))
      throw new DataError(
        `${path}: ${place.join("/")} does not belong here; PNG and JPEG files in ${given ? "train/CLASS/ and test/CLASS/" : "a folder for each class"} are needed`,
      );
  }
  const classOf = ({ place }: FolderFile): string => place[depth - 2];
  const classes = [...new Set(files.map(classOf))].sort();
  if (classes.length < 2)
    throw new DataError(`${path}: ${classes.length} folders of images; two or more are needed, one for each class`);
  return { given, classes, classOf };
}

function labelled(path: string, files: readonly FolderFile[], labels: ReadonlyMap<string, string>): Classed {
  const names = files.map(({ place }) => place.join("/"));
  const bare = names.find((name) => !labels.has(name));
  if (bare !== undefined) throw new DataError(`${path}: ${bare} has no label; each file in the folder needs one`);
  const there = new Set(names);
  const missing = [...labels.keys()].find((name) => !there.has(name));
  if (missing !== undefined)
    throw new DataError(
      `${path}: ${missing.slice(0, 80)} has a label and is not there; give the folder with all images`,
    );
  const strange = names.find((name) => !/\.(png|jpe?g)$/i.test(name));
  if (strange !== undefined) throw new DataError(`${path}: ${strange} is no PNG or JPEG file; leave its label out`);
  const distinct = [...new Set(labels.values())];
  const numbers = distinct.every((name) => /^\d{1,9}$/.test(name));
  const classes = numbers ? distinct.sort((a, b) => Number(a) - Number(b)) : distinct.sort();
  if (classes.length < 2) throw new DataError(`${path}: all labels are ${classes[0]}; two or more classes are needed`);
  return { given: false, classes, classOf: ({ place }) => labels.get(place.join("/"))! };
}

/** The shape that all images are brought to: as told, else what their headers agree on. */
async function commonShape(
  path: string,
  files: readonly FolderFile[],
  { size, channels }: FolderOptions,
): Promise<number[]> {
  if (channels !== undefined && channels !== 1 && channels !== 3)
    throw new DataError(`${path}: images of ${channels} channels; 1 (grey) or 3 (colour) is needed`);
  if (size?.some((side) => !Number.isInteger(side) || side < 1))
    throw new DataError(`${path}: images of ${size.join("x")} pixels; whole sides of at least 1 are needed`);
  if (size && channels) return [channels, ...size];
  let [first, colour] = [size && { height: size[0], width: size[1], file: "" }, false];
  for (const file of files) {
    const name = file.place.join("/");
    const { width, height, channels: own } = await reading(name, async () => imageSize(await file.read()));
    colour ||= own === 3;
    first ??= { height, width, file: name };
    if (!size && (width !== first.width || height !== first.height))
      throw new DataError(
        `${path}: ${first.file} is ${first.width}x${first.height} and ${name} ${width}x${height}; equal sizes are needed, or a size to bring all to`,
      );
  }
  return [channels ?? (colour ? 3 : 1), first!.height, first!.width];
}

async function bytesOf(files: readonly FolderFile[], shape: readonly number[], path: string): Promise<Uint8Array> {
  const [channels, height, width] = shape;
  const size = sampleSize(shape);
  if (files.length * size > MAX_BYTES)
    throw new DataError(
      `${path}: ${files.length} images of [${shape}] are ${files.length * size} bytes; at most ${MAX_BYTES} are held; choose a smaller size`,
    );
  const samples = new Uint8Array(files.length * size);
  for (const [i, file] of files.entries()) {
    const image = await reading(file.place.join("/"), async () => readImage(await file.read(), channels as Channels));
    samples.set(bytePixels(resizeImage(image, [height, width]).data), i * size);
  }
  return samples;
}

/** Puts the name of a file in front of what is wrong with it. */
async function reading<T>(name: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof DataError) throw new DataError(`${name}: ${error.message}`, { cause: error });
    throw error;
  }
}
