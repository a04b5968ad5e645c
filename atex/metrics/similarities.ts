/** Similarities of explanation maps, on the GPU in batches. Maps are compared as they come: take absolute values first
 *  (`saliencyMap`) where signs should not count. */
import {
  averageRank,
  div,
  mean,
  mul,
  oneHot,
  ShapeError,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  topK,
} from "../../engine/index.js";
import { type Similarity, similarity } from "./metric.js";

/** Pearson correlation of rows; 0/0 (a constant map) is NaN, as in SciPy. */
function correlation(a: Tensor, b: Tensor): Tensor {
  const [x, y] = [a, b].map((m) => sub(m, mean(m, 1, { keepDims: true })));
  return div(sum(mul(x, y), 1), sqrt(mul(sum(square(x), 1), sum(square(y), 1))));
}

/** Pearson correlation coefficient. */
export const pearson: Similarity = similarity(
  { name: "Pearson", range: [-1, 1], larger: "more alike", equal: 1, unrelated: 0, source: "Pearson 1895" },
  correlation,
);

/** Rank correlation, equal pixels sharing their average rank. */
export const spearman: Similarity = similarity(
  { name: "Spearman", range: [-1, 1], larger: "more alike", equal: 1, unrelated: 0, source: "Spearman 1904" },
  (a, b) => correlation(averageRank(a), averageRank(b)),
);

/** Cosine of the angle between maps. */
export const cosine: Similarity = similarity(
  {
    name: "cosine",
    range: [-1, 1],
    larger: "more alike",
    equal: 1,
    unrelated: "0 for signed maps",
    source: "definition",
  },
  (a, b) => div(sum(mul(a, b), 1), sqrt(mul(sum(square(a), 1), sum(square(b), 1)))),
);

/** Share of common pixels among the k largest of each map; ties go to the first pixel. Source: Ghorbani et al. 2019, sec. 2. */
export function topKIntersection(k: number): Similarity {
  return similarity(
    {
      name: `top-${k} intersection`,
      range: [0, 1],
      larger: "more alike",
      equal: 1,
      unrelated: "k / number of pixels",
      source: "Ghorbani et al. 2019",
    },
    (a, b) => {
      if (!Number.isInteger(k) || k < 1 || k > a.shape[1])
        throw new ShapeError(`topKIntersection: k = ${k} of ${a.shape[1]} pixels; 1 to ${a.shape[1]} is needed`);
      return div(sum(mul(topKMask(a, k), topKMask(b, k)), 1), k);
    },
  );
}

/** 1 at the k largest elements of each row, 0 elsewhere. [n,d] → [n,d], no gradient. */
export function topKMask(rows: Tensor, k: number): Tensor {
  return sum(oneHot(topK(rows, k).indices, rows.shape[1]), 1);
}
