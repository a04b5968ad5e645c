/** Statistics of networks trained to show other maps. Source: Heo, Joo, Moon 2019, sec. 3 and 4 (passive and active fooling). */

import { div, mean, mul, ShapeError, square, sub, sum, type Tensor, tensor, topKMask } from "../../engine/index.js";
import { aCount, aNumber, aTensor, numbers } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../engine/options.js";
import { aList } from "../../nn/kinds.js";
import { count, number, setting } from "../../nn/schema.js";
import {
  type MetricInfo,
  metricEntry,
  ofFinite,
  type Placement,
  requireAlike,
  requireGrid,
  rows,
  type Similarity,
  seventh,
  similarity,
} from "./metric.js";
import { requireMaskOf } from "./relevanceMass.js";
import { normalised, spearman } from "./similarities.js";

const locationInfo: MetricInfo = {
  name: "location loss",
  range: [0, 1],
  larger: "worse placed",
  perfect: 0,
  random: "1/3 for uniform values",
  differentiable: true,
  source: "Heo et al. 2019",
};

/** Where the map is wanted. */
export interface LocationOptions {
  /** Where the map is wanted: zeros and ones, [n,h,w] or [1,h,w]; default the frame along the border. */
  readonly mask?: Tensor;
  /** Width of that frame in pixels, with an inside left; default a seventh of the shorter side. */
  readonly width?: number;
}

const LOCATION_OPTIONS: KindsOf<LocationOptions> = {
  mask: aTensor,
  width: aCount,
};

/** Mean squared difference between a map scaled to [0, 1] by its smallest and largest value and a mask, default a frame along the
 *  border: [n,h,w] → [n]; of any rank with a mask. NaN for a constant map. */
export function locationLoss(options: LocationOptions = {}): Placement {
  const { mask, width } = checkedOptions("locationLoss", options, LOCATION_OPTIONS);
  return Object.assign(
    (map: Tensor): Tensor => {
      if (!mask) requireGrid("locationLoss", map);
      const wanted = mask ?? frame(map.shape[1], map.shape[2], width);
      requireMaskOf("locationLoss", map, wanted);
      return ofFinite(mean(square(sub(rows(wanted), normalised(rows(map), "min-max"))), 1), map);
    },
    { info: locationInfo },
  );
}

/** 1 along the border, 0 inside. [1,h,w] */
function frame(h: number, w: number, width = seventh(h, w)): Tensor {
  if (2 * width >= Math.min(h, w))
    throw new ShapeError(`locationLoss: a frame of ${width} pixels in maps of ${h}×${w}; one with an inside is needed`);
  const outside = (i: number, side: number): boolean => i < width || i >= side - width;
  return tensor(
    Float32Array.from({ length: h * w }, (_, i) => Number(outside(Math.floor(i / w), h) || outside(i % w, w))),
    [1, h, w],
  );
}

const topKLossInfo: MetricInfo = {
  name: "top-k loss",
  range: [0, 1],
  larger: "more alike",
  perfect: "the mean square of the map's own largest values",
  random: "1/3 for uniform values",
  differentiable: true,
  source: "Heo et al. 2019",
};

/** What is left where the first map is largest: the mean of the squares of the second, scaled to [0, 1] by its smallest and largest
 *  value, over the largest `share` of the first. The derivative is that of the second. */
export function topKLoss(share = 0.1): Similarity {
  requireArguments("topKLoss", { share: [share, aNumber] });
  if (!(share > 0 && share <= 1))
    throw new RangeError(`topKLoss: share ${share} given; more than 0, at most 1 is needed`);
  return similarity(topKLossInfo, (a, b) => {
    const k = Math.max(1, Math.round(share * a.shape[1]));
    return div(sum(mul(topKMask(a, k), square(normalised(b, "min-max"))), 1), k);
  });
}

export const swapInfo: MetricInfo = {
  name: "rank correlation gained by the other class",
  range: [-2, 2],
  larger: "less alike",
  perfect: "Spearman of the two classes' maps, less 1",
  random: 0,
  differentiable: false,
  source: "Heo et al. 2019",
};

/** Whether a network shows the map of another class: r(h, other) − r(h, own) with h the map of a class under the network in
 *  question, `own` and `other` the original network's maps of that class and of the other; r is Spearman's. [n, ...] each → [n]. */
export const classSwap = Object.assign(
  (h: Tensor, own: Tensor, other: Tensor): Tensor => {
    requireAlike("classSwap", h, own);
    requireAlike("classSwap", h, other);
    return sub(spearman(h, other), spearman(h, own));
  },
  { info: swapInfo },
);

/** The interval of a statistic that counts as fooled, ends included. */
export interface FoolingInterval {
  /** Default: no lower end. */
  readonly low?: number;
  /** Default: no upper end. */
  readonly high?: number;
}

const FOOLING_INTERVAL_OPTIONS: KindsOf<FoolingInterval> = {
  low: aNumber,
  high: aNumber,
};

/** Fooling success rate: the share of samples whose prediction was kept and whose statistic lies in the interval; in [0, 1]. NaN
 *  when a kept sample has a statistic of NaN: leave such samples out, and say how many. Source: Heo, Joo, Moon 2019, sec. 4.
 *  @throws RangeError for no samples, lists of different lengths, or an interval without anything in it. */
export function foolingSuccessRate(
  kept: ArrayLike<boolean | number>,
  statistic: ArrayLike<number>,
  options: FoolingInterval,
): number {
  requireArguments("foolingSuccessRate", { kept: [kept, aList], statistic: [statistic, numbers] });
  const { low = Number.NEGATIVE_INFINITY, high = Number.POSITIVE_INFINITY } = checkedOptions(
    "foolingSuccessRate",
    options,
    FOOLING_INTERVAL_OPTIONS,
  );
  const n = statistic.length;
  if (n === 0 || kept.length !== n || !(low <= high))
    throw new RangeError(
      `foolingSuccessRate: ${kept.length} predictions, ${n} statistics, interval [${low}, ${high}] given; as many of both, at least one, and low <= high are needed`,
    );
  let fooled = 0;
  for (let i = 0; i < n; i++) {
    if (!kept[i]) continue;
    if (Number.isNaN(statistic[i])) return Number.NaN;
    if (statistic[i] >= low && statistic[i] <= high) fooled++;
  }
  return fooled / n;
}

export const locationEntry = metricEntry({
  name: "location-loss",
  kind: "placement",
  info: locationInfo,
  needs: { grid: true },
  options: {
    width: setting(
      count,
      undefined,
      "width in pixels of the frame where the map is wanted; a seventh of the shorter side",
    ),
  },
  laws: { scaling: true },
  make: (settings) => locationLoss(settings),
});

export const topKLossEntry = metricEntry({
  name: "top-k-loss",
  kind: "similarity",
  info: topKLossInfo,
  needs: {},
  options: { share: setting(number({ min: 0, max: 1 }), 0.1, "of the elements: the largest of the first map") },
  laws: { symmetric: false, scaling: true },
  make: ({ share }) => topKLoss(share),
});
