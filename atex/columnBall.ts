/** How far a search may go in a table: each column by its own measure, and only to rows that there can be. */

import {
  abs,
  add,
  argmax,
  concat,
  div,
  floor,
  greaterEqual,
  matmul,
  maximum,
  minimum,
  mul,
  oneHot,
  random,
  ShapeError,
  sign,
  sub,
  type Tensor,
  tensor,
  where,
} from "../engine/index.js";
import { aNumberOfAtLeast0, either, required, wordOf } from "../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../engine/options.js";
import type { Domain, Feature, TablePreparation } from "../nn/index.js";
import { aDomain, anyObject, aTablePreparation } from "../nn/kinds.js";
import { type Ball, ROUNDING } from "./balls.js";
import { numberRecord, texts } from "./kinds.js";
import { featureIndex, featuresOf } from "./manipulations/columns.js";

/** A number for all columns, or numbers for some by name. */
export type PerColumn = number | Readonly<Record<string, number>>;

/** How far each column of a row may move, and what columns that are no numbers do. */
export interface ColumnBallOptions {
  /** Largest change of a numeric column, in units of the samples: deviations, where a table was standardised. By name: of these
   *  columns, and of no other. */
  readonly radius: PerColumn;
  /** Smallest change of a numeric column, in the same units (`columnSteps` makes them from a column's own): what moves does so by whole
   *  steps, towards the sample where it lies between. An attack has to take steps of that size. Default 0, any change. */
  readonly step?: PerColumn;
  /** Columns that stay as they are. @see featuresOf for their names */
  readonly immutable?: readonly string[];
  /** Columns of two values and of categories: they stay ("frozen", default), or go to the value that is nearest ("nearest"): 0 or 1
   *  by halves, the category of the largest element. */
  readonly categories?: "frozen" | "nearest";
}

const COLUMN_BALL_OPTIONS: KindsOf<ColumnBallOptions> = {
  radius: required(either(aNumberOfAtLeast0, anyObject)),
  step: either(aNumberOfAtLeast0, anyObject),
  immutable: texts,
  categories: wordOf("frozen", "nearest"),
};

/** |x' − x| ≤ radius in each numeric column, immutable columns as in x, and in the others values that exist: where x is a row of the
 *  table, so is every point of the ball, once it is clipped to the domain's range (`intoNeighbourhood` does both). x [n,d]. For
 *  a domain without features it is `linf`, element by element.
 *  @throws RangeError for an unknown column or a negative number; ShapeError for a domain that is no table. */
export function columnBall(domain: Domain, options: ColumnBallOptions): Ball {
  requireArguments("columnBall", { domain: [domain, aDomain] });
  checkedOptions("columnBall", options, COLUMN_BALL_OPTIONS);
  const { shape } = domain;
  const { immutable = [], categories = "frozen" } = options;
  if (shape.length !== 1)
    throw new ShapeError(`columnBall: samples of [${shape}] came; rows of a table, [d], are needed`);
  const features = featuresOf(domain);
  for (const name of immutable) featureIndex(domain, name);
  const moves = (f: Feature): boolean => !immutable.includes(f.name);
  const radius = elements(domain, "radius", options.radius, (f) => f.kind === "numeric" && moves(f));
  const step = elements(domain, "step", options.step ?? 0, (f) => f.kind === "numeric");
  const chosen = categories === "frozen" ? [] : features.filter((f) => f.kind !== "numeric" && moves(f));
  const isChosen = row(shape[0], (i) => Number(chosen.some(({ at }) => at.includes(i))));
  const room = (x: Tensor): Tensor => maximum(sub(tensor(radius, [1, shape[0]]), mul(maximum(abs(x), 1), ROUNDING)), 0);

  const project = (moved: Tensor, x: Tensor): Tensor => {
    const most = room(x);
    const near = minimum(maximum(moved, sub(x, most)), add(x, most));
    const numeric = onSteps(near, x, step);
    return chosen.length === 0 ? numeric : where(rowTensor(isChosen), nearestValues(moved, domain, chosen), numeric);
  };
  const sample: Ball["sample"] = (key, x, shared) => {
    const [forNumbers, forValues] = random.split(key, 2);
    const drawn = shared ? [1, shape[0]] : x.shape;
    const numbers = add(x, mul(sub(mul(random.uniform(forNumbers, drawn), 2), 1), room(x)));
    // The largest of equally distributed numbers picks each category alike, and a number beside one half each of two values.
    const values =
      chosen.length === 0
        ? numbers
        : where(rowTensor(isChosen), inRange(random.uniform(forValues, drawn), domain), numbers);
    return project(values, x);
  };
  return { name: "columns", project, sample };
}

