/** Similarities of explanation maps as lists of numbers, on the GPU in batches. Maps are compared as they come: take absolute
 *  values first (`saliencyMap`) where signs should not count. What has no answer is NaN, as in SciPy: a correlation with a constant
 *  map, an angle to a map of zeros, anything about a map that holds NaN or an infinity. */

import {
  abs,
  averageRank,
  concordance,
  div,
  max,
  mean,
  min,
  mul,
  ShapeError,
  slice,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  topKMask,
} from "../../engine/index.js";
import { aCount, aTensor, maybe, wordOf } from "../../engine/kinds.js";
import { requireArguments } from "../../engine/options.js";
import { count, oneOf, setting } from "../../nn/schema.js";
import { atMostOne, type MetricInfo, metricEntry, type Similarity, similarity, within } from "./metric.js";

const CORRELATION = [-1, 1] as const;

/** Pearson correlation of rows [n,d] → [n]. */
function correlation(a: Tensor, b: Tensor): Tensor {
  return cosineOfRows(centred(a), centred(b));
}

/** Rows minus their mean, up to a factor. The first element is taken off before, so that a constant row becomes zero exactly. */
function centred(rows: Tensor): Tensor {
  const moved = atMostOne(sub(rows, slice(rows, [0, 0], [rows.shape[0], 1])));
  return sub(moved, mean(moved, 1, { keepDims: true }));
}

function cosineOfRows(a: Tensor, b: Tensor): Tensor {
  const [p, q] = [atMostOne(a), atMostOne(b)];
  // Two roots, because the product of two sums of squares rounds differently from the sum of products of equal maps.
  return within(CORRELATION, div(sum(mul(p, q), 1), mul(sqrt(sum(square(p), 1)), sqrt(sum(square(q), 1)))));
}

/** Pearson correlation coefficient. */
export const pearson: Similarity = similarity(
  {
    name: "Pearson",
    range: CORRELATION,
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
    range: CORRELATION,
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
    range: CORRELATION,
    larger: "more alike",
    perfect: 1,
    random: 0,
    differentiable: false,
    source: "Kendall 1945",
  },
  (a, b) => {
    const pairs = (x: Tensor, y: Tensor): Tensor => sum(concordance(x, y), 1);
    return within(CORRELATION, div(pairs(a, b), mul(sqrt(pairs(a, a)), sqrt(pairs(b, b)))));
  },
);

/** Cosine of the angle between maps. */
export const cosine: Similarity = similarity(
  {
    name: "cosine",
    range: CORRELATION,
    larger: "more alike",
    perfect: 1,
    random: "0 for signed maps",
    differentiable: true,
    source: "definition",
  },
  cosineOfRows,
);

const squaredErrorInfo: MetricInfo = {
  name: "MSE of normalised maps",
  range: [0, Number.POSITIVE_INFINITY],
  larger: "less alike",
  perfect: 0,
  random: "π for normal values, π − 2 for their sizes",
  differentiable: true,
  source: "Ghorbani et al. 2019 (scaling)",
};

const NORMALISATIONS: Readonly<Record<MapNormalisation, (rows: Tensor) => Tensor>> = {
  mean: (rows) => div(rows, mean(abs(rows), 1, { keepDims: true })),
  sum: (rows) => div(rows, sum(abs(rows), 1, { keepDims: true })),
  max: (rows) => div(rows, max(abs(rows), 1, { keepDims: true })),
  "min-max": (rows) => {
    const low = min(rows, 1, { keepDims: true });
    return div(sub(rows, low), sub(max(rows, 1, { keepDims: true }), low));
  },
};

/** What a map is divided by: the mean, the sum or the largest of its absolute values; or, for "min-max", moved and scaled to [0, 1]. */
export type MapNormalisation = (typeof MAP_NORMALISATIONS)[number];
const MAP_NORMALISATIONS = ["mean", "sum", "max", "min-max"] as const;
const aMapNormalisation = wordOf(...MAP_NORMALISATIONS);

/** Rows [n,d] normalised. NaN where there is nothing to divide by: rows of zeros, for "min-max" constant ones. */
export function normalised(rows: Tensor, by: MapNormalisation): Tensor {
  requireArguments("normalised", { rows: [rows, aTensor], by: [by, aMapNormalisation] });
  return NORMALISATIONS[by](atMostOne(rows));
}

/** Mean squared difference of maps that were normalised first. By "sum" it is the paper's (Dombrowski et al. 2019, sec. 2); by "mean"
 *  that times the square of the number of elements, so that it does not depend on the size of the maps. */
export function squaredErrorOf(by: MapNormalisation): Similarity {
  requireArguments("squaredErrorOf", { by: [by, aMapNormalisation] });
  return similarity(squaredErrorInfo, (a, b) => mean(square(sub(normalised(a, by), normalised(b, by))), 1));
}

/** Mean squared difference of maps that were divided by their mean absolute value, so that size does not count. */
export const normalisedSquaredError: Similarity = squaredErrorOf("mean");

const topKInfo = (name: string): MetricInfo => ({
  name,
  range: [0, 1],
  larger: "more alike",
  perfect: 1,
  random: "k / number of elements",
  differentiable: false,
  source: "Ghorbani et al. 2019",
});

/** Share of common elements among the k largest of each map; ties go to the first. Default k: a tenth of the map.
 *  Source: Ghorbani et al. 2019, sec. 2. */
export function topKIntersection(k?: number): Similarity {
  requireArguments("topKIntersection", { k: [k, maybe(aCount)] });
  return similarity(topKInfo(`top-${k ?? "k"} intersection`), (a, b) => {
    const taken = k ?? tenth(a.shape[1]);
    if (taken > a.shape[1])
      throw new ShapeError(`topKIntersection: k = ${k} of ${a.shape[1]} elements; 1 to ${a.shape[1]} is needed`);
    return div(sum(mul(topKMask(a, taken), topKMask(b, taken)), 1), taken);
  });
}

const tenth = (elements: number): number => Math.max(1, Math.round(elements / 10));

const plain = { kind: "similarity", needs: {}, options: {} } as const;
const symmetric = { symmetric: true, scaling: true } as const;

export const spearmanEntry = metricEntry({
  ...{ ...plain, name: "spearman", info: spearman.info, laws: symmetric },
  make: () => spearman,
});
export const kendallEntry = metricEntry({
  ...{ ...plain, name: "kendall", info: kendall.info, laws: symmetric },
  make: () => kendall,
});
export const pearsonEntry = metricEntry({
  ...{ ...plain, name: "pearson", info: pearson.info, laws: symmetric },
  make: () => pearson,
});
export const cosineEntry = metricEntry({
  ...{ ...plain, name: "cosine", info: cosine.info, laws: symmetric },
  make: () => cosine,
});
export const topKEntry = metricEntry({
  ...{ ...plain, name: "top-k", info: topKInfo("top-k intersection"), laws: symmetric },
  options: { k: setting(count, undefined, "elements compared, the largest of each map; a tenth of them if left out") },
  make: ({ k }) => topKIntersection(k),
});
export const squaredErrorEntry = metricEntry({
  ...{ ...plain, name: "normalised-mse", info: squaredErrorInfo, laws: symmetric },
  options: {
    by: setting(oneOf(...MAP_NORMALISATIONS), "mean", "what maps are divided by: this of their absolute values"),
  },
  make: ({ by }) => squaredErrorOf(by),
});
