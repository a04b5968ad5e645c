/** The report of a reproduction, from its result files alone: one page, its words and tables as Markdown, the numbers as CSV. */
import { join } from "node:path";
import {
  type Claim,
  cellsOf,
  claims,
  kindOf,
  plotsOf,
  type Quantity,
  quantities,
  type ReproduceConfig,
  tablesOf,
} from "../../atex/experiments/index.js";
import { code, facts, type Html, line, lines, notice, page, section, strong, table } from "../../atex/render/html.js";
import { linePlot, plots } from "../../atex/render/plot.js";
import { writeOutput } from "../files.js";
import { duration } from "../live.js";
import type { CellResult } from "./cell-file.js";
import { asCsv } from "./csv.js";
import { badNewsFirst, unique } from "./format.js";
import { asTable, pictureRows } from "./html.js";
import { BESIDE, markdownReport, overviewTables } from "./markdown.js";
import type { Study } from "./study.js";

/** Writes report.html, tables.md and results.csv. @returns their paths. */
export async function writeReport(study: Study): Promise<string[]> {
  const results = await study.results();
  const all = quantities(results);
  const files: Record<string, string> = {
    "report.html": reportPage(study, results, all),
    "tables.md": markdownReport(study.config, results, all),
    "results.csv": asCsv(all),
  };
  for (const [name, text] of Object.entries(files)) await writeOutput(join(study.folder, name), text);
  return Object.keys(files).map((name) => join(study.folder, name));
}

const ATEX_PAPER =
  "Tang, Liu, Yang, Zou, Hu: Defense Against Explanation Manipulation (Frontiers in Big Data, 2022), repeated: networks are " +
  "trained in several ways, the explanations of their predictions are attacked, and what is left of the explanations is measured.";

function reportPage(study: Study, results: readonly CellResult[], all: readonly Quantity[]): string {
  const { config } = study;
  const cells = cellsOf(config);
  const judged = claims(config, all);
  const seconds = results.reduce((sum, { origin: { seconds, jobs = 1 } }) => sum + seconds / jobs, 0);
  const adapters = unique(results.map(({ origin }) => origin.adapter));
  return page({
    title: config.title,
    lead: config.lead ?? ATEX_PAPER,
    sections: [
      notice(verdictLine(judged, results.length, cells.length)),
      facts([
        ["cells of the grid done", `${results.length} of ${cells.length}`],
        ["seeds", String(unique(results.map(({ cell }) => String(cell.seed))).length)],
        ["computing time", duration(seconds)],
      ]),
      ...(judged.length > 0 ? [claimSection(judged)] : []),
      ...overviewSection(config, all),
      ...Object.keys(config.experiments).flatMap((name) => experimentSection(study, name, results, all)),
      howItWasMade(study, results),
    ],
    footer: line(
      ...unique(
        results.map(
          ({ origin }) => `holdfast ${origin.versions.holdfast}${origin.commit ? ` (${origin.commit})` : ""}`,
        ),
      ).flatMap((text) => [text, " · "]),
      adapters.join(", "),
    ),
  });
}

/** Bad news first. */
function verdictLine(judged: readonly Claim[], done: number, cells: number): Html {
  const count = (verdict: Claim["verdict"]): Claim[] => judged.filter((c) => c.verdict === verdict);
  const [failed, open, held] = [count("does not hold"), count("undecided"), count("holds")];
  const of = `of ${judged.length} claims`;
  const rest =
    judged.length === 0
      ? "No claim of the papers is about what was measured here."
      : `${open.length > 0 ? `${open.length} ${of} are not decided by this many seeds and images. ` : ""}${held.length} ${of} hold in every comparison.`;
  return lines(
    ...(done < cells ? [strong(`Incomplete: ${cells - done} of ${cells} cells have no result yet.`)] : []),
    ...(failed.length > 0 ? [strong(`${failed.length} ${of} of the papers do not hold here:`)] : []),
    ...failed.map(({ paper }) => `– ${paper}`),
    rest,
  );
}

function claimSection(judged: readonly Claim[]): Html {
  const rows = badNewsFirst(judged).map(({ paper, verdict, measured }) => [
    paper,
    verdict === "holds" ? verdict : strong(verdict),
    line(measured),
  ]);
  return section(
    "What the paper says, and what was found",
    "The numbers of the paper's tables and figures are not repeated here; its statements are, in words. A comparison is clear " +
      "when the 95 % interval of the difference between networks that share a seed lies on one side of zero; a claim holds when " +
      "all of its comparisons are clear and does not hold when one clearly goes the other way.",
    table(["the paper says", "here", "measured"], rows),
  );
}

function overviewSection(config: ReproduceConfig, all: readonly Quantity[]): Html[] {
  const tables = overviewTables(config, all);
  return tables.length === 0
    ? []
    : [section(BESIDE, "Rates are those of the explainer that a manipulation was made for.", ...tables.map(asTable))];
}

function experimentSection(
  study: Study,
  name: string,
  results: readonly CellResult[],
  all: readonly Quantity[],
): Html[] {
  const { config } = study;
  const experiment = config.experiments[name];
  const tables = tablesOf(name, config, all);
  if (tables.length === 0) return [];
  const drawn = plotsOf(name, config, all).map(linePlot);
  const pictures = results
    .filter(({ cell }) => cell.experiment === name)
    .flatMap((result) => picturesOf(result, study));
  return [
    section(
      experiment.title,
      kindOf(experiment).words,
      ...(drawn.length > 0 ? [plots(drawn)] : []),
      ...tables.map(asTable),
      ...pictures,
    ),
  ];
}

function picturesOf({ cell, pictures = [] }: CellResult, { config }: Study): Html[] {
  const titles = kindOf(config.experiments[cell.experiment]).pictureColumns ?? [];
  const scheme = cell.scheme === undefined ? "" : `, ${config.schemes[cell.scheme].title}`;
  return pictures.flatMap((rows) =>
    pictureRows(
      rows,
      titles,
      `${cell.scheme ? cell.data : rows.name}${scheme}, seed ${cell.seed}: the first images, not selected.`,
    ),
  );
}

function howItWasMade({ config }: Study, results: readonly CellResult[]): Html {
  const { network } = config;
  const described = Object.entries(config.schemes).map(([name, { title, kind, ...settings }]) => [
    title,
    line(kind === name ? kind : `${kind}, called ${name}`),
    code(settingsText(settings)),
  ]);
  const plans = Object.entries(config.data).map(([name, plan]) => [name, code(settingsText(plan))]);
  const rows = results.map(({ cell, origin }) => [
    line(cell.id),
    duration(origin.seconds),
    line(origin.date.slice(0, 16).replace("T", " ")),
  ]);
  return section(
    "How it was made",
    `Network: ${network.network}, ${network.activation} with beta ${network.beta}. Lengths and radii of schemes are multiples of the eps1 ` +
      "they are trained for (trainEps, unless an experiment trains one network for each eps1).",
    table(["data", "plan"], plans),
    table(["scheme", "kind", "settings"], described),
    line("Adapter: ", unique(results.map(({ origin }) => origin.adapter)).join(", "), ". Commands:"),
    ...unique(results.map(({ origin }) => origin.command)).map((text) => line(code(text))),
    table(
      ["cell", "time", "finished (UTC)"],
      rows,
      "Every cell is a file under cells/ with its settings, numbers, versions and command.",
    ),
  );
}

function settingsText(settings: object): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name} ${Array.isArray(value) ? value.join(", ") : value}`)
    .join("; ");
}
