/** The grid: independent pieces of work, and what comes of one. */
import { type DataName, type ReproduceConfig, schemesOf } from "./config.js";

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

/** Images and maps to be shown, rows of equal length; values [28²]. */
export interface PictureRows {
  readonly name: string;
  readonly columns: readonly ("image" | "map")[];
  readonly rows: readonly { readonly label: string; readonly cells: readonly (readonly number[])[] }[];
}

export interface Outcome {
  readonly measurements: readonly Measurement[];
  readonly pictures?: readonly PictureRows[];
}

/** Every cell of a configuration, in the order in which they are best done: what is needed most comes first. */
export function cellsOf(config: ReproduceConfig, only?: readonly string[]): Cell[] {
  return Object.entries(config.experiments).flatMap(([experiment, e]) => {
    if (only && !only.includes(experiment)) return [];
    const perScheme = e.kind === "robustness" || e.kind === "strength" || e.kind === "checks";
    return (e.seeds ?? config.seeds).flatMap((seed) =>
      e.data.flatMap((data) =>
        (perScheme ? schemesOf(e) : [undefined]).flatMap((scheme) => {
          const each = e.kind === "robustness" && e.trainPerEps && config.schemes[scheme!].kind !== "normal";
          return (each ? config.data[data].eps : [undefined]).map((eps): Cell => {
            const id = [experiment, data, scheme, eps === undefined ? eps : `eps${eps}`, `seed${seed}`];
            return { id: id.filter((part) => part !== undefined).join("_"), experiment, data, scheme, seed, eps };
          });
        }),
      ),
    );
  });
}

/** How many pictures a cell makes: those of one network are enough. */
export function picturesOf(config: ReproduceConfig, { experiment, seed }: Pick<Cell, "experiment" | "seed">): number {
  const e = config.experiments[experiment];
  return "pictures" in e && seed === (e.seeds ?? config.seeds)[0] ? e.pictures : 0;
}

/** How an experiment is called and which cells it has: nothing that one of them depends on. */
const NAMES_AND_GRID = ["title", "data", "seeds", "schemes"];

/** What a cell's result depends on, and no more: two configurations in which it is the same give the same result. */
export function settingsOf(config: ReproduceConfig, cell: Cell): Readonly<Record<string, unknown>> {
  const { experiment, data, scheme } = cell;
  const { network, k } = config;
  const whole = config.experiments[experiment];
  const own = Object.fromEntries(Object.entries(whole).filter(([key]) => !NAMES_AND_GRID.includes(key)));
  // Every scheme may start from the normally trained network or be compared with it.
  const names = ["normal", ...(scheme === undefined ? schemesOf(whole) : [scheme])];
  const schemes = [...new Set(names)]
    .filter((name) => name in config.schemes)
    .map((name) => [name, { ...config.schemes[name], title: undefined }]);
  if ("pictures" in own) own.pictures = picturesOf(config, cell);
  return { network, k, experiment: own, data: config.data[data], schemes: Object.fromEntries(schemes) };
}

/** Every n-th cell from the i-th, i from 1. */
export function shardOf<T>(cells: readonly T[], [i, n]: readonly [number, number]): T[] {
  return cells.filter((_, at) => at % n === i - 1);
}
