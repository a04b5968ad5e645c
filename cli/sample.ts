/** The sample that `explain` and `attack` work on, and what explainers compare it with. */
import { pickPixels } from "../atex/experiments/index.js";
import { type Tensor, tensor } from "../engine/index.js";
import {
  type Channels,
  DATASETS,
  type Dataset,
  type DatasetName,
  type Domain,
  hostSamples,
  type NetworkFile,
  partOf,
  prepareRow,
  readCsv,
  readImageAs,
  readSafetensors,
  type SizeOptions,
  type Split,
  sampleSize,
} from "../nn/index.js";
import { numberOption, UsageError } from "./command.js";
import {
  type DataSource,
  dataOptions,
  dataSource,
  DATASETS as NAMES,
  openData,
  sizeOption,
  sourceOptions,
} from "./data.js";
import { parsing, readInput } from "./files.js";
import type { Live } from "./live.js";

export const sampleOptions = {
  image: {
    type: "string",
    value: "file",
    help: "an image of your own, PNG or JPEG, or a .safetensors file that attack wrote",
  },
  resize: { type: "boolean", help: "let --image have any size: its middle is averaged to the size of the network" },
  invert: { type: "boolean", help: "of --image: turn dark into light, for networks that learnt light on dark" },
  rows: {
    type: "string",
    value: "file.csv",
    help: "a table of your own with the columns that the network knows, or a .safetensors file that attack wrote",
  },
  tensor: { type: "string", value: "name", help: "of a .safetensors file: which of its samples (default attacked)" },
  ...sourceOptions,
  data: { type: "string", value: "name", help: "instead of --image: a test sample of these data" },
  index: { type: "string", value: "n", help: "which test sample, or which row of --rows, from 0 (default 0)" },
  "data-dir": dataOptions["data-dir"],
} as const;

type SampleValues = {
  readonly [K in keyof typeof sampleOptions]: (typeof sampleOptions)[K]["type"] extends "boolean"
    ? boolean
    : string | undefined;
};

export interface LoadedSample {
  /** Of the network's domain, flattened. */
  readonly values: Float32Array;
  /** For people: the file, or data set and index. */
  readonly title: string;
  /** Where they are known: the true class, and the pixels that carry it. */
  readonly label?: number;
  readonly mask?: Float32Array;
  /** What may be wrong with it, in a sentence. */
  readonly hint?: string;
}

/** The sample that the options name. @throws UsageError when they name none or two, or it does not fit the network. */
export async function openSample(values: SampleValues, model: NetworkFile, live: Live): Promise<LoadedSample> {
  const named = (["image", "rows", "data"] as const).filter((name) => values[name] !== undefined);
  if (named.length > 1)
    throw new UsageError(`${named.map((name) => `--${name}`).join(" and ")} exclude each other; give one of them`);
  const what = isImage(model.domain)
    ? "--image file.png, or --data shapes --index 3"
    : "--rows file.csv, or --data compas --index 3";
  if (named.length === 0) throw new UsageError(`no sample is given; pass ${what}`);
  if (values.tensor !== undefined && !STORED.test(values.image ?? values.rows ?? ""))
    throw new UsageError(`--tensor ${values.tensor} goes with a .safetensors file of --image or --rows; leave it out`);
  if (named[0] === "image") return imageOf(values, model);
  if (values.resize || values.invert)
    throw new UsageError(`--${values.resize ? "resize" : "invert"} goes with --image; leave it out`);
  const index = numberOption("index", values.index ?? "0", { min: 0, integer: true });
  if (named[0] === "rows" && STORED.test(values.rows!))
    return storedSample("rows", values.rows!, values.tensor, model.domain);
  if (named[0] === "rows") return rowOf(values.rows!, index, model);
  const { test } = await openFor(model, values, live);
  if (index >= test.labels.length)
    throw new UsageError(`--index ${index}: ${values.data} has test samples 0 to ${test.labels.length - 1}`);
  return {
    values: hostSamples(test, [index]),
    title: `${values.data} test ${isImage(model.domain) ? "image" : "row"} ${index}`,
    label: test.labels[index],
    mask: test.masks && Float32Array.from(partOf(test, index, 1).masks!),
  };
}

