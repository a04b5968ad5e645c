/** Scores of inputs whose groups are replaced one after another in the order of a map: what AOPC, insertion and deletion share. */
import {
  add,
  argsort,
  cast,
  concat,
  less,
  mul,
  random,
  reshape,
  scope,
  type Tensor,
  tensor,
  where,
} from "../../engine/index.js";
import type { FeatureRange } from "../../nn/index.js";
import type { Score } from "../score.js";
import { chunksOf } from "./chunks.js";
import type { Groups } from "./groups.js";

/** Place of each group in the order of falling value, from 0; the first of equals comes first. [n,g] → f32 [n,g] */
export function fallingOrder(values: Tensor): Tensor {
  return cast(argsort(argsort(values, { descending: true })), "f32");
}

/** The score after the first `counts[k]` groups in the order of falling `values` [n or 1, groups] were taken from `to` instead of
 *  `from`, both of the inputs' shape or [1, ...] → [k,n]. */
export function replacementCurve(
  score: Score,
  from: Tensor,
  to: Tensor,
  groups: Groups,
  values: Tensor,
  counts: readonly number[],
): Tensor {
  const n = Math.max(from.shape[0], to.shape[0]);
  const shape = from.shape.slice(1);
  const place = groups.spread(fallingOrder(values));
  const whole = from.shape[0] === n ? from : to;
  const parts = chunksOf(whole, counts.length).map((steps) =>
    scope(() => {
      const now = tensor(
        Float32Array.from(steps, (k) => counts[k]),
        [steps.length, ...whole.shape.map(() => 1)],
      );
      const mixed = where(less(reshape(place, [1, ...place.shape]), now), oneMore(to), oneMore(from));
      return reshape(score(reshape(mixed, [steps.length * n, ...shape])), [steps.length, n]);
    }, "replacement"),
  );
  return concat(parts);
}

const oneMore = (x: Tensor): Tensor => reshape(x, [1, ...x.shape]);

/** Uniform draws from a range, the same for all samples. x [n,...] → [1,...] */
export function uniformIn(range: FeatureRange, key: Tensor, x: Tensor): Tensor {
  const unit = random.uniform(key, [1, ...x.shape.slice(1)]);
  return add(mul(unit, widthOf(range, x)), bound(range.low, x));
}

/** high − low, for all elements or for each. */
export function widthOf({ low, high }: FeatureRange, x: Tensor): Tensor | number {
  if (typeof low === "number" && typeof high === "number") return high - low;
  const elements = x.size / x.shape[0];
  const at = (b: number | readonly number[], i: number): number => (typeof b === "number" ? b : b[i]);
  return bound(
    Array.from({ length: elements }, (_, i) => at(high, i) - at(low, i)),
    x,
  );
}

function bound(b: number | readonly number[], x: Tensor): Tensor | number {
  return typeof b === "number" ? b : tensor(Float32Array.from(b), x.shape.slice(1));
}
