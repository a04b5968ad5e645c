/** Tables of a reproduction, as data, and how they write numbers. */
import { type Quantity, select } from "./aggregate.js";
import type { Findings } from "./kind.js";

export interface TableData {
  readonly title: string;
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly caption: string;
}

/** What there is of an experiment for each data set, in the order of the configuration. */
export function perData({ experiment, all }: Findings): (readonly [data: string, all: readonly Quantity[]])[] {
  return experiment.data.map((data) => [data, select(all, { data })] as const).filter(([, qs]) => qs.length > 0);
}

export const schemesIn = (all: readonly Quantity[]): string[] => [...new Set(all.map((q) => q.scheme))];

export function metricTitle(metric: string, k: number): string {
  const titles: Readonly<Record<string, string>> = {
    ...{ topK: `top-${k}`, spearman: "Spearman", ssim: "SSIM", centre: "shift of the centre" },
  };
  return titles[metric] ?? metric;
}

/** "0.512 ± 0.013" without a break inside; accuracies in percent, with two digits. */
export function formatted(q: Quantity | undefined, decimals = 3): string {
  if (!q) return "";
  const { mean, half } = q.estimate;
  const [factor, digits] = q.metric.startsWith("accuracy") ? [100, 2] : [1, decimals];
  const bar = Number.isNaN(half) ? "" : `\u00a0±\u00a0${(factor * half).toFixed(digits)}`;
  return `${(factor * mean).toFixed(digits)}${bar}`;
}

/** Over how much the numbers of a table are means. */
export function basis(all: readonly Quantity[]): string {
  const seeds = all.map((q) => q.values.size);
  const counts = all.map((q) => q.count);
  const range = (v: readonly number[]): string => {
    const [low, high] = [Math.min(...v), Math.max(...v)];
    return low === high ? String(low) : `${low} to ${high}`;
  };
  const many = Math.max(...seeds) > 1;
  return `${many ? "Mean and 95 % interval over" : "From"} ${range(seeds)} ${many ? "seeds" : "seed"}, ${range(counts)} images each.`;
}