async function imageOf(
  { image, index, resize, invert, tensor }: SampleValues,
  { domain, metadata }: NetworkFile,
): Promise<LoadedSample> {
  const path = image!;
  if (index !== undefined) throw new UsageError("--index goes with --data or --rows; leave it out beside --image");
  if (!isImage(domain))
    throw new UsageError(
      `--image ${path}: the network takes rows of ${domain.shape[0]} numbers; give --rows or --data`,
    );
  if (STORED.test(path)) {
    if (resize || invert)
      throw new UsageError(
        `--${resize ? "resize" : "invert"} goes with a PNG or JPEG file; leave it out beside ${path}`,
      );
    return storedSample("image", path, tensor, domain);
  }
  const [c, h, w] = domain.shape;
  const bytes = await readInput("image", path);
  const values = await parsing(path, () => readImageAs(bytes, [c, h, w], { resize }));
  const shown = invert ? values.map((v) => 1 - v) : values;
  return { values: shown, title: path, hint: groundHint(shown, domain, metadata.get("data")) };
}

/** A word where an image on a light ground meets a network that learnt light figures on a dark one. */
function groundHint(values: Float32Array, { shape: [c, h, w] }: Domain, data = ""): string | undefined {
  if (!Object.hasOwn(DATASETS, data) || !DATASETS[data as DatasetName].lightOnDark) return undefined;
  const edge = [...values.keys()].filter((i) => {
    const [x, y] = [i % w, Math.floor(i / w) % h];
    return x === 0 || y === 0 || x === w - 1 || y === h - 1;
  });
  const mean = edge.reduce((sum, i) => sum + values[i], 0) / edge.length;
  if (c !== 1 || mean <= 0.5) return undefined;
  return `its edge is light (${mean.toFixed(2)} of 1), and the network learnt light on dark (${data}): --invert turns it`;
}

/** Samples as commands write them, exactly. */
const STORED = /\.safetensors$/i;

/** One sample of a file of tensors. @throws UsageError when it has none of that name, or of another shape. */
async function storedSample(option: string, path: string, name = "attacked", { shape }: Domain): Promise<LoadedSample> {
  const bytes = await readInput(option, path);
  const { tensors } = await parsing(path, () => readSafetensors(bytes));
  const found = tensors.get(name);
  const fits = (sides: readonly number[]): boolean => String(sides) === String([1, ...shape]);
  if (found?.dtype !== "f32" || !fits(found.shape)) {
    const fitting = [...tensors].filter(([, t]) => t.dtype === "f32" && fits(t.shape)).map(([other]) => other);
    throw new UsageError(
      `--${option} ${path}: ${found ? `its ${name} is ${found.dtype} [${found.shape}]` : `it has no ${name}`}; f32 [1,${shape}] is needed, ${fitting.length > 0 ? `as --tensor ${shortList(fitting)}` : "which none of its tensors is"}`,
    );
  }
  const values = Float32Array.from(found.data);
  const bad = values.findIndex((v) => !Number.isFinite(v));
  if (bad >= 0)
    throw new UsageError(
      `--${option} ${path}: ${name} holds ${values[bad]} at element ${bad}; finite numbers are needed`,
    );
  return { values, title: `${path}, ${name}` };
}

async function rowOf(path: string, index: number, { preparation, domain }: NetworkFile): Promise<LoadedSample> {
  const names = domain.features?.every(({ at }) => at.length === 1) ? domain.features.map(({ name }) => name) : [];
  if (!preparation && names.length === 0)
    throw new UsageError(
      `--rows ${path}: the network says nothing of columns; give --data, weights trained on a table, or a module with features`,
    );
  const text = new TextDecoder().decode(await readInput("rows", path));
  const { columns, rows } = await parsing(path, () => readCsv(text));
  if (index >= rows.length) throw new UsageError(`--index ${index}: ${path} has rows 0 to ${rows.length - 1}`);
  const record = Object.fromEntries(columns.map((column, i) => [column, rows[index][i]]));
  if (!preparation) return { values: numbersOf(record, names, path, index), title: `${path} row ${index}` };
  const values = await parsing(path, () => prepareRow(preparation, record, `row ${index}`));
  return { values, title: `${path} row ${index}` };
}

/** The columns that a network names, as they are. @throws UsageError for one that is missing or no number. */
function numbersOf(
  record: Readonly<Record<string, string | null>>,
  names: readonly string[],
  path: string,
  index: number,
): Float32Array {
  return Float32Array.from(names, (name) => {
    if (!Object.hasOwn(record, name))
      throw new UsageError(`--rows ${path}: there is no column ${name}; there is ${Object.keys(record).join(", ")}`);
    const text = record[name] ?? "";
    if (text.trim() === "" || !Number.isFinite(Number(text)))
      throw new UsageError(`--rows ${path}: row ${index} has "${text}" in column ${name}; a number is needed`);
    return Number(text);
  });
}

