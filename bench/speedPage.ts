/** The section of docs/speed.md with measurements, written from the saved reports, so that no number in it is older than they are. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { arithmeticNote, formatInterval, levelOf, plotCurves } from "./atexReport.js";
import { dotPlot } from "./chart.js";
import type { ExplainersReport } from "./explainers.js";
import { explainersMarkdown } from "./explainersReport.js";
import type { OnnxReport } from "./onnx.js";
import { onnxMarkdown } from "./onnxReport.js";
import { figure, loadReport, originOf, type Report, type Row } from "./report.js";
import { explainScale, plotScale } from "./scale.js";

/** Saved reports the section speaks of, by suite. */
export interface SavedReports {
  readonly peers?: Report;
  readonly networks?: Report;
  readonly atex?: Report;
  readonly "atex-curves"?: Report;
  readonly scale?: Report;
  /** Not in the section: it has a page of its own. */
  readonly explainers?: ExplainersReport;
  readonly onnx?: OnnxReport;
}

const suites = [
  "peers",
  "networks",
  "atex",
  "atex-curves",
  "scale",
  "explainers",
  "onnx",
] as const satisfies readonly (keyof SavedReports)[];
/** Where the section stands. Links in it are relative to it. */
export const SPEED_PAGE = "docs/speed.md";
const [begin, end] = ["<!-- bench:begin -->", "<!-- bench:end -->"];

/** The saved reports of a checkout. */
export function savedReports(root: string): SavedReports {
  const paths = suites.map((suite) => [suite, join(root, `bench/results/${suite}.json`)] as const);
  return Object.fromEntries(paths.filter(([, path]) => existsSync(path)).map(([s, path]) => [s, loadReport(path)]));
}

/** Plots and pages made of reports, by their path in the checkout. */
export function filesOf({
  peers,
  "atex-curves": curves,
  scale,
  explainers,
  onnx,
}: SavedReports): Record<string, string> {
  return {
    ...(peers && { "bench/results/peers.svg": plotPeers(peers) }),
    ...(curves && { "bench/results/atex-curves.svg": plotCurves(curves) }),
    ...(scale && { "bench/results/scale.svg": plotScale(scale) }),
    ...(explainers && { "bench/results/explainers.md": explainersMarkdown(explainers) }),
    ...(onnx && { "bench/results/onnx.md": onnxMarkdown(onnx) }),
  };
}

/** The page with its section replaced. @throws Error when it has no place for it. */
export function withSection(page: string, reports: SavedReports): string {
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from)
    throw new Error(
      `${SPEED_PAGE}: no section came ; the lines ${begin} and ${end} are needed ; put them where it belongs`,
    );
  return `${page.slice(0, from + begin.length)}\n${formatSection(reports)}\n${page.slice(to)}`;
}

/** Writes the section, plots and pages into a checkout. Returns the paths of what it wrote. */
export function writeSpeedPage(root: string): string[] {
  const reports = savedReports(root);
  const page = withSection(readFileSync(join(root, SPEED_PAGE), "utf8"), reports);
  const files = { [SPEED_PAGE]: page, ...filesOf(reports) };
  for (const [path, text] of Object.entries(files)) writeFileSync(join(root, path), text);
  return Object.keys(files);
}

/** The section without its markers. */
export function formatSection(reports: SavedReports): string {
  const { peers, networks, atex, "atex-curves": curves, scale } = reports;
  if (!peers && !networks && !atex && !curves && !scale)
    return "No measurement has been saved yet: `npm run bench -- peers --save` makes one.";
  const parts = [
    ...(peers ? peersSection(peers) : []),
    ...(networks ? networksSection(networks) : []),
    ...(atex ? atexSection(atex) : []),
    ...(curves ? curvesSection(curves) : []),
    ...(scale ? scaleSection(scale) : []),
  ];
  return parts.join("\n\n");
}

/** The row of a system with the way of waiting that suits it better, by the measure shown. */
function best(rows: readonly Row[], name: string, system: string, key: "medianMs" | "workerCpuMs"): Row | undefined {
  const found = rows.filter((row) => row.case === name && row.system === system);
  const wrong = found.find((row) => !row.checked);
  return wrong ?? found.sort((a, b) => (a[key] ?? Infinity) - (b[key] ?? Infinity))[0];
}

const distinct = (values: readonly string[]) => [...new Set(values)];

