/** Data sets as commands name them. */
import { type DatasetName, type ImageDataset, loadDataset } from "../nn/index.js";
import { choice } from "./arguments.js";
import { numberOption, UsageError } from "./command.js";
import { downloadLine, type Live } from "./live.js";

export const DATASETS: readonly DatasetName[] = ["shapes", "fashion-mnist", "mnist"];

export const dataOptions = {
  data: { type: "string", default: "shapes", value: "name", help: `data set: ${DATASETS.join(", ")}` },
  "data-dir": {
    type: "string",
    value: "folder",
    help: "where its files are; without it HOLDFAST_DATA, else a download",
  },
} as const;

export interface DataRequest {
  readonly name: DatasetName;
  readonly folder?: string;
  readonly trainSize?: number;
  readonly testSize?: number;
}

export function dataName(text: string): DatasetName {
  return choice("data set", text, DATASETS);
}

export function sizeOption(name: string, text: string | undefined): number | undefined {
  return text === undefined ? undefined : numberOption(name, text, { min: 1, integer: true });
}

/** Loads a data set, showing downloads. @throws UsageError for a size that cannot be had, DataError for bad files. */
export async function openData({ name, folder, trainSize, testSize }: DataRequest, live: Live): Promise<ImageDataset> {
  try {
    return await loadDataset(name, {
      dataDir: folder,
      trainSize,
      testSize,
      onProgress: (progress) => live.update(downloadLine(progress)),
    });
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(error.message);
    throw error;
  }
}
