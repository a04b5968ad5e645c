/** From a row of a table to numbers and back. A preparation is plain data, so that it can be stored with a model. */

import { aText, numbers } from "../../../engine/kinds.js";
import { requireArguments } from "../../../engine/options.js";
import { aTablePreparation, aTableRecord } from "../../kinds.js";
import { ConfigError, list, number, object, optional, text, variant } from "../../schema.js";
import type { Domain, Feature } from "../domain.js";
import { DataError } from "../error.js";

/** A column of numbers. It becomes (value - mean) / deviation. */
export interface NumericColumn {
  readonly kind: "numeric";
  readonly name: string;
  /** Of the training part, as everything here; 0 and 1 for columns that are not standardised. */
  readonly mean: number;
  /** Of all rows (not n - 1), and 1 where they are all equal. */
  readonly deviation: number;
  /** Smallest and largest, in the column's own units. */
  readonly low: number;
  readonly high: number;
  /** What stands in where the value is missing; without it a missing value is refused. */
  readonly impute?: number;
}

/** A column of two values. It becomes 0 for the first and 1 for the second. */
export interface BinaryColumn {
  readonly kind: "binary";
  readonly name: string;
  readonly values: readonly string[];
  readonly impute?: string;
}

/** A column of a few values. It becomes as many elements, one of them 1 and the others 0. */
export interface CategoricalColumn {
  readonly kind: "categorical";
  readonly name: string;
  readonly values: readonly string[];
  readonly impute?: string;
}

/** A column with everything that new rows need to be read alike. */
export type PreparedColumn = NumericColumn | BinaryColumn | CategoricalColumn;

/** All that turns rows of a table into samples [d]: its elements come column by column. */
export interface TablePreparation {
  readonly columns: readonly PreparedColumn[];
  /** Texts that stand for a missing value, besides nothing at all. */
  readonly missing: readonly string[];
  /** The column that is predicted, and its values by class. */
  readonly target: { readonly name: string; readonly classes: readonly string[] };
}

/** A row by the names of its columns; further columns are passed over. */
export type TableRecord = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Name of the category that stands for a missing value. */
export const MISSING = "(missing)";

const widthOf = (column: PreparedColumn): number => (column.kind === "categorical" ? column.values.length : 1);

/** Is nothing there? */
export function isMissing(value: TableRecord[string], marks: readonly string[]): boolean {
  if (value === undefined || value === null || value === "") return true;
  return typeof value === "number" ? Number.isNaN(value) : marks.includes(String(value).trim());
}

/** The number that a cell says; undefined for other texts. */
export function numberIn(value: string | number | boolean): number | undefined {
  if (typeof value === "boolean") return undefined;
  const parsed =
    typeof value === "number"
      ? value
      : /^\s*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?\s*$/i.test(value)
        ? Number(value)
        : Number.NaN;
  return Number.isFinite(parsed) ? parsed : undefined;
}

/**
 * One row as a sample: [d], in prepared units.
 * @throws DataError naming the column whose value is missing, is no number, or is none of those that training has seen.
 */
export function prepareRow(preparation: TablePreparation, record: TableRecord, what = "row"): Float32Array {
  requireArguments("prepareRow", {
    preparation: [preparation, aTablePreparation],
    record: [record, aTableRecord],
    what: [what, aText],
  });
  const { columns, missing } = preparation;
  const sample = new Float32Array(columns.reduce((total, column) => total + widthOf(column), 0));
  let at = 0;
  for (const column of columns) {
    const given = Object.hasOwn(record, column.name) ? record[column.name] : undefined;
    const value = isMissing(given, missing) ? column.impute : given!;
    const where = `${what}, column "${column.name}"`;
    if (value === undefined || value === null)
      throw new DataError(`${where}: the value is missing; give one, or say how to impute it when the table is opened`);
    if (column.kind === "numeric") {
      const parsed = numberIn(value);
      if (parsed === undefined) throw new DataError(`${where}: "${shown(value)}" came; a number is needed`);
      sample[at] = (parsed - column.mean) / column.deviation;
    } else {
      const index = column.values.indexOf(String(value).trim());
      if (index < 0) throw new DataError(`${where}: "${shown(value)}" came; one of ${listed(column.values)} is needed`);
      if (column.kind === "binary") sample[at] = index;
      else sample[at + index] = 1;
    }
    at += widthOf(column);
  }
  return sample;
}

