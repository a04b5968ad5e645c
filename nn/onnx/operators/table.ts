/** The table of operators: a row for each and for each range of operator sets in which it means one thing. */
import type { Operator } from "../operator.js";
import { arithmetic } from "./arithmetic.js";
import { constants } from "./constants.js";
import { control } from "./control.js";
import { convolution } from "./convolution.js";
import { elementwise } from "./elementwise.js";
import { indexing } from "./indexing.js";
import { linear } from "./linear.js";
import { normalisation } from "./normalisation.js";
import { padding } from "./padding.js";
import { pooling } from "./pooling.js";
import { recurrentLayers } from "./recurrent.js";
import { reductions } from "./reduction.js";
import { resizing } from "./resize.js";
import { shape } from "./shape.js";
import { tabular } from "./tabular.js";

export const OPERATORS: readonly Operator[] = [
  ...elementwise,
  ...arithmetic,
  ...linear,
  ...convolution,
  ...pooling,
  ...normalisation,
  ...recurrentLayers,
  ...reductions,
  ...shape,
  ...padding,
  ...indexing,
  ...resizing,
  ...constants,
  ...control,
  ...tabular,
];

const byName = new Map<string, Operator[]>();
for (const row of OPERATORS) {
  const key = `${row.domain}::${row.name}`;
  byName.set(key, [...(byName.get(key) ?? []), row]);
}

/** The row of an operator in an operator set; undefined where there is none. */
export function findOperator(domain: string, name: string, opset: number): Operator | undefined {
  return byName.get(`${domain}::${name}`)?.find(({ since, until }) => opset >= since && opset <= until);
}

/** Operators of networks whose numbers are integers with a scale. */
export function isQuantised(name: string): boolean {
  return /^QLinear|Quantize|Integer$/.test(name);
}
