/** What a suite reports: one object, printed as JSON or as tables. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import type { Disagreement } from "./agreement.js";
import type { Run } from "./measure.js";
import type { Ratio } from "./ratio.js";

/** One case of one system, waited for in one way. */
export interface Row {
  readonly case: string;
  readonly system: string;
  readonly wait: "spin" | "nap" | "none";
  readonly medianMs?: number;
  readonly minMs?: number;
  readonly spread?: number;
  readonly workerCpuMs?: number | null;
  /** Milliseconds of JavaScript until everything is submitted, fastest run. */
  readonly hostMs?: number;
  /** A run among many that are issued without waiting in between. */
  readonly inARowMs?: number;
  /** Kernel launches per run. */
  readonly dispatches?: number;
  readonly runs?: number;
  readonly each?: readonly Run[];
  /** Whether the results are right; a row without it is a failure, not a measurement. */
  readonly checked: boolean;
  readonly disagreement?: Disagreement;
  /** What the figures do not say by themselves: that they were scaled, or how they compare. */
  readonly note?: string;
  /** Why there is no measurement. */
  readonly error?: string;
}

export interface Report {
  readonly adapter: Readonly<Record<string, string>>;
  readonly versions: Readonly<Record<string, string>>;
  /** What was measured, and when and under which load; in saved reports. */
  readonly made?: Readonly<Record<string, string | number>>;
  readonly results: readonly Row[];
  /** How the costs of cases compare, round by round. */
  readonly ratios?: readonly Ratio[];
  /** What the adapter cannot do, with the reason. */
  readonly leftOut?: readonly string[];
}

export function isRight({ results }: Report): boolean {
  return results.length > 0 && results.every((row) => row.checked);
}

/** Rows under a heading in columns, numbers to the right. */
export function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [heading, ...rows];
  const widths = heading.map((_, c) => Math.max(...all.map((row) => row[c].length)));
  const texts = heading.map((_, c) => rows.some((row) => /^[a-z]/i.test(row[c])));
  const line = (row: readonly string[]) =>
    row.map((cell, c) => (texts[c] ? cell.padEnd(widths[c]) : cell.padStart(widths[c]))).join("  ");
  return all.map((row) => line(row).trimEnd()).join("\n");
}

/** Three significant digits, a dash for what was not measured. */
export function figure(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "-";
  return value >= 1000 ? value.toFixed(0) : Number(value.toPrecision(3)).toString();
}

/** The rows of a report for people. */
export function formatReport({ adapter, versions, results, leftOut = [] }: Report): string {
  const rows = results.map((row) => [
    row.case,
    row.system,
    row.wait,
    figure(row.medianMs),
    figure(row.minMs),
    figure(row.workerCpuMs),
    figure(row.hostMs),
    figure(row.dispatches),
    row.error ?? (row.checked ? "yes" : `NO: ${row.disagreement?.where} is ${row.disagreement?.got}`),
  ]);
  const heading = [
    "case",
    "system",
    "wait",
    "median ms",
    "min ms",
    "worker CPU ms",
    "host ms",
    "dispatches",
    "checked",
  ];
  const notes = results.flatMap((row) => (row.note ? [`${row.case} ${row.wait}: ${row.note}`] : []));
  const parts = [
    formatAbout({ adapter, versions }),
    table(heading, rows),
    ...(notes.length > 0 ? [notes.join("\n")] : []),
    ...(leftOut.length > 0 ? [`left out:\n${leftOut.join("\n")}`] : []),
  ];
  return parts.join("\n\n");
}

export function formatAbout({ adapter, versions }: Pick<Report, "adapter" | "versions">): string {
  const named = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [adapter.description || adapter.device, ...named].join(", ");
}

/** Where, when, with what and under which load. */
export function originOf({ adapter, versions, made }: Report): string {
  const named = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const machine = made ? `, ${made.processors} processors` : "";
  const when = made ? ` on ${made.date} at commit ${made.commit}, load ${figure(Number(made.load))}` : "";
  return `${adapter.description || adapter.device}${machine}${when} (${named.join(", ")})`;
}

/** Writes a report into bench/results of the working directory. Returns its path. */
export function saveReport(name: string, report: Report): string {
  mkdirSync("bench/results", { recursive: true });
  const path = `bench/results/${name}.json`;
  writeFileSync(path, `${JSON.stringify(report, null, 1)}\n`);
  return path;
}

/** A saved report. @throws Error when the file is none. */
export function loadReport(path: string): Report {
  const report: Partial<Report> = JSON.parse(readFileSync(path, "utf8"));
  if (!Array.isArray(report.results))
    throw new Error(`${path}: no results ; a report written by bench --save or --json is needed`);
  return report as Report;
}
