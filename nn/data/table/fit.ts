/** Learns the preparation of a table from the rows that training may see. */
import { DataError } from "../error.js";
import type { TextTable } from "./csv.js";
import { isMissing, listed, MISSING, numberIn, type PreparedColumn, type TablePreparation } from "./preparation.js";

/** What to do where a value is missing: the mean or the median of a numeric column, the most frequent value of any, a category of
 *  its own for a categorical one. */
export const MISSING_POLICIES = ["refuse", "mean", "median", "most frequent", "own category"] as const;
/** What becomes of a missing value; "refuse" throws. */
export type MissingPolicy = (typeof MISSING_POLICIES)[number];

export const COLUMN_KINDS = ["numeric", "binary", "categorical"] as const;

/** How one column is read; what is not given is inferred. */
export interface ColumnPlan {
  readonly kind?: (typeof COLUMN_KINDS)[number];
  /** The values of a binary or categorical column in order; further ones are refused. Default all that occur, numbers by size. */
  readonly values?: readonly string[];
  readonly missing?: MissingPolicy;
}

/** How the columns of a table become features; what is left out is inferred from the rows. */
export interface PreparationOptions {
  /** The column that is predicted. */
  readonly target: string;
  /** Its values by class, if not all of them in order. */
  readonly classes?: readonly string[];
  /** The columns that are used, in this order; default all others. */
  readonly use?: readonly string[];
  /** Columns that are not used: numbers of rows, names. */
  readonly ignore?: readonly string[];
  readonly columns?: Readonly<Record<string, ColumnPlan>>;
  /** For columns whose plan does not say; default "refuse". */
  readonly missing?: MissingPolicy;
  /** Texts that stand for a missing value, besides empty cells. Default "?", "NA", "N/A", "NaN" and "null". */
  readonly missingMarks?: readonly string[];
  /** Subtract the mean of numeric columns and divide by their deviation; default true. */
  readonly standardise?: boolean;
}

const MARKS = ["?", "NA", "N/A", "NaN", "null"];
/** A column of more different texts is hardly one of categories. */
const MAX_CATEGORIES = 100;

/**
 * The preparation of a table, learnt from its rows number `rows` (the training part): means, deviations, ranges and what is imputed.
 * Only which values a column of categories has is taken from the whole table. A column is inferred to be binary if it has two different
 * values, categorical if it has more and they are not all numbers, and numeric otherwise.
 * @throws DataError for columns that do not exist, or cannot be used as planned.
 */
export function fitPreparation(
  table: TextTable,
  rows: readonly number[],
  options: PreparationOptions,
  what = "table",
): TablePreparation {
  const { target, columns: plans = {}, ignore = [], missingMarks: marks = MARKS } = options;
  for (const name of [target, ...(options.use ?? []), ...ignore, ...Object.keys(plans)])
    if (!table.columns.includes(name))
      throw new DataError(`${what}: there is no column "${name}"; there is ${listed(table.columns)}`);
  const used = options.use ?? table.columns.filter((name) => name !== target && !ignore.includes(name));
  if (used.length === 0 || used.includes(target) || new Set(used).size < used.length)
    throw new DataError(
      `${what}: columns ${listed(used)} to predict "${target}"; others than that are needed, each once`,
    );
  return {
    columns: used.map((name) => {
      const cells = cellsOf(table, name, marks);
      const plan = Object.hasOwn(plans, name) ? plans[name] : {};
      return fitColumn(name, { cells, rows, plan, options }, `${what}, column "${name}"`);
    }),
    missing: marks,
    target: { name: target, classes: options.classes ?? classesOf(table, target, marks, what) },
  };
}

/** The cells of a column; undefined where one is missing. */
function cellsOf({ columns, rows }: TextTable, name: string, marks: readonly string[]): (string | undefined)[] {
  const at = columns.indexOf(name);
  return rows.map((row) => (isMissing(row[at], marks) ? undefined : row[at].trim()));
}

function classesOf(table: TextTable, target: string, marks: readonly string[], what: string): string[] {
  const found = distinct(cellsOf(table, target, marks));
  if (found.length < 2 || found.length > MAX_CATEGORIES)
    throw new DataError(
      `${what}: the target "${target}" has ${found.length} different values; 2 to ${MAX_CATEGORIES} classes are needed`,
    );
  return found;
}

interface Fit {
  readonly cells: readonly (string | undefined)[];
  readonly rows: readonly number[];
  readonly plan: ColumnPlan;
  readonly options: PreparationOptions;
}

