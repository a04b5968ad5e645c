/** A reproduction as Markdown: verdicts first, then the tables of each experiment, then how they were made. */
import {
  cellsOf,
  claims,
  criteriaTables,
  detectorMatrices,
  type Quantity,
  type ReproduceConfig,
  type TableData,
  tablesOf,
} from "../../atex/experiments/index.js";
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
    return tables.length === 0 ? [] : [`## ${escaped(title)}`, ...tables.map(tableAsMarkdown)];
  });
  const beside = overviewTables(config, all);
  return `${[
    `# ${escaped(config.title)}`,
    `${results.length} of ${cellsOf(config).length} cells of the grid. ${madeBy(results)}`,
    ...(judged.length > 0
      ? ["## What the paper says, and what was found", grid(["the paper says", "here", "measured"], judged)]
      : []),
    ...(beside.length > 0 ? [`## ${BESIDE}`, ...beside.map(tableAsMarkdown)] : []),
    ...experiments,
  ].join("\n\n")}\n`;
}

/** What the tables of all manipulations stand under. */
export const BESIDE = "All manipulations beside each other";

/** Criteria of all manipulations and what noticed them; none where nothing was manipulated. */
export function overviewTables(config: ReproduceConfig, all: readonly Quantity[]): TableData[] {
  return [...criteriaTables(config, all), ...detectorMatrices(config, all)];
}

function madeBy(results: readonly CellResult[]): string {
  const of = (what: (origin: CellResult["origin"]) => string): string =>
    unique(results.map(({ origin }) => what(origin))).join(", ");
  const software = of(({ versions, commit }) => `holdfast ${versions.holdfast}${commit ? ` at commit ${commit}` : ""}`);
  return `Adapter: ${escaped(of(({ adapter }) => adapter))}; ${software}; made by ${of(({ command }) => `\`${printable(command).replaceAll("`", "'")}\``)}.`;
}

/** Text of configurations and names of classes, as Markdown shows them: no markup, no line of its own. */
function escaped(text: string): string {
  return printable(text).replace(/[\\|<>[\]`]/g, "\\$&");
}

/** A table under its title. */
export function tableAsMarkdown({ title, header, rows, caption }: TableData): string {
  return [`### ${escaped(title)}`, grid(header, rows), escaped(caption)].join("\n\n");
}

function grid(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(escaped).join(" | ")} |`;
  return [header, header.map(() => "---"), ...rows].map(line).join("\n");
}
