/** Two saved reports side by side. */
import { figure, formatAbout, type Report, type Row, table } from "./report.js";

export interface Change {
  readonly case: string;
  readonly system: string;
  readonly wait: string;
  readonly before: Row;
  readonly after: Row;
  /** After over before, in worker CPU where both have it and both ran on one adapter, else in medians. */
  readonly ratio: number;
}

const key = (row: Row): string => `${row.case} ${row.system} ${row.wait}`;

/** What both reports measured, in the order of the second. */
export function compareReports(before: Report, after: Report): Change[] {
  const known = new Map(before.results.map((row) => [key(row), row]));
  return after.results.flatMap((row) => {
    const old = known.get(key(row));
    if (!old?.checked || !row.checked) return [];
    return [{ case: row.case, system: row.system, wait: row.wait, before: old, after: row, ratio: ratioOf(old, row) }];
  });
}

function ratioOf(before: Row, after: Row): number {
  if (before.workerCpuMs && after.workerCpuMs) return after.workerCpuMs / before.workerCpuMs;
  return (after.medianMs ?? Number.NaN) / (before.medianMs ?? Number.NaN);
}

/** A table of the changes, and what only one of the reports has. */
export function formatComparison(before: Report, after: Report): string {
  const changes = compareReports(before, after);
  const rows = changes.map((c) => [
    c.case,
    c.system,
    c.wait,
    figure(c.before.medianMs),
    figure(c.after.medianMs),
    figure(c.before.workerCpuMs),
    figure(c.after.workerCpuMs),
    c.ratio.toFixed(2),
  ]);
  const compared = new Set(changes.flatMap((c) => [key(c.before)]));
  const missing = [...new Set([...before.results, ...after.results].map(key))].filter((name) => !compared.has(name));
  const heading = ["case", "system", "wait", "median ms A", "B", "worker CPU ms A", "B", "B / A"];
  const lines = [`A: ${formatAbout(before)}`, `B: ${formatAbout(after)}`, "", table(heading, rows)];
  if (before.adapter.device !== after.adapter.device) lines.push("", "The adapters differ.");
  if (missing.length > 0) lines.push("", `not in both, or wrong in one: ${missing.join(", ")}`);
  return lines.join("\n");
}
