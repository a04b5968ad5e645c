import type { Quantity } from "../../atex/experiments/index.js";

/** Every quantity, one a line, with its mean, interval, seeds and count. */
export function asCsv(all: readonly Quantity[]): string {
  const conditions = [...new Set(all.flatMap((q) => Object.keys(q.conditions)))];
  const header = [
    "experiment",
    "data",
    "scheme",
    ...conditions,
    "metric",
    "mean",
    "half_interval_95",
    "seeds",
    "count",
  ];
  const quoted = (value: string | number): string =>
    /[",\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value);
  const rows = all.map(({ experiment, data, scheme, conditions: c, metric, estimate, values, count }) => [
    ...[experiment, data, scheme, ...conditions.map((name) => c[name] ?? "")],
    ...[metric, estimate.mean, Number.isNaN(estimate.half) ? "" : estimate.half, [...values.keys()].join(" "), count],
  ]);
  return `${[header, ...rows].map((row) => row.map(quoted).join(",")).join("\n")}\n`;
}