/** The data that options name, which must be those that the network takes. */
export async function openFor(
  model: NetworkFile,
  values: Partial<SampleValues>,
  live: Live,
  sizes: SizeOptions = {},
): Promise<Dataset> {
  const source = dataSource({ data: values.data, ...only(values, ["target", "image-size", "channels", "labels"]) });
  return fitting(
    model,
    await openData(
      {
        ...{ channels: channelsOf(model), ...source, ...sizes },
        ...{ name: source.data, folder: values["data-dir"], preparation: model.preparation },
      },
      live,
    ),
    source.data,
  );
}

/** A folder of images is read as the network takes it. */
function channelsOf({ domain }: NetworkFile): Channels | undefined {
  const [c] = domain.shape;
  return isImage(domain) && (c === 1 || c === 3) ? c : undefined;
}

function only(values: Partial<SampleValues>, names: readonly ("target" | "image-size" | "channels" | "labels")[]) {
  const [target, size, channels, labels] = names.map((name) => values[name] as string | undefined);
  return { target, "image-size": size, channels, labels };
}

/** The data with labels as the network numbers its classes. @throws UsageError when it takes other samples, or has other classes. */
function fitting(model: NetworkFile & { readonly numbered?: boolean }, dataset: Dataset, name: string): Dataset {
  if (String(dataset.domain.shape) !== String(model.domain.shape))
    throw new UsageError(
      `--data ${name}: its samples are [${dataset.domain.shape}], the network takes [${model.domain.shape}]; give the data it was made for`,
    );
  const { classes } = model.card;
  const places = dataset.classes.map((one) => classes.indexOf(one));
  if (places.every((place, i) => place === i)) return dataset;
  if (places.includes(-1)) {
    const ordered = !model.numbered || NAMES.some((one) => one === name);
    if (ordered && dataset.classes.length === classes.length) return dataset;
    throw new UsageError(
      `--data ${name}: it has the classes ${shortList(dataset.classes)}, the network has ${classes.length}: ${shortList(classes)}${model.numbered ? "; name them in the order of its outputs with --classes" : ""}`,
    );
  }
  const renumbered = (split: Split): Split => ({
    ...split,
    labels: Int32Array.from(split.labels, (label) => places[label]),
  });
  return { ...dataset, classes, train: renumbered(dataset.train), test: renumbered(dataset.test) };
}

function shortList(names: readonly string[]): string {
  return `${names.slice(0, 5).join(", ")}${names.length > 5 ? ", ..." : ""}`;
}

/** The data that the weights were trained on, where they say so. */
export async function trainingData(
  model: NetworkFile,
  folder: string | undefined,
  live: Live,
  given: SizeOptions = {},
): Promise<Dataset> {
  const of = (name: string): string | undefined => model.metadata.get(name);
  if (of("data") === undefined)
    throw new UsageError("nothing says what the network was trained on; name the data with --data");
  const source: DataSource = dataSource({
    ...{ data: of("data"), target: of("target"), "image-size": of("image-size"), channels: of("channels") },
    labels: of("labels"),
  });
  const sizes = {
    trainSize: given.trainSize ?? sizeOption("train-size", of("train-size")),
    testSize: given.testSize ?? sizeOption("test-size", of("test-size")),
  };
  return fitting(
    model,
    await openData({ ...source, name: source.data, folder, ...sizes, preparation: model.preparation }, live),
    source.data,
  );
}

/** The first training samples, at most `most`: what explainers compare with. [m, ...shape] */
export function backgroundOf({ train }: Dataset, most = 100): Tensor {
  return pickPixels(
    train,
    Array.from({ length: Math.min(most, train.labels.length) }, (_, i) => i),
  );
}

/** One sample as a batch, [1, ...shape]. */
export function asBatch(values: Float32Array, { shape }: Domain): Tensor {
  return tensor(values, [values.length / sampleSize(shape), ...shape]);
}

export function isImage({ shape }: Domain): boolean {
  return shape.length === 3;
}

/** For pictures: the size of an image of the domain. */
export function imageSizeOf({ shape: [channels, height, width] }: Domain) {
  return { channels, height, width };
}
