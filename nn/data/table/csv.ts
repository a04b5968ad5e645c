/**
 * Reads tables of text. Our own, because what is wrong with a table has to be told by line and column, and the readers at hand
 * guess on where a quote is open or a line too short.
 * Source: RFC 4180, with any of the three line ends, and semicolons or tabulators too.
 */

import { aFlag, aText, listOf } from "../../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../../engine/options.js";
import { aValue } from "../../kinds.js";
import { DataError } from "../error.js";

/** Rows of text cells, all as long as the header. */
export interface TextTable {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export const SEPARATORS = [",", ";", "\t"] as const;
/** What may stand between the cells of a CSV file. */
export type Separator = (typeof SEPARATORS)[number];

/** How the text of a CSV file is read. */
export interface CsvOptions {
  /** Names the table in messages. */
  readonly what?: string;
  /** Default: the one of comma, semicolon and tabulator that the first line has most of. */
  readonly separator?: Separator;
  /** Names of the columns, where the first line is a row already. */
  readonly header?: readonly string[];
  /** Drop spaces around cells that are not quoted. */
  readonly trim?: boolean;
}

const CSV_OPTIONS: KindsOf<CsvOptions> = {
  what: aText,
  separator: aValue,
  header: listOf(aText, "texts"),
  trim: aFlag,
};

/**
 * Reads comma-separated values. Cells may be quoted, a quote in them is doubled; empty lines are passed over.
 * @throws DataError naming the line of a quote that is not closed or out of place, of a row that is too short or too long, or a
 * header that names a column twice with different cells.
 */
export function readCsv(text: string, options: CsvOptions = {}): TextTable {
  requireArguments("readCsv", { text: [text, aText] });
  checkedOptions("readCsv", options, CSV_OPTIONS);
  const { what = "csv", trim = false } = options;
  const separator = options.separator ?? likeliestSeparator(text);
  const rows: string[][] = [];
  const lines: number[] = [];
  let row: string[] = [];
  let line = 1;
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  let begun = line;
  while (at < text.length) {
    if (row.length === 0) begun = line;
    let cell: string;
    const opened = text[at] === '"';
    if (opened) {
      const quoted = readQuoted(text, at, line, what);
      cell = quoted.cell;
      at = quoted.end;
      line += quoted.lines;
    } else {
      let end = at;
      while (end < text.length && text[end] !== separator && text[end] !== "\n" && text[end] !== "\r") {
        if (text[end] === '"')
          throw new DataError(
            `${what}: line ${line} has a quote inside a cell; quote the whole cell and double the quote`,
          );
        end++;
      }
      cell = text.slice(at, end);
      if (trim) cell = cell.trim();
      at = end;
    }
    row.push(cell);
    if (text[at] === separator) {
      at++;
      // A separator at the very end opens a last, empty cell.
      if (at < text.length) continue;
      row.push("");
    } else if (at < text.length && text[at] !== "\n" && text[at] !== "\r")
      throw new DataError(
        `${what}: line ${line} goes on after a closing quote; a separator or the end of the line is needed`,
      );
    if (text[at] === "\r" && text[at + 1] === "\n") at++;
    at++;
    line++;
    if (row.length > 1 || row[0] !== "" || opened) {
      rows.push(row);
      lines.push(begun);
    }
    row = [];
  }
  const columns = options.header ?? rows.shift();
  if (options.header === undefined) lines.shift();
  if (columns === undefined || rows.length === 0)
    throw new DataError(
      `${what}: ${rows.length} rows under ${columns ? "a" : "no"} header; at least one row is needed`,
    );
  const odd = rows.findIndex(({ length }) => length !== columns.length);
  if (odd >= 0)
    throw new DataError(
      `${what}: line ${lines[odd]} has ${rows[odd].length} cells and the header ${columns.length}; as many are needed`,
    );
  return withoutRepeats({ columns, rows }, what);
}

/** The cell that begins with the quote at `at`, and where it ends. */
function readQuoted(
  text: string,
  at: number,
  line: number,
  what: string,
): { cell: string; end: number; lines: number } {
  let cell = "";
  let from = at + 1;
  for (;;) {
    const quote = text.indexOf('"', from);
    if (quote < 0) throw new DataError(`${what}: the quote that line ${line} opens is never closed; close it`);
    cell += text.slice(from, quote);
    if (text[quote + 1] !== '"') return { cell, end: quote + 1, lines: cell.match(/\r\n|\r|\n/g)?.length ?? 0 };
    cell += '"';
    from = quote + 2;
  }
}

/** The one that the first line, outside quotes, has most of; a comma for lines of one cell. */
function likeliestSeparator(text: string): Separator {
  const first = /^[^\r\n]*/.exec(text)![0].replace(/"[^"]*"/g, "");
  const counts = SEPARATORS.map((separator) => first.split(separator).length);
  return SEPARATORS[counts.indexOf(Math.max(...counts))];
}

/** Drops later columns of the same name, which must be copies. */
function withoutRepeats({ columns, rows }: TextTable, what: string): TextTable {
  const firsts = new Map<string, number>();
  for (const [c, name] of columns.entries()) if (!firsts.has(name)) firsts.set(name, c);
  if (firsts.size === columns.length) return { columns, rows };
  const kept = columns.map((name, c) => firsts.get(name) === c);
  for (const [c, name] of columns.entries()) {
    const first = firsts.get(name)!;
    if (first !== c && rows.some((row) => row[first] !== row[c]))
      throw new DataError(
        `${what}: columns ${first + 1} and ${c + 1} are both named "${name}" and differ; rename one of them`,
      );
  }
  const without = (row: readonly string[]): string[] => row.filter((_, c) => kept[c]);
  return { columns: without(columns), rows: rows.map(without) };
}
