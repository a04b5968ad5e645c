/** Sanity checks for people: tables for terminal and files, a page with the cascade and its curves. */
import type { ExplainerReport, SanityReport, SanityVerdict, StageSummary, Summary } from "../sanity/index.js";
import { UNSIGNED } from "../sanity/verdict.js";
import { type CascadeOptions, cascadeDrawing, similarityPlot } from "./cascade.js";
import { toSvg } from "./drawing.js";
import { facts, type Html, page, section, table } from "./html.js";
import { markdownList, markdownTable, markdownText } from "./markdown.js";
import { plots } from "./plot.js";

export interface SanityTable {
  readonly title: string;
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const NONE = "–";
const ORDERS = ["cascading", "independent"] as const;

function figure(value: number, digits = 2): string {
  const text = value.toFixed(digits);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
}

/** "0.52 ± 0.03", with the number of samples where some have no value. */
function summaryText(summary: Summary | undefined): string {
  if (!summary || summary.mean === null) return NONE;
  const half = summary.half === null ? "" : ` ± ${figure(summary.half)}`;
  return `${figure(summary.mean)}${half}${summary.undefined > 0 ? ` (n ${summary.n})` : ""}`;
}

/** The verdicts of all checks, an explainer in each row. */
export function verdictTable({ explainers }: SanityReport): SanityTable {
  const checks = (["cascading", "independent", "labels", "invariance"] as const).filter((check) =>
    explainers.some(({ verdicts }) => verdicts[check]),
  );
  const titles = {
    ...{ cascading: "layers lost from the output down", independent: "single layers lost" },
    ...{ labels: "permuted labels", invariance: "input invariance" },
  };
  const text = (verdict: SanityVerdict | undefined): string =>
    verdict ? `${verdict.grade}: ${verdict.words}`.replace(/^undecided: undecided/, "undecided") : NONE;
  return {
    title: "Verdicts",
    header: ["explainer", ...checks.map((check) => titles[check])],
    rows: explainers.map(({ name, verdicts }) => [name, ...checks.map((check) => text(verdicts[check]))]),
  };
}

/** What the verdicts are based on: how alike maps are to those of the trained network, mean and 95 % interval over samples. */
export function numbersTable(report: SanityReport): SanityTable {
  const { similarities, explainers } = report;
  const has = (key: keyof ExplainerReport): boolean => explainers.some((one) => one[key] !== undefined);
  const columns: [string, (one: ExplainerReport) => string][] = [];
  if (has("cascading")) {
    for (const name of similarities)
      columns.push([`${name}, no learnt layer`, ({ cascading }) => summaryText(cascading?.at(-1)?.similarity[name])]);
    columns.push([
      "entropy rises by",
      ({ entropyRise }) => (entropyRise ? `${figure(100 * entropyRise.share, 1)} %` : NONE),
    ]);
  }
  if (has("independent"))
    columns.push([
      `${UNSIGNED}, layer missed least`,
      ({ independent }) => {
        const known = (independent ?? []).slice(1).filter(({ similarity }) => similarity[UNSIGNED].mean !== null);
        if (known.length === 0) return NONE;
        const meanOf = ({ similarity }: StageSummary): number => similarity[UNSIGNED].mean!;
        const most = known.reduce((a, b) => (meanOf(b) > meanOf(a) ? b : a));
        return `${summaryText(most.similarity[UNSIGNED])} ${most.layer}`;
      },
    ]);
  if (has("labels"))
    columns.push([`${UNSIGNED}, permuted labels`, ({ labels }) => summaryText(labels?.[1].similarity[UNSIGNED])]);
  if (has("invariance"))
    columns.push(["gap under a shift", ({ invariance }) => (invariance ? figure(invariance.median, 3) : NONE)]);
  return {
    title: "Numbers",
    header: ["explainer", ...columns.map(([title]) => title)],
    rows: explainers.map((one) => [one.name, ...columns.map(([, read]) => read(one))]),
  };
}

/** Similarity by layer, a row for each explainer: one table for each order that was run and each measure. */
export function layerTables({ explainers, similarities }: SanityReport): SanityTable[] {
  return ORDERS.flatMap((order) => {
    const first = explainers.find((one) => one[order])?.[order];
    if (!first) return [];
    const layers = first.slice(1).map(({ layer = "" }) => layer);
    return similarities.map((name) => ({
      title: `${name}, ${order}`,
      header: ["explainer", ...layers],
      rows: explainers.map((one) => [
        one.name,
        ...(one[order] ?? []).slice(1).map(({ similarity }) => summaryText(similarity[name])),
      ]),
    }));
  });
}

/** In words: thresholds, twin, samples. */
export function sanityWords({ samples, thresholds: limits, twin }: SanityReport): string[] {
  const percent = (share: number): string => `${+(100 * share).toFixed(1)} %`;
  return [
    `Means over ${samples} samples with 95 % intervals (Student's t); each network is explained for its own predictions. Maps that are at ` +
      `least ${limits.unchanged} alike (${UNSIGNED}, with signs and without) count as unchanged, at most ${limits.lost} alike as lost. ` +
      "The papers show curves and name no such numbers: these are conventions.",
    `Input invariance is kept where maps of ${percent(limits.invariant)} of the samples move by at most ${percent(limits.gap)} of their largest value.`,
    ...(twin
      ? [
          `The twin knows ${percent(twin.accuracy)} of ${twin.samples} permuted training labels after ${twin.epochs} epochs; ` +
            `${percent(limits.memorised)} are needed for a verdict.`,
        ]
      : []),
  ];
}

/** The report as Markdown. */
export function sanityMarkdown(report: SanityReport): string {
  const tableOf = ({ title, header, rows }: SanityTable): string =>
    `### ${markdownText(title)}\n\n${markdownTable(header, rows)}`;
  const refused = Object.keys(report.refused).length > 0 ? [`### Left out\n\n${markdownList(report.refused)}`] : [];
  return `${[
    "# Sanity checks of explanations",
    ...[tableOf(verdictTable(report)), ...sanityWords(report), tableOf(numbersTable(report))],
    ...[...layerTables(report).map(tableOf), ...refused, `### How it was made\n\n${markdownList(report.about)}`],
  ].join("\n\n")}\n`;
}

/** For pictures of the first order: an image and each explainer's maps of it. */
export type SanityPictures = Pick<CascadeOptions, "image" | "size" | "rows"> & { readonly title: string };

/** The page: verdicts, pictures of cascades, curves, numbers; one file that needs nothing else. */
export function sanityPage(report: SanityReport, pictures: readonly SanityPictures[] = []): string {
  const asTable = ({ title, header, rows }: SanityTable): Html => table(header, rows, title);
  const [lead, ...words] = sanityWords(report);
  const graded = (grade: SanityVerdict["grade"]): number =>
    report.explainers.filter(({ verdicts }) => Object.values(verdicts).some((verdict) => verdict?.grade === grade))
      .length;
  const first = ORDERS.find((order) => report.explainers.some((one) => one[order]));
  const cascades = pictures.map(({ title, ...rest }) => {
    const drawing = cascadeDrawing({ ...rest, title, layers: report.layers });
    const alt = `Maps of ${rest.rows.map(({ name }) => name).join(", ")}: of the trained network, then without ${report.layers.join(", ")}`;
    return { html: `<figure>${toSvg(drawing, alt).replace("<svg ", '<svg class="wide" ')}</figure>` };
  });
  const refused = Object.entries(report.refused);
  return page({
    title: "Sanity checks of explanations",
    lead,
    sections: [
      facts([
        ["explainers", report.explainers.length],
        ["samples", report.samples],
        ["fail a check", graded("fails")],
        ["layers with weights", report.layers.length],
      ]),
      section("Verdicts", table(verdictTable(report).header, verdictTable(report).rows), ...words),
      ...(cascades.length > 0
        ? [section(first === "independent" ? "Maps, single layers lost" : "Maps, layer after layer lost", ...cascades)]
        : []),
      ...ORDERS.flatMap((order) => curves(report, order)),
      section("Numbers", asTable(numbersTable(report)), {
        html: `<details><summary>By layer</summary>${layerTables(report)
          .map((one) => asTable(one).html)
          .join("\n")}</details>`,
      }),
      ...(refused.length > 0 ? [section("Left out", table(["explainer", "reason"], refused))] : []),
      section("How it was made", table(["what", ""], Object.entries(report.about))),
    ],
  });
}

function curves({ explainers, similarities }: SanityReport, order: (typeof ORDERS)[number]): Html[] {
  const run = explainers.flatMap((one) => (one[order] ? [{ name: one.name, stages: one[order].slice(1) }] : []));
  if (run.length === 0) return [];
  const layers = run[0].stages.map(({ layer = "" }) => layer);
  const all = similarities.flatMap((measure) => {
    const of = (stage: StageSummary): Summary => stage.similarity[measure];
    const known = run.filter(({ stages }) => stages.some((stage) => of(stage).mean !== null));
    if (known.length === 0) return [];
    const series = known.map(({ name, stages }) => ({
      name,
      values: stages.map((stage) => of(stage).mean ?? Number.NaN),
      halves: stages.map((stage) => of(stage).half ?? Number.NaN),
    }));
    return [similarityPlot({ title: measure, measure, layers, series, order })];
  });
  const title = order === "cascading" ? "Layer after layer lost, from the output down" : "Single layers lost";
  return all.length === 0 ? [] : [section(title, plots(all))];
}
