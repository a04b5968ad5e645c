/** From measurements of single networks to means over seeds. */
import type { Cell, Conditions, Measurement } from "./cells.js";
import { type Estimate, estimate } from "./statistics.js";

export interface CellOutcome {
  readonly cell: Cell;
  readonly measurements: readonly Measurement[];
}

/** One quantity over all seeds. */
export interface Quantity {
  readonly experiment: string;
  readonly data: string;
  readonly scheme: string;
  readonly conditions: Conditions;
  readonly metric: string;
  /** Value by seed. */
  readonly values: ReadonlyMap<number, number>;
  readonly estimate: Estimate;
  /** Fewest images (or timed steps) behind one of the values. */
  readonly count: number;
}

/** Everything measured, each quantity once, in the order of the outcomes. */
export function quantities(outcomes: readonly CellOutcome[]): Quantity[] {
  type Group = Pick<Quantity, "experiment" | "data" | "scheme" | "conditions" | "metric"> & {
    values: Map<number, number>;
    counts: number[];
  };
  const groups = new Map<string, Group>();
  for (const { cell, measurements } of outcomes)
    for (const { scheme, conditions, metric, value, count } of measurements) {
      const { experiment, data, seed } = cell;
      const name = JSON.stringify([experiment, data, scheme, conditions, metric]);
      const fresh: Group = { experiment, data, scheme, conditions, metric, values: new Map(), counts: [] };
      const group = groups.get(name) ?? fresh;
      group.values.set(seed, value);
      group.counts.push(count);
      groups.set(name, group);
    }
  return [...groups.values()].map(({ counts, ...group }) => ({
    ...group,
    estimate: estimate([...group.values.values()]),
    count: Math.min(...counts),
  }));
}

/** What a quantity has to be; conditions that are not named are free. */
export interface Wanted {
  readonly experiment?: string;
  readonly data?: string;
  readonly scheme?: string;
  readonly metric?: string;
  readonly conditions?: Conditions;
}

export function select(all: readonly Quantity[], { conditions = {}, ...wanted }: Wanted): Quantity[] {
  return all.filter(
    (q) =>
      Object.entries(wanted).every(([name, value]) => q[name as keyof Omit<Wanted, "conditions">] === value) &&
      Object.entries(conditions).every(([name, value]) => q.conditions[name] === value),
  );
}

/** The different values of a condition, in order. */
export function valuesOf<T extends string | number>(all: readonly Quantity[], condition: string): T[] {
  const found = new Set(all.map((q) => q.conditions[condition]).filter((v) => v !== undefined));
  const list = [...found] as T[];
  return list.every((v) => typeof v === "number") ? list.sort((a, b) => Number(a) - Number(b)) : list;
}

/** a − b over the seeds that both have; undefined without any. Differences of networks that share a seed vary less than the
 *  networks do. */
export function difference(a: Quantity | undefined, b: Quantity | undefined): Estimate | undefined {
  const shared = [...(a?.values ?? [])].filter(([seed]) => b?.values.has(seed));
  return shared.length === 0 ? undefined : estimate(shared.map(([seed, value]) => value - b!.values.get(seed)!));
}
