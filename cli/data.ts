/** Data sets as commands name them: one of the table, a folder of images, or a table of the user's own. */
import { statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { DataError } from "../nn/data/error.js";
import {
  type Channels,
  DATASET_NAMES,
  DATASETS,
  type Dataset,
  type DatasetName,
  type ImageSize,
  loadDataset,
  openFolder,
  openTable,
  readCsv,
  type TablePreparation,
} from "../nn/index.js";
import { choice, unknown } from "./arguments.js";
import { numberOption, UsageError } from "./command.js";
import { parsing, readInput } from "./files.js";
import { downloadLine, type Live } from "./live.js";

export { DATASET_NAMES as DATASETS };

/** Data sets whose samples are shaped like those of `shapes`, which some commands are confined to. */
const LIKE_SHAPES = DATASET_NAMES.filter((name) => String(DATASETS[name].shape) === String(DATASETS.shapes.shape));

const sources = `${DATASET_NAMES.join(", ")}; a folder of images with a subfolder for each class; a .csv file`;

export const dataOptions = {
  data: { type: "string", default: "shapes", value: "name", help: `data set: ${LIKE_SHAPES.join(", ")}` },
  "data-dir": {
    type: "string",
    value: "folder",
    help: "where its files are; without it HOLDFAST_DATA, else a download",
  },
} as const;

/** What says which data are meant, and how data of the user's own are read. */
export const sourceOptions = {
  data: { type: "string", value: "name", help: `data: ${sources} (default shapes)` },
  target: { type: "string", value: "column", help: "of a .csv file: the column that is predicted" },
  labels: {
    type: "string",
    value: "file.csv",
    help: "of a folder: the classes of its images, in place of subfolders: a header, then the name of a file and its class in each line",
  },
  "image-size": { type: "string", value: "HxW", help: "of a folder: bring all images to this height and width" },
  channels: {
    type: "string",
    value: "n",
    help: "of a folder: 1 for grey, 3 for colour (default as the network takes, else as the files are)",
  },
} as const;

export type SourceValues = { readonly [K in keyof typeof sourceOptions]: string | undefined };

/** Where data come from, as it is stored with what was made of them. */
export interface DataSource {
  /** A name of the table, or the path of a folder or file. */
  readonly data: string;
  readonly target?: string;
  readonly imageSize?: ImageSize;
  readonly channels?: Channels;
  /** Path of a table of labels. */
  readonly labels?: string;
}

export interface DataRequest extends Omit<DataSource, "data"> {
  readonly name: string;
  readonly folder?: string;
  readonly trainSize?: number;
  readonly testSize?: number;
  /** Chooses what is held out for testing where the data do not say. Not that of training: every run is judged by the same samples. */
  readonly splitSeed?: number;
  /** How the rows of a .csv file become samples: as for the network they are for. Default learnt from them. */
  readonly preparation?: TablePreparation;
}

/** The name of a data set like `shapes`. @throws UsageError for another one. */
export function dataName(text: string): DatasetName {
  if (DATASET_NAMES.some((name) => name === text) && !LIKE_SHAPES.some((name) => name === text))
    throw new UsageError(
      `--data ${text}: samples of [${DATASETS[text as DatasetName].shape}]; this command takes [${DATASETS.shapes.shape}] so far: ${LIKE_SHAPES.join(", ")}`,
    );
  return choice("data set", text, LIKE_SHAPES);
}

type Place = "name" | "folder" | "csv";

/** What `--data` names. @throws UsageError when it names nothing. */
function placeOf(data: string): Place {
  if (DATASET_NAMES.some((name) => name === data)) return "name";
  const found = statSync(data, { throwIfNoEntry: false });
  if (found?.isDirectory()) return "folder";
  if (/\.csv$/i.test(data)) {
    if (found?.isFile()) return "csv";
    throw new UsageError(`--data ${data}: there is no such file`);
  }
  if (found) throw new UsageError(`--data ${data}: it is no folder of images and no .csv file; give one of them`);
  if (/[/\\]/.test(data)) throw new UsageError(`--data ${data}: there is no such folder or file`);
  throw unknown("data set", data, DATASET_NAMES);
}

/** The options that belong to each place. */
const OWN: Readonly<Record<Place, readonly (keyof SourceValues)[]>> = {
  name: [],
  folder: ["image-size", "channels", "labels"],
  csv: ["target"],
};

/** The source that options name. @throws UsageError for one that is not there, or options that it has no use for. */
export function dataSource(values: SourceValues): DataSource {
  const data = values.data ?? "shapes";
  const place = placeOf(data);
  for (const name of ["target", "image-size", "channels", "labels"] as const)
    if (values[name] !== undefined && !OWN[place].includes(name))
      throw new UsageError(
        `--${name} ${values[name]}: ${data} is no ${name === "target" ? ".csv file" : "folder of images"}; leave it out`,
      );
  if (place === "csv" && values.target === undefined)
    throw new UsageError(`--data ${data}: which column is predicted is not said; give --target column`);
  const size = values["image-size"];
  const sides = size === undefined ? undefined : /^([1-9]\d{0,4})x([1-9]\d{0,4})$/.exec(size);
  if (sides === null) throw new UsageError(`--image-size ${size}: a height and a width such as 32x48 are needed`);
  return {
    data,
    ...(values.target !== undefined && { target: values.target }),
    ...(values.labels !== undefined && { labels: values.labels }),
    ...(sides && { imageSize: [Number(sides[1]), Number(sides[2])] as const }),
    ...(values.channels !== undefined && {
      channels: Number(choice("number of channels", values.channels, ["1", "3"])) as Channels,
    }),
  };
}

/** Option name → text, as `dataSource` reads it. */
export function sourceValues({ data, target, imageSize, channels, labels }: DataSource): SourceValues {
  return { data, target, labels, "image-size": imageSize?.join("x"), channels: channels?.toString() };
}

export function sizeOption(name: string, text: string | undefined): number | undefined {
  return text === undefined ? undefined : numberOption(name, text, { min: 1, integer: true });
}

/** Loads a data set, showing downloads. @throws UsageError for a size that cannot be had, DataError for bad files. */
export async function openData(request: DataRequest, live: Live): Promise<Dataset> {
  const { name, folder, trainSize, testSize, splitSeed: seed, target, imageSize, channels, preparation } = request;
  const sizes = { trainSize, testSize, seed };
  try {
    const place = placeOf(name);
    if (place === "folder") {
      const labels = request.labels === undefined ? undefined : await readLabels(request.labels);
      return await openFolder(name, { ...sizes, size: imageSize, channels, labels });
    }
    if (place === "csv")
      return openTable(await readFile(name, "utf8"), {
        ...sizes,
        name: basename(name),
        target: target ?? "",
        preparation,
      });
    return await loadDataset(name as DatasetName, {
      ...sizes,
      dataDir: folder,
      // Shapes are drawn, in a moment.
      onProgress: name === "shapes" ? undefined : (progress) => live.update(downloadLine(progress)),
    });
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(error.message);
    throw error;
  }
}

async function readLabels(path: string): Promise<Map<string, string>> {
  const bytes = await readInput("labels", path);
  return parsing(`--labels ${path}`, () => labelsOf(new TextDecoder().decode(bytes)));
}

/** File → class. @throws DataError for a table of other columns, or a file that comes twice. */
export function labelsOf(text: string): Map<string, string> {
  const { columns, rows } = readCsv(text);
  if (columns.length !== 2 || /\.(png|jpe?g)$/i.test(columns[0]))
    throw new DataError(
      `the first line is ${columns.slice(0, 4).join(", ").slice(0, 80)}; a header of two columns, such as filename,label, is needed`,
    );
  const labels = new Map<string, string>();
  for (const [file, label] of rows) {
    const name = file.trim().replace(/^\.\//, "");
    if (labels.has(name)) throw new DataError(`${name} comes twice; one label for each file is needed`);
    labels.set(name, label.trim());
  }
  return labels;
}
