/** Distances of explanations inside losses: maps a, b [n,c,h,w] → [n], smooth, 0 for equal maps. */

import { add, div, mul, sqrt, square, sub, sum, type Tensor } from "../../engine/index.js";
import { aTensor } from "../../engine/kinds.js";
import { requireArguments } from "../../engine/options.js";
import { rows } from "../metrics/metric.js";

/** A distance of maps that a loss can hold: a, b [n,...] → [n], with a derivative everywhere and 0 for equal maps; `title` is its
 *  formula. */
export interface Distance {
  (a: Tensor, b: Tensor): Tensor;
  readonly title: string;
}

/** ‖a − b‖₂². */
export const squaredL2: Distance = Object.assign(
  (a: Tensor, b: Tensor) => {
    requireArguments("squaredL2", { a: [a, aTensor], b: [b, aTensor] });
    return sum(square(sub(rows(a), rows(b))), 1);
  },
  { title: "‖a − b‖₂²" },
);

/** Keeps 0/0 and the square root's infinite slope at 0 away; far below the squared norm of any gradient that matters. */
const TINY = 1e-20;

/** 1 − ⟨a,b⟩ / (‖a‖ ‖b‖), in [0, 2]; scale does not count. */
export const cosineDistance: Distance = Object.assign(
  (a: Tensor, b: Tensor) => {
    requireArguments("cosineDistance", { a: [a, aTensor], b: [b, aTensor] });
    const [p, q] = [rows(a), rows(b)];
    const lengths = mul(sqrt(add(sum(square(p), 1), TINY)), sqrt(add(sum(square(q), 1), TINY)));
    return add(mul(div(sum(mul(p, q), 1), lengths), -1), 1);
  },
  { title: "1 − cos(a, b)" },
);
