/** How a score falls while parts of the input are removed in the order of a map, under a chosen imputer. */

import {
  argsort,
  cast,
  concat,
  gather,
  less,
  mean,
  random,
  reshape,
  scope,
  stack,
  type Tensor,
  tensor,
} from "../../engine/index.js";
import { aKey, aTensor, required } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../engine/options.js";
import { asOneBatch, copiesOf } from "../copies.js";
import { anyNumbers, aScore } from "../kinds.js";
import type { Score } from "../score.js";
import { chunksOf } from "./chunks.js";
import type { Groups } from "./groups.js";
import type { Imputer } from "./imputers.js";
import { aGroups, anImputer } from "./kinds.js";

/** Place of each group in the order of falling value, from 0; equal values are in random order, the same for every sample. [n,g] → [n,g] */
export function shuffledOrder(key: Tensor, values: Tensor): Tensor {
  const shuffle = random.permutation(key, values.shape[1]);
  const place = argsort(argsort(gather(values, shuffle, 1), { descending: true }));
  return cast(gather(place, argsort(shuffle), 1), "f32");
}

/** What fills the place of removed groups, and at which points of the curve the score is asked. */
export interface RemovalOptions {
  readonly imputer: Imputer;
  /** How many groups are removed, point by point, from 0 to all. */
  readonly counts: readonly number[];
  /** Key of the fillings, and of the order of equal values, u32[2]. */
  readonly key: Tensor;
}

const REMOVAL_OPTIONS: KindsOf<RemovalOptions> = {
  imputer: required(anImputer),
  counts: required(anyNumbers),
  key: required(aKey),
};

/** The score after the first `counts[k]` groups in the order of falling `values` [n, groups] were removed → [k, n]. Most relevant first,
 *  with what a map says of each group; least relevant first, with its negative. Source: Samek et al. 2017; Rong et al. 2022. */
export function removalCurve(score: Score, x: Tensor, groups: Groups, values: Tensor, options: RemovalOptions): Tensor {
  requireArguments("removalCurve", {
    score: [score, aScore],
    x: [x, aTensor],
    groups: [groups, aGroups],
    values: [values, aTensor],
  });
  const { imputer, counts, key } = checkedOptions("removalCurve", options, REMOVAL_OPTIONS);
  const n = x.shape[0];
  const [order, fillings] = random.split(key, 2);
  const place = groups.spread(shuffledOrder(order, values));
  const draws = Array.from({ length: imputer.draws }, (_, draw) =>
    concat(
      chunksOf(x, counts.length).map((points) =>
        scope(() => {
          const now = tensor(
            Float32Array.from(points, (k) => counts[k]),
            [points.length, ...x.shape.map(() => 1)],
          );
          const removed = asOneBatch(less(reshape(place, [1, ...place.shape]), now));
          const left = imputer.fill(random.fold(fillings, draw), asOneBatch(copiesOf(x, points.length)), removed);
          return reshape(score(left), [points.length, n]);
        }, "removal"),
      ),
    ),
  );
  return draws.length === 1 ? draws[0] : mean(stack(draws), 0);
}
