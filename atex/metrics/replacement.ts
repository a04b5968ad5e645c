/** Scores of images whose pixels are replaced one after another in the order of a map: what AOPC, insertion and deletion share. */
import { argsort, cast, concat, less, reshape, type Tensor, tensor, where } from "../../engine/index.js";
import type { Score } from "../score.js";
import { rows } from "./metric.js";

/** Steps evaluated at once. */
const CHUNK = 10;

/** Place of each element in the order of falling value, from 0; the first of equals comes first. [n,...] → f32 [n,...] */
export function fallingOrder(map: Tensor): Tensor {
  const order = argsort(rows(map), { descending: true });
  return reshape(cast(argsort(order), "f32"), map.shape);
}

/** The score after the first `counts[k]` places of the order were taken from `to` instead of `from`: images [n,c,h,w], places
 *  [n,h,w] → [k,n]. */
export function replacementCurve(
  score: Score,
  from: Tensor,
  to: Tensor,
  places: Tensor,
  counts: readonly number[],
): Tensor {
  const [n, c, h, w] = from.shape;
  const place = reshape(places, [1, n, 1, h, w]);
  const parts: Tensor[] = [];
  for (let k = 0; k < counts.length; k += CHUNK) {
    const now = counts.slice(k, k + CHUNK);
    const taken = less(place, tensor(now, [now.length, 1, 1, 1, 1]));
    const images = where(taken, reshape(to, [1, n, c, h, w]), reshape(from, [1, n, c, h, w]));
    parts.push(reshape(score(reshape(images, [now.length * n, c, h, w])), [now.length, n]));
  }
  return concat(parts);
}
