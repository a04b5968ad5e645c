import { readDatasetFile } from "#files";
import type { RemoteFile } from "../collections.js";
import { type DatasetOptions, splitOf } from "../options.js";
import { readCsv, type TextTable } from "../table/csv.js";
import { tableDataset } from "../table/open.js";
import type { DatasetEntry } from "./entry.js";

const source = "archive.ics.uci.edu/dataset/2/adult";
const file = (name: string, bytes: number, sha256: string): RemoteFile => ({
  ...{ name, bytes, sha256, source, folder: "tabular" },
  urls: [`https://archive.ics.uci.edu/ml/machine-learning-databases/adult/${name}`],
});
const TRAIN = file("adult.data", 3_974_305, "5b00264637dbfec36bdeaab5676b0b309ff9eb788d63554ca0a249491c86603d");
const TEST = file("adult.test", 2_003_153, "a2a9044bc167a35b2361efbabec64e89d69ce82d9790d2980119aac5fd7e9c05");

const COLUMNS = [
  ...["age", "workclass", "fnlwgt", "education", "education-num", "marital-status", "occupation", "relationship"],
  ...["race", "sex", "capital-gain", "capital-loss", "hours-per-week", "native-country", "income"],
];

/**
 * The files' own parts, without the rows that have unknown values (30 162 and 15 060 are left, as the note that comes with them has it).
 * Left out: `fnlwgt`, how many people a row stands for, and `education`, which `education-num` says as a number.
 * Source: Kohavi 1996; UCI's adult.names.
 */
export const adultSet: DatasetEntry = {
  kind: "table",
  title: "45 222 people of the 1994 census: do they earn more than 50 000 dollars?",
  shape: [86],
  source,
  licence: "CC BY 4.0, from UCI",
  citation: "Becker, Kohavi 1996, Adult (UCI Machine Learning Repository)",
  async load(options) {
    const [train, test] = [await read(TRAIN, options), await read(TEST, options)];
    return {
      ...tableDataset(
        train,
        {
          ...splitOf(options),
          name: "adult",
          target: "income",
          classes: ["<=50K", ">50K"],
          ignore: ["fnlwgt", "education"],
        },
        test,
      ),
      sensitive: "sex",
    };
  },
};

/** One part. The second file begins with a remark, and its labels end with a full stop. */
async function read(one: RemoteFile, options: DatasetOptions): Promise<TextTable> {
  const text = new TextDecoder().decode(await readDatasetFile("adult", one, options)).replace(/^\|.*\n/, "");
  const { columns, rows } = readCsv(text, { what: one.name, header: COLUMNS, separator: ",", trim: true });
  const whole = rows.filter((row) => !row.includes("?"));
  return { columns, rows: whole.map((row) => [...row.slice(0, -1), row.at(-1)!.replace(/\.$/, "")]) };
}
