import { readDatasetFile } from "#files";
import { splitOf } from "../options.js";
import { readCsv } from "../table/csv.js";
import { rowsOf, tableOf } from "../table/derive.js";
import { tableDataset } from "../table/open.js";
import type { DatasetEntry } from "./entry.js";

const source = "github.com/dylan-slack/Fooling-LIME-SHAP (data/german_processed.csv)";
const FILE = {
  name: "german_processed.csv",
  bytes: 76_766,
  sha256: "d9b5f77d02823dea64aacf8edd3698e307d6ff11981edf63273c33d9dfe4d25c",
  urls: ["https://raw.githubusercontent.com/dylan-slack/Fooling-LIME-SHAP/master/data/german_processed.csv"],
  source,
  folder: "tabular",
};
const [LABEL, UNUSED] = ["GoodCustomer", "PurposeOfLoan"];
/** What is counted or measured; all other columns are flags. */
const NUMERIC = [
  ...["Age", "LoanDuration", "LoanAmount", "LoanRateAsPercentOfIncome", "YearsAtCurrentHome"],
  ...["NumberOfOtherLoansAtBank", "NumberOfLiableIndividuals"],
];

/**
 * The prepared form with 28 features: all but the purpose of the loan.
 * Source: Ustun, Spangher, Liu 2019 (its preparation); Slack et al. 2020, sec. 4.1.
 */
export const germanCreditSet: DatasetEntry = {
  kind: "table",
  title: "1 000 loans of a German bank: is the customer good?",
  shape: [28],
  source,
  licence:
    "the prepared form comes with code under MIT; the original, Statlog (German Credit Data), under CC BY 4.0 from UCI",
  citation:
    "Hofmann 1994, Statlog (German Credit Data); Ustun, Spangher, Liu 2019, Actionable recourse in linear classification",
  async load(options) {
    const text = new TextDecoder().decode(await readDatasetFile("german-credit", FILE, options));
    const table = readCsv(text, { what: FILE.name });
    const rows = rowsOf(table, [LABEL, UNUSED], FILE.name).map((row) => ({
      ...row,
      [LABEL]: row[LABEL] === "1" ? "good" : "bad",
    }));
    const flags = table.columns.filter((name) => ![LABEL, UNUSED, "Gender", ...NUMERIC].includes(name));
    return {
      ...tableDataset(tableOf(table.columns, rows), {
        ...splitOf(options),
        testShare: options.testShare ?? 0.1,
        name: "german-credit",
        target: LABEL,
        classes: ["bad", "good"],
        ignore: [UNUSED],
        columns: {
          Gender: { values: ["Female", "Male"] },
          ...Object.fromEntries(flags.map((name) => [name, { kind: "binary", values: ["0", "1"] } as const])),
          // Of one to four or two values, and still numbers.
          ...Object.fromEntries(NUMERIC.map((name) => [name, { kind: "numeric" } as const])),
        },
      }),
      sensitive: "Gender",
    };
  },
};