function markdown(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const rule = heading.map((_, i) => (i === 0 ? "---" : "--:"));
  return [heading, rule, ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** A table of a measure: a line per case, a column per system, in brackets the multiple of Holdfast's. */
function comparison({ results }: Report, key: "medianMs" | "workerCpuMs"): string {
  const systems = distinct(results.map((row) => row.system));
  const rows = distinct(results.map((row) => row.case)).map((name) => {
    const ours = best(results, name, "holdfast", key);
    const cells = systems.map((system) => {
      const row = best(results, name, system, key);
      if (!row) return "-";
      if (!row.checked) return row.error ? "failed" : "wrong";
      const [value, own] = [row[key], ours?.checked ? ours[key] : undefined];
      return figure(value) + (system !== "holdfast" && value && own ? ` (${figure(value / own)}×)` : "");
    });
    return [`\`${name}\``, ...cells];
  });
  return markdown(["case", ...systems], rows);
}

function peersSection(report: Report): string[] {
  return [
    ...comparisons(
      report,
      `Measured on ${originOf(report)}. Every result was compared with PyTorch's in float64 before it was timed; ` +
        "[bench/README.md](../bench/README.md) says what the cases are. Brackets: multiples of Holdfast's figure.",
    ),
    "![Times of the cases as multiples of Holdfast's](../bench/results/peers.svg)",
  ];
}

/** Networks of the size that people bring, what a system cannot do, and where a figure needs a word. */
function networksSection(report: Report): string[] {
  const failed = report.results.filter((row) => !row.checked);
  const reasons = failed.map(({ case: name, system, error, disagreement: d }) =>
    error !== undefined
      ? `\`${name}\` in ${system}: ${error}`
      : `\`${name}\` in ${system}: ${d?.where} is ${d?.got}, float64 gives ${d?.truth}`,
  );
  const notes = report.results.flatMap(({ case: name, system, note }) =>
    note ? [`\`${name}\` in ${system}: ${note}`] : [],
  );
  const list = (title: string, lines: readonly string[]): string[] =>
    lines.length > 0 ? [`${title}\n${lines.map((line) => `- ${line}`).join("\n")}`] : [];
  return [
    ...comparisons(
      report,
      `Networks that people bring, on ${originOf(report)}; inputs of 224×224 one at a time. Results were compared with PyTorch's in ` +
        "float64 before they were timed.",
    ),
    ...list("What a system cannot do:", report.leftOut ?? []),
    ...list("Failed, or not what float64 gives:", reasons),
    ...list("Fewer runs:", notes),
  ];
}

/** The tables of both measures after a paragraph of introduction. */
function comparisons(report: Report, introduction: string): string[] {
  const parts = [
    introduction,
    "Median wall time of a run in milliseconds, each system with the way of waiting that suits it better:",
    comparison(report, "medianMs"),
  ];
  if (report.results.some((row) => row.workerCpuMs))
    parts.push(
      "CPU milliseconds of a run on all threads but the main one (PyTorch: on all):",
      comparison(report, "workerCpuMs"),
    );
  return parts;
}

/** Wall times of all systems as multiples of Holdfast's. */
function plotPeers({ results }: Report): string {
  const systems = distinct(results.map((row) => row.system));
  const rows = distinct(results.map((row) => row.case)).flatMap((name) => {
    const ours = best(results, name, "holdfast", "medianMs");
    if (!ours?.checked || !ours.medianMs) return [];
    const values = systems.flatMap((system) => {
      const row = best(results, name, system, "medianMs");
      return row?.checked && row.medianMs ? [[system, row.medianMs / ours.medianMs!]] : [];
    });
    return [{ name, values: Object.fromEntries(values) as Record<string, number> }];
  });
  return dotPlot("Wall time, times Holdfast's", "less is better; logarithmic", systems, rows);
}

function atexSection(report: Report): string[] {
  const names = distinct(report.results.map((row) => row.case));
  const unit = best(report.results, "atex-step", "holdfast", "medianMs");
  const rows = names.map((name) => {
    const row = best(report.results, name, "holdfast", "medianMs")!;
    if (!row.checked) return [`\`${name}\``, row.error ? "failed" : "wrong", "-", "-"];
    const multiple = unit?.checked && unit.medianMs && row.medianMs ? row.medianMs / unit.medianMs : undefined;
    return [`\`${name}\``, figure(row.medianMs), figure(row.workerCpuMs), figure(multiple)];
  });
  return [
    `Training steps of the schemes, on ${originOf(report)}:`,
    markdown(["step", "median ms", "worker CPU ms", "times `atex-step`"], rows),
    ...ratioSentences(report),
    ...report.results.flatMap(({ case: name, note }) =>
      name === "naive-hessian-step" ? [`\`${name}\`: ${note}.`] : [],
    ),
  ];
}

/** Naive over ATEX with intervals, where the report has the rounds. */
function ratioSentences(report: Report): string[] {
  const { ratios = [] } = report;
  const found = ratios.filter((ratio) => ratio.case === "naive-step");
  if (found.length === 0) return [];
  const sentences = found.map(({ over, wall, workerCpu }) => {
    const cpu = workerCpu ? `, ${formatInterval(workerCpu)} by worker CPU` : "";
    return `${formatInterval(wall)} times \`${over}\` by wall time${cpu}`;
  });
  return [`\`naive-step\` costs ${sentences.join("; ")} (${levelOf(report)}). ${arithmeticNote}`];
}

function curvesSection(report: Report): string[] {
  return [
    `ATEX with everything at hand and naive training against batch size, samples per image and image side, on ${originOf(report)}:`,
    "![Time of a step against batch size, samples per image and image side](../bench/results/atex-curves.svg)",
  ];
}

function scaleSection(report: Report): string[] {
  return [
    `Cost per image against batch size and image side, on ${originOf(report)}:`,
    "![Cost per image against batch size and image side](../bench/results/scale.svg)",
    ...explainScale(report),
    "Why it is so: [bench/README.md](../bench/README.md#scale).",
  ];
}
