/** Small steps from a published table to the one that is learnt from. */
import { DataError } from "../error.js";
import type { TextTable } from "./csv.js";

/** A row by column. */
export type TextRow = Readonly<Record<string, string>>;

/** The rows of a table by column name. @throws DataError naming a column of `needed` that it lacks. */
export function rowsOf({ columns, rows }: TextTable, needed: readonly string[], what: string): TextRow[] {
  const lost = needed.find((name) => !columns.includes(name));
  if (lost !== undefined) throw new DataError(`${what}: the file has no column "${lost}"; fetch it again`);
  return rows.map((row) => Object.fromEntries(columns.map((name, c) => [name, row[c]])));
}

/** A table of rows that all have these columns. */
export function tableOf(columns: readonly string[], rows: readonly TextRow[]): TextTable {
  return { columns, rows: rows.map((row) => columns.map((name) => row[name])) };
}
