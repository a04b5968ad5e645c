/** Rows of a table as inputs of a network in an ONNX file: the numbers of its columns as they are, in the order of the file. */
import type { TextTable } from "../../nn/data/table/csv.js";
import { numberIn, readPreparation } from "../../nn/data/table/preparation.js";
import { DATASET_NAMES, type NetworkFile, readCsv, type TablePreparation, tableDomain } from "../../nn/index.js";
import { UsageError } from "../command.js";
import { openData } from "../data.js";
import { parsing, readInput } from "../files.js";
import { Live } from "../live.js";

export interface TableValues {
  /** Data, and the column that is predicted. */
  readonly data?: string;
  readonly target?: string;
  readonly "data-dir"?: string;
  /** A table without labels. */
  readonly table?: string;
}

export type TableInput = Pick<NetworkFile, "domain" | "preparation">;

interface Told {
  readonly origin: string;
  readonly classes: readonly string[];
  /** The classes have no names but numbers. */
  readonly numbered: boolean;
  /** A preparation that the file brings along, as JSON. */
  readonly stored?: string;
}

/** What the options say of a network's columns. @throws UsageError when they say nothing, or other columns than it takes. */
export async function tableInput(columns: number, values: TableValues, told: Told): Promise<TableInput> {
  const { data, table, target } = values;
  if (told.stored !== undefined) {
    const { stored } = told;
    const preparation = await parsing(told.origin, () => readPreparation(stored));
    return { domain: tableDomain(preparation), preparation };
  }
  if (DATASET_NAMES.some((name) => name === data)) return namedTable(columns, values, told);
  const [option, path] = table === undefined ? ["data", data] : ["rows", table];
  if (path === undefined || !/\.csv$/i.test(path))
    throw new UsageError(
      `${told.origin}: it takes rows of ${columns} columns; give them with --data rows.csv --target column, or --rows rows.csv`,
    );
  const text = new TextDecoder().decode(await readInput(option, path));
  const preparation = await parsing(path, () => asTheyAre(readCsv(text), { ...told, target, columns, path }));
  return { domain: tableDomain(preparation), preparation };
}

/** A table that the library knows is prepared as it is for its own networks. */
async function namedTable(columns: number, values: TableValues, { origin }: Told): Promise<TableInput> {
  const dataset = await openData({ name: values.data!, folder: values["data-dir"] }, new Live());
  const { domain, preparation } = dataset;
  if (String(domain.shape) !== `${columns}`)
    throw new UsageError(`--data ${values.data}: its samples are [${domain.shape}], ${origin} takes [${columns}]`);
  return { domain, preparation };
}

/** Numeric columns with their smallest and largest values, without standardising. */
function asTheyAre(
  { columns, rows }: TextTable,
  {
    origin,
    path,
    target,
    columns: needed,
    classes,
    numbered,
  }: Told & {
    readonly path: string;
    readonly target?: string;
    readonly columns: number;
  },
): TablePreparation {
  if (target !== undefined && !columns.includes(target))
    throw new UsageError(`--target ${target}: ${path} has no such column; there is ${columns.join(", ")}`);
  const inputs = columns.filter((name) => name !== target);
  if (inputs.length !== needed)
    throw new UsageError(
      `${path}: ${inputs.length} columns${target === undefined ? "" : ` beside ${target}`} (${inputs.join(", ")}); ${origin} takes ${needed}${target === undefined && inputs.length === needed + 1 ? "; --target names one that is no input" : ""}`,
    );
  if (target !== undefined)
    requireClasses(
      rows.map((row) => row[columns.indexOf(target)].trim()),
      { target, path, classes, numbered },
    );
  return {
    columns: inputs.map((name) => {
      let [low, high] = [Infinity, -Infinity];
      const at = columns.indexOf(name);
      for (const [i, row] of rows.entries()) {
        const value = numberIn(row[at]);
        if (value === undefined)
          throw new UsageError(
            `${path}: row ${i} has "${row[at].slice(0, 40)}" in column ${name}; numbers are needed, as the network takes them; encode the column, or use --module with a preparation`,
          );
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
      return { kind: "numeric", name, mean: 0, deviation: 1, low, high };
    }),
    missing: [],
    target: { name: target ?? "", classes },
  };
}

/** @throws UsageError for a label that is no class. */
function requireClasses(
  labels: readonly string[],
  { target, path, classes, numbered }: { target: string; path: string; classes: readonly string[]; numbered: boolean },
): void {
  const other = labels.find((label) => !classes.includes(label));
  if (other === undefined) return;
  const some = (names: readonly string[]): string =>
    `${names.slice(0, 6).join(", ")}${names.length > 6 ? ", ..." : ""}`;
  throw new UsageError(
    `${path}: column ${target} holds "${other.slice(0, 40)}", the classes are ${some(classes)}; ${numbered ? "name them in the order of the network's outputs with --classes" : "--classes and the column must agree"}`,
  );
}
