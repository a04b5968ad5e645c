/** ATEX against naive training, for people. */
import { type CurveName, curvePoint, curves, liesOn } from "./atex.js";
import type { AtexSetting } from "./atexSteps.js";
import { linePanels, type Panel } from "./chart.js";
import { flops } from "./inputs.js";
import type { Interval } from "./ratio.js";
import { figure, formatAbout, type Report, type Row, table } from "./report.js";

const arithmetic = flops["naive-step"]! / flops["atex-step"]!;

/** What bounds the ratio from below, whoever computes. */
export const arithmeticNote =
  `In matrix products and convolutions naive training (random neighbours) does ${arithmetic.toFixed(2)} times the arithmetic of ATEX ` +
  "on as many images: it goes through every layer six times, ATEX three times.";

/** 2.10 (2.05 to 2.20), 1023 (990 to 1040) */
export function formatInterval({ median, low, high }: Interval): string {
  const digits = median < 100 ? 2 : 0;
  return `${median.toFixed(digits)} (${low.toFixed(digits)} to ${high.toFixed(digits)})`;
}

/** What the brackets of a report's ratios are. */
export function levelOf({ ratios = [] }: Report): string {
  const [first] = ratios;
  if (!first) return "";
  const percent = Math.floor(100 * first.wall.level);
  return `median of ${first.rounds} rounds, in brackets ${percent > 0 ? `its ${percent} % interval` : "its range"}`;
}

function failure(row: Row): string | undefined {
  if (row.error) return `FAILED: ${row.error}`;
  return row.checked ? undefined : `WRONG: ${row.disagreement?.where} is ${row.disagreement?.got}`;
}

const percent = (fraction: number | undefined) => (fraction === undefined ? "-" : `${(100 * fraction).toFixed(0)} %`);

/** The suite's rows, every cost as a multiple of ATEX's, and naive over ATEX. */
export function formatAtex(report: Report): string {
  const { results, ratios = [] } = report;
  const rows = results.map((row) => {
    const unit = results.find((r) => r.case === "atex-step" && r.wait === row.wait && r.checked);
    const times = (key: "medianMs" | "workerCpuMs") =>
      unit?.[key] ? figure((row[key] ?? Number.NaN) / unit[key]) : "-";
    return [
      ...[row.case + (row.note ? " *" : ""), row.wait, figure(row.medianMs), percent(row.spread), times("medianMs")],
      ...[figure(row.workerCpuMs), times("workerCpuMs"), failure(row) ?? "yes"],
    ];
  });
  const heading = ["step", "wait", "median ms", "spread", "x atex", "worker CPU ms", "x atex", "checked"];
  const compared = ratios.map((r) => [
    ...[r.case, r.over, r.wait, formatInterval(r.wall), r.workerCpu ? formatInterval(r.workerCpu) : "-"],
  ]);
  const parts = [
    formatAbout(report),
    "Training steps, all in turns: batch 64 of 28x28 and 8 more images for each. Spread: the middle half of the runs.",
    table(heading, rows),
    ...results.flatMap((row) => (row.note ? [`* ${row.case}: ${row.note}`] : [])),
    ...(compared.length > 0
      ? [`Naive over ATEX, ${levelOf(report)}\n${table(["step", "over", "wait", "wall time", "worker CPU"], compared)}`]
      : []),
    arithmeticNote,
  ];
  return parts.join("\n\n");
}

/** The points of the curves, ATEX and naive side by side. */
export function formatCurves(report: Report): string {
  const { results, ratios = [] } = report;
  const rows = results.flatMap((row) => {
    const point = curvePoint(row);
    if (point?.name !== "naive-step") return [];
    const { batch, samples, side } = point.setting;
    const title = row.case.replace("naive-step", "atex-step");
    const ours = results.find((r) => r.case === title && r.wait === row.wait);
    const ratio = ratios.find((r) => r.case === row.case && r.wait === row.wait);
    return [
      [
        ...[batch, samples, side].map(String),
        ...[row.wait, figure(ours?.medianMs), figure(row.medianMs), ratio ? formatInterval(ratio.wall) : "-"],
        ...[
          figure(ours?.workerCpuMs),
          figure(row.workerCpuMs),
          ratio?.workerCpu ? formatInterval(ratio.workerCpu) : "-",
        ],
        (ours && failure(ours)) ?? failure(row) ?? "yes",
      ],
    ];
  });
  const wall = ["ATEX ms", "naive ms", "naive over ATEX"];
  const cpu = ["ATEX CPU ms", "naive CPU ms", "naive over ATEX"];
  return [
    formatAbout(report),
    `Training steps, ATEX with everything at hand and naive in turns; ratios: ${levelOf(report)}.`,
    table(["batch", "samples", "side", "wait", ...wall, ...cpu, "checked"], rows),
    arithmeticNote,
  ].join("\n\n");
}

const axes: Readonly<Record<CurveName, string>> = {
  batch: "images per batch",
  samples: "samples per image",
  side: "side of the images",
};

/** Milliseconds of a step along each curve. */
export function plotCurves({ results }: Report): string {
  const points = results.flatMap((row) => {
    const point = row.checked && row.medianMs ? curvePoint(row) : undefined;
    return point ? [{ ...point, ms: row.medianMs! }] : [];
  });
  const names = [...new Set(points.map((p) => p.name))];
  const panels = (Object.keys(curves) as CurveName[]).map(
    (curve): Panel => ({
      x: axes[curve],
      y: "ms per step",
      lines: names.map((name) => ({
        name,
        points: points
          .filter((p) => p.name === name && liesOn(curve, p.setting))
          .map((p) => ({ x: p.setting[curve as keyof AtexSetting], y: p.ms })),
      })),
    }),
  );
  return linePanels("Wall time of a training step: batch 16, 8 samples, 28×28, and one of them varied", panels);
}
