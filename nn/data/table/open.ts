/** Data sets from tables. */
import { aFlag, aNumber, aText, listOf, maybe, required } from "../../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../../engine/options.js";
import { anyObject, aTablePreparation, aTextTable, aValue } from "../../kinds.js";
import { shownNames } from "../../printable.js";
import { type Dataset, requireSize, type Split } from "../dataset.js";
import { DataError } from "../error.js";
import type { SplitOptions } from "../options.js";
import { stratifiedSplit } from "../split.js";
import { readCsv, type Separator, type TextTable } from "./csv.js";
import { fitPreparation, type PreparationOptions } from "./fit.js";
import { classOfRow, listed, prepareRow, type TablePreparation, type TableRecord, tableDomain } from "./preparation.js";

/** How rows become a data set: columns, missing values, and the split. */
export interface TableOptions extends PreparationOptions, SplitOptions {
  readonly name?: string;
  /** What a network was trained with, for new rows; default learnt from the training part of these. */
  readonly preparation?: TablePreparation;
}

const TABLE_OPTIONS: KindsOf<TableOptions> = {
  target: required(aText),
  classes: listOf(aText, "texts"),
  use: listOf(aText, "texts"),
  ignore: listOf(aText, "texts"),
  columns: anyObject,
  missing: aValue,
  missingMarks: listOf(aText, "texts"),
  standardise: aFlag,
  trainSize: aNumber,
  testSize: aNumber,
  testShare: aNumber,
  seed: aNumber,
  name: aText,
  preparation: aTablePreparation,
};

/** How the text of a CSV file becomes a data set. */
export interface CsvTableOptions extends TableOptions {
  /** Rows held out for testing, as text with the same columns; without them `testShare` (default 0.2) of the rows are, class by
   *  class. */
  readonly test?: string;
  /** Default: the one of comma, semicolon and tabulator that the first line has most of. */
  readonly separator?: Separator;
}

const CSV_TABLE_OPTIONS: KindsOf<CsvTableOptions> = { ...TABLE_OPTIONS, test: aText, separator: aValue };

/**
 * A data set from comma-separated values with a header: columns are numeric, binary or categorical as planned or inferred (see
 * `fitPreparation`), standardised and one-hot, and the target's values are the classes.
 * @throws DataError naming line, row or column of what cannot be used; RangeError for a size or share that cannot be had.
 */
export function openTable(csv: string, options: CsvTableOptions): Dataset {
  requireArguments("openTable", { csv: [csv, { ...aText, remedy: "decode the file first" }] });
  checkedOptions("openTable", options, CSV_TABLE_OPTIONS);
  const { separator, test, ...own } = options;
  const { name = "table" } = own;
  const table = readCsv(csv, { what: name, separator });
  return tableDataset(
    table,
    own,
    test === undefined ? undefined : readCsv(test, { what: `${name} (test)`, separator }),
  );
}

/** A data set from a table, with a test part of its own or split by class. @throws as `openTable`. */
export function tableDataset(table: TextTable, options: TableOptions, test?: TextTable): Dataset {
  requireArguments("tableDataset", { table: [table, aTextTable], test: [test, maybe(aTextTable)] });
  checkedOptions("tableDataset", options, TABLE_OPTIONS);
  const { name = "table", testShare = 0.2, seed, trainSize, testSize } = options;
  if (options.target === undefined || options.target === "")
    throw new DataError(`${name}: no target; name the column that is predicted, one of ${listed(table.columns)}`);
  const whole = test ? joined(table, test, name) : table;
  const parts = test
    ? { train: range(0, table.rows.length), test: range(table.rows.length, whole.rows.length) }
    : stratifiedSplit(targetCodes(table, options.target, name), { share: testShare, seed });
  const cut = (rows: number[], size: number | undefined, what: string): number[] =>
    size === undefined ? rows : rows.slice(0, requireSize(size, rows.length, `${name}: the ${what} part`));
  const [train, held] = [cut(parts.train, trainSize, "training"), cut(parts.test, testSize, "test")];
  if (held.length === 0)
    throw new DataError(`${name}: ${table.rows.length} rows leave none for testing; give more, or a test part`);
  const preparation = options.preparation ?? fitPreparation(whole, train, options, name);
  return {
    name,
    domain: tableDomain(preparation),
    classes: shownNames(preparation.target.classes),
    train: prepared(whole, train, preparation, name),
    test: prepared(whole, held, preparation, name),
    preparation,
  };
}

/** Rows as samples, with a record of each. */
function prepared(
  { columns, rows }: TextTable,
  chosen: readonly number[],
  preparation: TablePreparation,
  name: string,
): Split {
  const records = chosen.map(
    (row): TableRecord => Object.fromEntries(columns.map((column, c) => [column, rows[row][c]])),
  );
  const samples = records.map((record, i) => prepareRow(preparation, record, `${name}: row ${chosen[i] + 1}`));
  const size = samples[0].length;
  const all = new Float32Array(samples.length * size);
  for (const [i, sample] of samples.entries()) all.set(sample, i * size);
  const labels = records.map((record, i) => classOfRow(preparation, record, `${name}: row ${chosen[i] + 1}`));
  return { shape: [size], samples: all, labels: Int32Array.from(labels) };
}

/** A number for each different text of the target, by its first appearance. */
function targetCodes({ columns, rows }: TextTable, target: string, name: string): number[] {
  const at = columns.indexOf(target);
  if (at < 0) throw new DataError(`${name}: there is no column "${target}"; there is ${listed(columns)}`);
  const codes = new Map<string, number>();
  return rows.map((row) => {
    const value = row[at].trim();
    if (!codes.has(value)) codes.set(value, codes.size);
    return codes.get(value)!;
  });
}

/** Both parts in one table, the columns in the order of the first. */
function joined(first: TextTable, second: TextTable, name: string): TextTable {
  const places = first.columns.map((column) => second.columns.indexOf(column));
  const lost = places.indexOf(-1);
  if (lost >= 0 || second.columns.length !== first.columns.length)
    throw new DataError(
      `${name}: the test part has ${second.columns.length} columns${lost >= 0 ? ` and lacks "${first.columns[lost]}"` : ""}; those of the training part are needed`,
    );
  return { columns: first.columns, rows: [...first.rows, ...second.rows.map((row) => places.map((at) => row[at]))] };
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}
