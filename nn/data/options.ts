/** How data sets are loaded. */
import type { LongOptions } from "../../engine/index.js";

/** How far a download is, or the drawing of pictures, in bytes. */
export interface Progress {
  readonly file: string;
  readonly received: number;
  readonly total: number;
}

/** Where the files of a data set come from, and who is told of a download. */
export interface FileOptions extends LongOptions<Progress> {
  /** A folder with NAME/FILE or FILE; in a browser its address. Without it: HOLDFAST_DATA, else a download. */
  readonly dataDir?: string;
}

/** How many samples of each part are kept: the first ones. */
export interface SizeOptions {
  readonly trainSize?: number;
  readonly testSize?: number;
}

/** How samples that come in one piece are split: class by class, so that both parts have the classes in equal shares. */
export interface SplitOptions extends SizeOptions {
  /** Share of the samples that are held out for testing, more than 0 and less than 1. */
  readonly testShare?: number;
  /** Which of them are: the same seed chooses the same ones. Default 0. */
  readonly seed?: number;
}

/** Those of them that say how samples are split, for what refuses the others. */
export const splitOf = ({ trainSize, testSize, testShare, seed }: SplitOptions): SplitOptions => ({
  trainSize,
  testSize,
  testShare,
  seed,
});

/** Options of `loadDataset`: where files come from, and how they are split. */
export interface DatasetOptions extends FileOptions, SplitOptions {}
