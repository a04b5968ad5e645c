/** Similarities of explanation maps as lists of numbers, on the GPU in batches. Maps are compared as they come: take absolute
 *  values first (`saliencyMap`) where signs should not count. A constant map has no correlation with anything: NaN, as in SciPy. */
import {
  abs,
  averageRank,
  concordance,
  div,
  mean,
  mul,
  oneHot,
  ShapeError,
  slice,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  topK,
} from "../../engine/index.js";
import { type Similarity, similarity } from "./metric.js";

/** Pearson correlation of rows [n,d] → [n]. */
function correlation(a: Tensor, b: Tensor): Tensor {
  return cosineOfRows(centred(a), centred(b));
}

/** Rows minus their mean. The first element is taken off before, so that a constant row becomes zero exactly. */
function centred(rows: Tensor): Tensor {
  const moved = sub(rows, slice(rows, [0, 0], [rows.shape[0], 1]));
  return sub(moved, mean(moved, 1, { keepDims: true }));
}

function cosineOfRows(a: Tensor, b: Tensor): Tensor {
  // Two roots: the product of two sums of squares leaves the range of f32 sooner.
  return div(sum(mul(a, b), 1), mul(sqrt(sum(square(a), 1)), sqrt(sum(square(b), 1))));
}

/** Pearson correlation coefficient. */
export const pearson: Similarity = similarity(
  {
    name: "Pearson",
    range: [-1, 1],
    larger: "more alike",
    perfect: 1,
    random: 0,
    differentiable: true,
    source: "Pearson 1895",
  },
  correlation,
);

/** Rank correlation, equal pixels sharing their average rank. */
export const spearman: Similarity = similarity(
  {
    name: "Spearman",
    range: [-1, 1],
    larger: "more alike",
    perfect: 1,
    random: 0,
    differentiable: false,
    source: "Spearman 1904",
  },
  (a, b) => correlation(averageRank(a), averageRank(b)),
);

/** Kendall's τ_b: pairs of pixels in the same order minus pairs in opposite order, over the geometric mean of the numbers of
 *  pairs that are not tied in each map. Work grows with the square of the number of pixels. */
export const kendall: Similarity = similarity(
  {
    name: "Kendall tau-b",
    range: [-1, 1],
    larger: "more alike",
    perfect: 1,
    random: 0,
    differentiable: false,
    source: "Kendall 1945",
  },
  (a, b) => {
    const pairs = (x: Tensor, y: Tensor): Tensor => sum(concordance(x, y), 1);
    return div(pairs(a, b), mul(sqrt(pairs(a, a)), sqrt(pairs(b, b))));
  },
);

/** Cosine of the angle between maps. */
export const cosine: Similarity = similarity(
  {
    name: "cosine",
    range: [-1, 1],
    larger: "more alike",
    perfect: 1,
    random: "0 for signed maps",
    differentiable: true,
    source: "definition",
  },
  cosineOfRows,
);

/** Mean squared difference of maps that were divided by their mean absolute value, so that size does not count: the mean square
 *  of maps scaled to sum 1, times the square of the number of pixels. */
export const normalisedSquaredError: Similarity = similarity(
  {
    name: "MSE of normalised maps",
    range: [0, Number.POSITIVE_INFINITY],
    larger: "less alike",
    perfect: 0,
    random: "π for normal values, π − 2 for their sizes",
    differentiable: true,
    source: "Ghorbani et al. 2019 (scaling)",
  },
  (a, b) => mean(square(sub(atMeanOne(a), atMeanOne(b))), 1),
);

function atMeanOne(rows: Tensor): Tensor {
  return div(rows, mean(abs(rows), 1, { keepDims: true }));
}

/** Share of common pixels among the k largest of each map; ties go to the first pixel. Source: Ghorbani et al. 2019, sec. 2. */
export function topKIntersection(k: number): Similarity {
  return similarity(
    {
      name: `top-${k} intersection`,
      range: [0, 1],
      larger: "more alike",
      perfect: 1,
      random: "k / number of pixels",
      differentiable: false,
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
