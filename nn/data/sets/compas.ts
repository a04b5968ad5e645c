import { readDatasetFile } from "#files";
import { DataError } from "../error.js";
import { splitOf } from "../options.js";
import { sha256 } from "../sha256.js";
import { readCsv } from "../table/csv.js";
import { rowsOf, type TextRow, tableOf } from "../table/derive.js";
import { tableDataset } from "../table/open.js";
import type { DatasetEntry } from "./entry.js";

const source = "github.com/propublica/compas-analysis (compas-scores-two-years.csv)";
const FILE = { name: "compas-scores-two-years.csv", urls: [], source, folder: "tabular" };

/** What is read of the file. The sum is of these columns alone, so that a copy without the names of people passes too. */
const READ = [
  ...["age", "two_year_recid", "c_charge_degree", "race", "sex", "priors_count"],
  ...["c_jail_in", "c_jail_out", "days_b_screening_arrest", "is_recid", "score_text"],
];
const READ_SHA256 = "71da937d4500c62e4a9b4642bebf4e48b2d367c172c3368f0ba33e63dedac1da";

const FEATURES = ["age", "two_year_recid", "priors_count", "length_of_stay", "c_charge_degree", "sex", "race"];

/**
 * ProPublica's selection of rows (a score within 30 days of the arrest, no mere traffic offence), and the columns of Slack et al.: the
 * label is whether COMPAS says "High", race is African-American or not, and `length_of_stay` the whole days in jail. Charge and sex, which
 * they spread over two columns each, are one binary column each here.
 * Source: Larson et al. 2016 (ProPublica); Slack et al. 2020, sec. 4.1, and their code.
 */
export const compasSet: DatasetEntry = {
  kind: "table",
  title: "6 172 people before trial: is COMPAS's score for their risk of reoffending high?",
  shape: [FEATURES.length],
  source,
  licence: "none stated by the source",
  citation: "Larson, Mattu, Kirchner, Angwin 2016, How we analyzed the COMPAS recidivism algorithm",
  async load(options) {
    const text = new TextDecoder().decode(await readDatasetFile("compas", FILE, options));
    const table = readCsv(text, { what: FILE.name });
    const all = rowsOf(table, READ, FILE.name);
    const sum = await sha256(new TextEncoder().encode(JSON.stringify(tableOf(READ, all).rows)));
    if (sum !== READ_SHA256)
      throw new DataError(
        `compas: the columns of ${FILE.name} that are read have sha256 ${sum}; ${READ_SHA256} is needed; replace the file`,
      );
    const rows = all.filter(isSelected).map((row) => ({
      ...row,
      length_of_stay: String(daysBetween(row.c_jail_in, row.c_jail_out)),
      race: row.race === "African-American" ? row.race : "other",
      risk: row.score_text === "High" ? "high" : "not high",
    }));
    return {
      ...tableDataset(tableOf([...FEATURES, "risk"], rows), {
        ...splitOf(options),
        testShare: options.testShare ?? 0.1,
        name: "compas",
        target: "risk",
        classes: ["high", "not high"],
        columns: { race: { values: ["other", "African-American"] } },
      }),
      sensitive: "race",
    };
  },
};

function isSelected(row: TextRow): boolean {
  const days = row.days_b_screening_arrest === "" ? Number.NaN : Number(row.days_b_screening_arrest);
  return Math.abs(days) <= 30 && row.is_recid !== "-1" && row.c_charge_degree !== "O" && row.score_text !== "N/A";
}

/** Whole days from one time to another, rounded down. */
function daysBetween(from: string, to: string): number {
  const at = (time: string): number => Date.parse(`${time.replace(" ", "T")}Z`);
  return Math.floor((at(to) - at(from)) / 86_400_000);
}
