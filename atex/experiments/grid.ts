/** The grid of a configuration: its cells, and what the result of each depends on. */
import { type Cell, picturesOf } from "./cells.js";
import type { ReproduceConfig } from "./config.js";
import type { CellPart } from "./kind.js";
import { kindOf } from "./kinds.js";

/** Every cell of a configuration, in the order in which they are best done: what is needed most comes first. */
export function cellsOf(config: ReproduceConfig, only?: readonly string[]): Cell[] {
  return Object.entries(config.experiments).flatMap(([experiment, e]) => {
    if (only && !only.includes(experiment)) return [];
    const kind = kindOf(e);
    const parts = (data: Cell["data"]): readonly CellPart[] =>
      kind.cells?.(e, config, data) ?? kind.schemes(e).map((scheme) => ({ scheme }));
    return (e.seeds ?? config.seeds).flatMap((seed) =>
      e.data.flatMap((data) =>
        parts(data).map(({ scheme, eps }): Cell => {
          const id = [experiment, data, scheme, eps === undefined ? eps : `eps${eps}`, `seed${seed}`];
          return { id: id.filter((part) => part !== undefined).join("_"), experiment, data, scheme, seed, eps };
        }),
      ),
    );
  });
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
  const names = ["normal", ...(scheme === undefined ? kindOf(whole).schemes(whole) : [scheme])];
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
