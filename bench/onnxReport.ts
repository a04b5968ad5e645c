/** The suite of ONNX files for people: one table, as text and as Markdown. */
import type { OnnxFigures, OnnxReport } from "./onnx.js";
import { figure, formatAbout, originOf, table } from "./report.js";

const HEADING = [
  ...["network", "input", "parameters", "forward ms", "gradient ms", "work", "seconds", "memory MiB", ""],
];

function rowsOf({ name, times, works }: OnnxFigures): string[][] {
  const about = times
    ? [
        ...[`[${times.shape}]`, times.parameters.toLocaleString("en")],
        ...[figure(times.forward.ms), figure(times.gradient.ms)],
      ]
    : ["-", "-", "-", "-"];
  return works.map(({ work, seconds, peakMiB, note }, i) => [
    ...(i === 0 ? [name, ...about] : ["", "", "", "", ""]),
    ...[work, figure(seconds), figure(peakMiB), note ?? ""],
  ]);
}

const TEXT =
  "Forward and gradient: one sample, op by op, median of five runs after the first, which compiles. Seconds and memory are those of whole processes, the start of the engine and " +
  "the reading of the file among them; memory is the most that a process held (Linux, VmHWM). An audit ends with its budget and says how far it came; the same command goes on.";

export function formatOnnx(report: OnnxReport): string {
  const rows = (report.networks ?? []).flatMap(rowsOf);
  const failed = report.results.filter(({ checked }) => !checked).map((row) => `${row.case}: FAILED: ${row.error}`);
  return [
    formatAbout(report),
    ...(rows.length > 0 ? [table(HEADING, rows), TEXT] : []),
    ...failed,
    ...(report.leftOut && report.leftOut.length > 0 ? [`left out:\n${report.leftOut.join("\n")}`] : []),
  ].join("\n\n");
}

export function onnxMarkdown(report: OnnxReport): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((c) => c.replaceAll("|", "\\|")).join(" | ")} |`;
  const networks = report.networks ?? [];
  const titles = networks.map(({ name, title }) => `- \`${name}\`: ${title}`);
  return `${[
    "# Networks in ONNX files, through the command line",
    `Measured on ${originOf(report)} by \`npm run bench -- onnx --save\`.`,
    titles.join("\n"),
    [line(HEADING), line(HEADING.map(() => "---")), ...networks.flatMap(rowsOf).map(line)].join("\n"),
    TEXT,
    ...report.results.filter(({ checked }) => !checked).map((row) => `${row.case}: failed: ${row.error}`),
    ...(report.leftOut ?? []).map((text) => `Left out: ${text}`),
  ].join("\n\n")}\n`;
}