/** The class of a row's target. @throws DataError for one that is missing or unknown. */
export function classOfRow(preparation: TablePreparation, record: TableRecord, what = "row"): number {
  requireArguments("classOfRow", {
    preparation: [preparation, aTablePreparation],
    record: [record, aTableRecord],
    what: [what, aText],
  });
  const { target, missing } = preparation;
  const value = Object.hasOwn(record, target.name) ? record[target.name] : undefined;
  if (isMissing(value, missing))
    throw new DataError(`${what}, column "${target.name}": the value is missing; what is predicted must be known`);
  const index = target.classes.indexOf(String(value).trim());
  if (index < 0)
    throw new DataError(
      `${what}, column "${target.name}": "${shown(String(value))}" came; one of ${listed(target.classes)} is needed`,
    );
  return index;
}

/**
 * What a sample [d] says, by column, for people: numbers in their own units; the nearer one of two values; the category whose element
 * is largest.
 * @throws DataError for a sample of another length.
 */
export function featureValues(
  preparation: TablePreparation,
  sample: ArrayLike<number>,
): Record<string, string | number> {
  requireArguments("featureValues", { preparation: [preparation, aTablePreparation], sample: [sample, numbers] });
  const size = preparation.columns.reduce((total, column) => total + widthOf(column), 0);
  if (sample.length !== size)
    throw new DataError(`featureValues: a sample of ${sample.length} values; ${size} are needed, as this table's have`);
  let at = 0;
  const said: [string, string | number][] = preparation.columns.map((column) => {
    const first = at;
    at += widthOf(column);
    if (column.kind === "numeric") return [column.name, sample[first] * column.deviation + column.mean];
    if (column.kind === "binary") return [column.name, column.values[sample[first] >= 0.5 ? 1 : 0]];
    const elements = Array.from(column.values, (_, i) => sample[first + i]);
    return [column.name, column.values[elements.indexOf(Math.max(...elements))]];
  });
  return Object.fromEntries(said);
}

/** The domain of the samples: a range for each element, and the columns as features. */
export function tableDomain(preparation: TablePreparation): Domain {
  requireArguments("tableDomain", { preparation: [preparation, aTablePreparation] });
  const { columns } = preparation;
  const low: number[] = [];
  const high: number[] = [];
  const features = columns.map((column): Feature => {
    const { name, kind } = column;
    const at = Array.from({ length: widthOf(column) }, (_, i) => low.length + i);
    if (column.kind === "numeric") {
      // As rounded as the samples are, so that none of them lies outside.
      low.push(Math.fround((column.low - column.mean) / column.deviation));
      high.push(Math.fround((column.high - column.mean) / column.deviation));
      return { name, kind, at };
    }
    for (const _ of at) {
      low.push(0);
      high.push(1);
    }
    return { name, kind, at, values: column.values };
  });
  return { shape: [low.length], range: { low, high }, features };
}

const values = list(text);
const preparationSchema = object({
  columns: list(
    variant({
      numeric: {
        name: text,
        mean: number(),
        deviation: number(),
        low: number(),
        high: number(),
        impute: optional(number()),
      },
      binary: { name: text, values, impute: optional(text) },
      categorical: { name: text, values, impute: optional(text) },
    }),
  ),
  missing: optional(values, []),
  target: object({ name: text, classes: values }),
});

/** A preparation that was stored as JSON. @throws DataError when it is none. */
export function readPreparation(json: string): TablePreparation {
  requireArguments("readPreparation", { json: [json, aText] });
  let preparation: TablePreparation;
  try {
    const raw = JSON.parse(json) as Record<string, unknown>;
    const marks = Array.isArray(raw?.missing) && raw.missing.length === 0 ? undefined : raw?.missing;
    preparation = preparationSchema.read({ ...raw, missing: marks }, "preparation");
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof SyntaxError)) throw error;
    throw new DataError(
      `table preparation: ${error.message.replaceAll("\n", " ").slice(0, 300)}; store the model again`,
    );
  }
  for (const column of preparation.columns) {
    const fits =
      column.kind === "numeric"
        ? column.deviation > 0 && column.low <= column.high
        : new Set(column.values).size === column.values.length &&
          (column.kind === "categorical" || column.values.length === 2) &&
          (column.impute === undefined || column.values.includes(column.impute));
    if (!fits)
      throw new DataError(
        `table preparation: column "${shown(column.name)}" contradicts itself; store the model again`,
      );
  }
  if (new Set(preparation.columns.map(({ name }) => name)).size < preparation.columns.length)
    throw new DataError("table preparation: a column stands there twice; store the model again");
  return preparation;
}

const shown = (value: string | number | boolean): string => String(value).slice(0, 60);

/** The first few, quoted. */
export function listed(all: readonly string[]): string {
  const some = all.slice(0, 8).map((value) => `"${shown(value)}"`);
  return some.join(", ") + (all.length > 8 ? ` and ${all.length - 8} more` : "");
}
