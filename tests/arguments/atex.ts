/** Right calls of what atex exports: a table for each of its entries. */
import { ATTACK } from "./atex/attack.js";
import { AUDIT } from "./atex/audit.js";
import { DEFEND } from "./atex/defend.js";
import { DRAW } from "./atex/draw.js";
import { EXPLAIN } from "./atex/explain.js";
import { MANIPULATIONS } from "./atex/manipulations.js";
import { MEASURE } from "./atex/measure.js";
import { SANITY } from "./atex/sanity.js";
import type { Row } from "./row.js";

export const ATEX: Readonly<Record<string, Row>> = {
  ...EXPLAIN,
  ...ATTACK,
  ...MANIPULATIONS,
  ...MEASURE,
  ...SANITY,
  ...DEFEND,
  ...AUDIT,
  ...DRAW,
};
