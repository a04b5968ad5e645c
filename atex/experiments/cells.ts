/** One piece of the grid, and what comes of it. */
import type { ReproduceConfig } from "./config.js";
import type { DataName } from "./settings.js";

/** One (experiment, data set, scheme, seed) of the grid. */
export interface Cell {
  /** Also the name of its result file. */
  readonly id: string;
  readonly experiment: string;
  readonly data: DataName;
  /** Absent where an experiment compares schemes inside a cell. */
  readonly scheme?: string;
  readonly seed: number;
  /** eps1 of a network that is trained for one. */
  readonly eps?: number;
}

/** What a number was measured under, besides the cell's own names: objective, eps, steps, rounds ... */
export type Conditions = Readonly<Record<string, string | number>>;

/** One number of one network: a mean over images. */
export interface Measurement {
  readonly scheme: string;
  readonly conditions: Conditions;
  readonly metric: string;
  readonly value: number;
  /** Images (or timed steps) it is a mean over. */
  readonly count: number;
}

/** Images and maps to be shown, rows of equal length. */
export interface PictureRows {
  readonly name: string;
  /** Of the columns, where they are not those of the experiment's kind. */
  readonly titles?: readonly string[];
  /** Of the images, whose maps have one channel; default square and grey. */
  readonly size?: { readonly channels: number; readonly height: number; readonly width: number };
  readonly columns: readonly ("image" | "map")[];
  readonly rows: readonly { readonly label: string; readonly cells: readonly (readonly number[])[] }[];
}

export interface Outcome {
  readonly measurements: readonly Measurement[];
  readonly pictures?: readonly PictureRows[];
}

/** How many pictures a cell makes: those of one network are enough. */
export function picturesOf(config: ReproduceConfig, { experiment, seed }: Pick<Cell, "experiment" | "seed">): number {
  const e = config.experiments[experiment];
  return "pictures" in e && seed === (e.seeds ?? config.seeds)[0] ? Number(e.pictures) : 0;
}
