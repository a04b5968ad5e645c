import { readDatasetFile } from "#files";
import { splitOf } from "../options.js";
import { readCsv } from "../table/csv.js";
import { rowsOf, tableOf } from "../table/derive.js";
import { tableDataset } from "../table/open.js";
import type { DatasetEntry } from "./entry.js";

const source = "github.com/dylan-slack/Fooling-LIME-SHAP (data/communities_and_crime_new_version.csv)";
const FILE = {
  name: "communities_and_crime_new_version.csv",
  bytes: 1_374_678,
  sha256: "7eebf2442bf0cd253db696e740eb5b7654a2bbded66fd8bf2d65b56e435141ce",
  urls: [
    "https://raw.githubusercontent.com/dylan-slack/Fooling-LIME-SHAP/master/data/communities_and_crime_new_version.csv",
  ],
  source,
  folder: "tabular",
};
const CRIME = "ViolentCrimesPerPop";
/** They name a place, or a part of a cross-validation. */
const PLACES = ["", "communityname", "state", "community", "county", "fold"];

/**
 * Communities whose rate of violent crimes is known; the label is whether it lies above the median. Of the columns those without gaps are used.
 * Source: Slack et al. 2020, sec. 4.1, and their code.
 */
export const communitiesCrimeSet: DatasetEntry = {
  kind: "table",
  title: "1 994 communities of the United States: are there more violent crimes than in half of them?",
  shape: [100],
  source,
  licence: "CC BY 4.0, from UCI (Communities and Crime Unnormalized)",
  citation:
    "Redmond, Baveja 2002, A data-driven software tool for enabling cooperative information sharing among police departments",
  async load(options) {
    const text = new TextDecoder().decode(await readDatasetFile("communities-crime", FILE, options));
    const raw = readCsv(text, { what: FILE.name });
    // Each name is followed by the type of its column.
    const table = { ...raw, columns: raw.columns.map((name) => name.replace(/ (numeric|string)$/, "")) };
    const known = rowsOf(table, [CRIME, ...PLACES], FILE.name).filter((row) => row[CRIME] !== "?");
    const crimes = known.map((row) => Number(row[CRIME])).sort((a, b) => a - b);
    const median = (crimes[(crimes.length - 1) >> 1] + crimes[crimes.length >> 1]) / 2;
    const rows = known.map((row) => ({ ...row, crime: Number(row[CRIME]) > median ? "high" : "low" }));
    const used = table.columns.filter(
      (name) => name !== CRIME && !PLACES.includes(name) && known.every((row) => row[name] !== "?"),
    );
    return {
      ...tableDataset(tableOf([...used, "crime"], rows), {
        ...splitOf(options),
        testShare: options.testShare ?? 0.1,
        name: "communities-crime",
        target: "crime",
        classes: ["high", "low"],
        columns: Object.fromEntries(used.map((name) => [name, { kind: "numeric" } as const])),
      }),
      sensitive: "racePctWhite",
    };
  },
};
