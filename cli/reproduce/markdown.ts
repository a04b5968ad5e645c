/** A reproduction as Markdown: verdicts first, then the tables of each experiment, then how they were made. */
import {
  cellsOf,
  claims,
  criteriaTables,
  detectorMatrices,
  overviews,
  type Quantity,
  type ReproduceConfig,
  type TableData,
  tablesOf,
} from "../../atex/experiments/index.js";
import { markdownTable, markdownText } from "../../atex/render/markdown.js";
import { printable } from "../../nn/printable.js";
import type { CellResult } from "./cell-file.js";
import { badNewsFirst, unique } from "./format.js";

export function markdownReport(
  config: ReproduceConfig,
  results: readonly CellResult[],
  all: readonly Quantity[],
): string {
  const judged = badNewsFirst(claims(config, all)).map(({ paper, verdict, measured }) => [paper, verdict, measured]);
  const experiments = Object.entries(config.experiments).flatMap(([name, { title }]) => {
    const tables = tablesOf(name, config, all);
    return tables.length === 0 ? [] : [`## ${markdownText(title)}`, ...tables.map(tableAsMarkdown)];
  });
  const beside = overviewTables(config, all);
  return `${[
    `# ${markdownText(config.title)}`,
    `${results.length} of ${cellsOf(config).length} cells of the grid. ${madeBy(results)}`,
    ...(judged.length > 0
      ? ["## What the paper says, and what was found", markdownTable(["the paper says", "here", "measured"], judged)]
      : []),
    ...(beside.length > 0 ? [`## ${BESIDE}`, ...beside.map(tableAsMarkdown)] : []),
    ...experiments,
  ].join("\n\n")}\n`;
}

/** What the tables of all manipulations stand under. */
export const BESIDE = "All manipulations beside each other";

/** Criteria of all manipulations and what noticed them, and what kinds of experiments say as a whole; none where nothing was manipulated. */
export function overviewTables(config: ReproduceConfig, all: readonly Quantity[]): TableData[] {
  return [...criteriaTables(config, all), ...detectorMatrices(config, all), ...overviews(config, all)];
}

function madeBy(results: readonly CellResult[]): string {
  const of = (what: (origin: CellResult["origin"]) => string): string =>
    unique(results.map(({ origin }) => what(origin))).join(", ");
  const software = of(({ versions, commit }) => `holdfast ${versions.holdfast}${commit ? ` at commit ${commit}` : ""}`);
  return `Adapter: ${markdownText(of(({ adapter }) => adapter))}; ${software}; made by ${of(({ command }) => `\`${printable(command).replaceAll("`", "'")}\``)}.`;
}

/** A table under its title. */
export function tableAsMarkdown({ title, header, rows, caption }: TableData): string {
  return [`### ${markdownText(title)}`, markdownTable(header, rows), markdownText(caption)].join("\n\n");
}