/** Steps of columns in units of the samples, from steps in the columns' own: `{ age: 1 }` for whole years.
 *  @throws RangeError for a column that is not there or not numeric. */
export function columnSteps(
  preparation: TablePreparation,
  steps: Readonly<Record<string, number>>,
): Record<string, number> {
  requireArguments("columnSteps", { preparation: [preparation, aTablePreparation], steps: [steps, numberRecord] });
  const { columns } = preparation;
  return Object.fromEntries(
    Object.entries(steps).map(([name, step]) => {
      const column = columns.find((one) => one.name === name);
      if (column?.kind !== "numeric")
        throw new RangeError(
          `columnSteps: "${name}" is no numeric column; there is ${columns
            .filter(({ kind }) => kind === "numeric")
            .map((one) => one.name)
            .join(", ")}`,
        );
      return [name, step / column.deviation];
    }),
  );
}

/** Moved by whole steps from x, towards it; any amount where the step is 0. */
function onSteps(moved: Tensor, x: Tensor, step: Float32Array): Tensor {
  if (step.every((s) => s === 0)) return moved;
  const width = rowTensor(step.map((s) => s || 1));
  const change = sub(moved, x);
  // What is a whole number of steps but for rounding stays one.
  const whole = mul(mul(sign(change), floor(add(div(abs(change), width), 1e-4))), width);
  const stepped = minimum(maximum(add(x, whole), minimum(moved, x)), maximum(moved, x));
  return where(rowTensor(step.map((s) => Number(s > 0))), stepped, moved);
}

/** Each of the features at one of its values, 0 elsewhere. moved [n,d] → [n,d] */
function nearestValues(
  moved: Tensor,
  { shape: [d], range: { low, high } }: Domain,
  features: readonly Feature[],
): Tensor {
  const bound = (b: typeof low, i: number): number => (typeof b === "number" ? b : b[i]);
  const parts = features.map(({ at }) => {
    const pick = new Float32Array(d * at.length);
    for (const [j, i] of at.entries()) pick[i * at.length + j] = 1;
    const own = matmul(moved, tensor(pick, [d, at.length]));
    if (at.length > 1) return { at, values: oneHot(argmax(own, 1), at.length) };
    const [from, to] = [bound(low, at[0]), bound(high, at[0])];
    return { at, values: where(greaterEqual(own, (from + to) / 2), to, from) };
  });
  const places = parts.flatMap(({ at }) => at);
  const put = new Float32Array(places.length * d);
  for (const [j, i] of places.entries()) put[j * d + i] = 1;
  return matmul(
    concat(
      parts.map(({ values }) => values),
      1,
    ),
    tensor(put, [places.length, d]),
  );
}

/** Numbers from 0 to 1, stretched to the range of each element. */
function inRange(u: Tensor, { shape: [d], range: { low, high } }: Domain): Tensor {
  const of = (b: typeof low): Tensor => rowTensor(row(d, (i) => (typeof b === "number" ? b : b[i])));
  return add(of(low), mul(u, sub(of(high), of(low))));
}

function elements(domain: Domain, what: string, given: PerColumn, counts: (f: Feature) => boolean): Float32Array {
  const found = new Float32Array(domain.shape[0]);
  const values = typeof given === "number" ? [given] : Object.values(given);
  for (const value of values)
    if (!(value >= 0 && Number.isFinite(value)))
      throw new RangeError(`columnBall: ${what} ${value} came; a finite number of at least 0 is needed`);
  if (typeof given !== "number") for (const name of Object.keys(given)) featureIndex(domain, name);
  for (const feature of featuresOf(domain))
    if (counts(feature))
      for (const i of feature.at) found[i] = typeof given === "number" ? given : (given[feature.name] ?? 0);
  return found;
}

function row(d: number, value: (i: number) => number): Float32Array {
  return Float32Array.from({ length: d }, (_, i) => value(i));
}

const rowTensor = (values: Float32Array): Tensor => tensor(values, [1, values.length]);