function fitColumn(name: string, { cells, rows, plan, options }: Fit, where: string): PreparedColumn {
  const policy = plan.missing ?? options.missing ?? "refuse";
  if (!MISSING_POLICIES.includes(policy))
    throw new DataError(`${where}: "${policy}" for missing values; there is ${MISSING_POLICIES.join(", ")}`);
  const gap = cells.indexOf(undefined);
  if (gap >= 0 && policy === "refuse")
    throw new DataError(
      `${where}: the value is missing in row ${gap + 1}; fill it in, leave the column out, or choose how to impute (${MISSING_POLICIES.slice(1).join(", ")})`,
    );
  const seen = rows.map((row) => cells[row]).filter((cell) => cell !== undefined);
  if (seen.length === 0) throw new DataError(`${where}: no row for training has a value; leave the column out`);
  const kind = plan.kind ?? inferredKind(cells);
  if (!COLUMN_KINDS.includes(kind))
    throw new DataError(`${where}: "${kind}" is no kind; there is ${COLUMN_KINDS.join(", ")}`);
  if (kind === "numeric") {
    if (policy === "own category")
      throw new DataError(
        `${where}: a column of numbers has no category for missing ones; choose mean, median or most frequent`,
      );
    const gaps = rows.length - seen.length;
    return numericColumn(name, { cells, seen, gap, gaps, policy, standardise: options.standardise ?? true }, where);
  }
  if (policy === "mean" || policy === "median")
    throw new DataError(
      `${where}: a ${kind} column has no ${policy}; choose most frequent${kind === "binary" ? "" : " or own category"}`,
    );
  const found = distinct(cells);
  const own = gap >= 0 && policy === "own category";
  const values = [...(plan.values ?? found), ...(own && !plan.values?.includes(MISSING) ? [MISSING] : [])];
  const stranger = found.find((value) => !values.includes(value));
  if (stranger !== undefined)
    throw new DataError(
      `${where}: "${stranger}" in row ${cells.indexOf(stranger) + 1}; one of ${listed(values)} is needed`,
    );
  if (kind === "binary" ? values.length !== 2 : values.length < 1 || values.length > MAX_CATEGORIES)
    throw new DataError(
      `${where}: ${values.length} different values (${listed(values)}); a ${kind} column has ${kind === "binary" ? "two" : `1 to ${MAX_CATEGORIES}`}; leave it out or plan it otherwise`,
    );
  const impute = gap < 0 ? {} : { impute: own ? MISSING : mostFrequent(seen) };
  return { kind, name, values, ...impute };
}

function inferredKind(cells: readonly (string | undefined)[]): (typeof COLUMN_KINDS)[number] {
  const found = new Set(cells);
  found.delete(undefined);
  if (found.size === 2) return "binary";
  return [...found].every((cell) => numberIn(cell!) !== undefined) ? "numeric" : "categorical";
}

interface NumericFit {
  readonly cells: readonly (string | undefined)[];
  readonly seen: readonly string[];
  /** The first row without a value, of all. */
  readonly gap: number;
  /** How many rows for training have none. */
  readonly gaps: number;
  readonly policy: MissingPolicy;
  readonly standardise: boolean;
}

function numericColumn(name: string, fit: NumericFit, where: string): PreparedColumn {
  const { cells, seen, gap, gaps, policy, standardise } = fit;
  const wrong = cells.findIndex((cell) => cell !== undefined && numberIn(cell) === undefined);
  if (wrong >= 0)
    throw new DataError(`${where}: "${cells[wrong]!.slice(0, 60)}" in row ${wrong + 1}; a number is needed`);
  const numbers = seen.map((cell) => numberIn(cell)!);
  const imputed = (): number => {
    if (policy === "mean") return meanOf(numbers);
    return policy === "median" ? medianOf(numbers) : Number(mostFrequent(seen));
  };
  const impute = gap < 0 ? {} : { impute: imputed() };
  // Imputed values are part of what is learnt from: they are what the network sees.
  const all = gaps === 0 ? numbers : [...numbers, ...Array<number>(gaps).fill(impute.impute!)];
  const mean = standardise ? meanOf(all) : 0;
  const spread = standardise ? Math.sqrt(meanOf(all.map((value) => (value - mean) ** 2))) : 1;
  const [low, high] = all.reduce(([a, b], value) => [Math.min(a, value), Math.max(b, value)], [Infinity, -Infinity]);
  return { kind: "numeric", name, mean, deviation: low < high && spread > 0 ? spread : 1, low, high, ...impute };
}

/** Different values: by size if all are numbers, else by code unit. */
function distinct(cells: readonly (string | undefined)[]): string[] {
  const found = [...new Set(cells)].filter((cell) => cell !== undefined);
  const numbers = found.every((cell) => numberIn(cell) !== undefined);
  return found.sort((a, b) => (numbers ? Number(a) - Number(b) : 0) || (a < b ? -1 : a > b ? 1 : 0));
}

/** Of equally frequent ones the first by `distinct`. */
function mostFrequent(cells: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const cell of cells) counts.set(cell, (counts.get(cell) ?? 0) + 1);
  return distinct(cells).reduce((best, cell) => (counts.get(cell)! > counts.get(best)! ? cell : best));
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}
