/** Files with the result of one cell. */
import type { Cell, CellOutcome, PictureRows } from "../../atex/experiments/index.js";
import { DATASET_NAMES } from "../../nn/index.js";
import {
  count,
  list,
  natural,
  number,
  object,
  oneOf,
  optional,
  record,
  type Schema,
  size,
  text,
} from "../../nn/schema.js";
import { sealed, unsealed } from "../sealed.js";

/** How a result came about. */
export interface Origin {
  readonly command: string;
  readonly adapter: string;
  readonly versions: Readonly<Record<string, string>>;
  /** Of the repository, where it is one. */
  readonly commit?: string;
  readonly date: string;
  /** Processes that shared the machine; 1 in results from before there could be more. */
  readonly jobs?: number;
  readonly seconds: number;
}

export interface CellResult extends CellOutcome {
  readonly cell: Cell;
  /** What it depends on, as it stands in the configuration it was made with. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly pictures?: readonly PictureRows[];
  readonly origin: Origin;
}

const anything: Schema<unknown> = { json: {}, read: (value) => value };
const textOrNumber: Schema<string | number> = {
  json: { type: ["string", "number"] },
  read: (value, path) => (typeof value === "number" ? number().read(value, path) : text.read(value, path)),
};

/** Lists of numbers are long: pictures. */
const numbers: Schema<readonly number[]> = {
  json: { type: "array", items: { type: "number" } },
  read(value, path) {
    if (Array.isArray(value) && value.every((v) => typeof v === "number")) return value;
    return list(number()).read(value, path);
  },
};

const cellFile = object({
  cell: object({
    ...{ id: text, experiment: text, data: oneOf(...DATASET_NAMES), scheme: optional(text) },
    ...{ seed: natural, eps: optional(size) },
  }),
  settings: record(anything),
  measurements: list(
    object({ scheme: text, conditions: record(textOrNumber), metric: text, value: number(), count: natural }),
    { min: 0 },
  ),
  pictures: optional(
    list(
      object({
        name: text,
        titles: optional(list(text)),
        size: optional(object({ channels: count, height: count, width: count })),
        columns: list(oneOf("image", "map")),
        rows: list(object({ label: text, cells: list(numbers) }), { min: 0 }),
      }),
      { min: 0 },
    ),
  ),
  origin: object({
    ...{ command: text, adapter: text, versions: record(anything), commit: optional(text), date: text },
    ...{ jobs: optional(count), seconds: size },
  }),
});

/** @throws RangeError for a measurement or a pixel that is not finite: it would come back as none, and count for nothing. */
export function cellText(result: CellResult): string {
  const odd = result.measurements.find(({ value }) => !Number.isFinite(value));
  if (odd)
    throw new RangeError(
      `${odd.metric} of ${odd.scheme} is ${odd.value} under ${JSON.stringify(odd.conditions)}; a result is a finite number`,
    );
  const blank = result.pictures?.find(({ rows }) =>
    rows.some(({ cells }) => cells.some((cell) => !cell.every(Number.isFinite))),
  );
  if (blank) throw new RangeError(`the pictures ${blank.name} hold a value that is not finite; a result has none`);
  return sealed(result);
}

/** @throws DataError for a text that is no result, or was changed. */
export function readCellText(text: string): CellResult {
  return unsealed(text, cellFile) as CellResult;
}
