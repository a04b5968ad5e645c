/** How tables of a reproduction write numbers. */
import type { Claim, Quantity } from "../../atex/experiments/index.js";

export interface TableData {
  readonly title: string;
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly caption: string;
}

export function metricTitle(metric: string, k: number): string {
  const titles: Readonly<Record<string, string>> = { topK: `top-${k}`, spearman: "Spearman", ssim: "SSIM" };
  return titles[metric] ?? metric;
}

/** "0.512 ± 0.013" without a break inside; accuracies in percent. */
export function formatted(q: Quantity | undefined): string {
  if (!q) return "";
  const { mean, half } = q.estimate;
  const share = q.metric.startsWith("accuracy");
  const [factor, digits] = share ? [100, 2] : q.metric === "ms per step" ? [1, 1] : [1, 3];
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

const ORDER = ["does not hold", "undecided", "holds", "not measured"] as const;

export const badNewsFirst = (judged: readonly Claim[]): Claim[] =>
  ORDER.flatMap((verdict) => judged.filter((claim) => claim.verdict === verdict));

export const unique = (values: readonly string[]): string[] => [...new Set(values)];
