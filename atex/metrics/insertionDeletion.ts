import { add, describe, mean, mul, slice, type Tensor, zerosLike } from "../../engine/index.js";
import { aNumber, aTensorOrNumber } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf } from "../../engine/options.js";
import type { Feature } from "../../nn/index.js";
import { count, oneOf, setting } from "../../nn/schema.js";
import { someFeatures } from "../kinds.js";
import type { Score } from "../score.js";
import { groupsOf } from "./groups.js";
import { type Faithfulness, faithful, type MetricContext, type MetricInfo, metricEntry, ofFinite } from "./metric.js";
import { replacementCurve } from "./replacement.js";

/** How inputs are taken apart, and what stands for what is missing. */
export interface ReplacementOptions {
  /** Points of the curve besides its beginning, each of which replaces an equal share of the parts; default the height of an image,
   *  so that each replaces as many pixels as a row has; of other inputs all parts one by one, but at most 50 points. */
  readonly steps?: number;
  /** What stands for what is missing: a number or a tensor that broadcasts to the inputs; default 0. */
  readonly baseline?: number | Tensor;
  /** Features of a table that are replaced as one; default each element by itself. */
  readonly features?: readonly Feature[];
}

const REPLACEMENT_OPTIONS: KindsOf<ReplacementOptions> = {
  steps: aNumber,
  baseline: aTensorOrNumber,
  features: someFeatures,
};

export const deletionInfo: MetricInfo = {
  name: "deletion AUC",
  range: [0, 1],
  larger: "less faithful",
  perfect: "near 0",
  random: "that of a random order",
  differentiable: false,
  source: "Petsiuk et al. 2018",
};

/** Area under the score while parts of the input are taken away, the most important first; in [0,1] for a score that is a probability.
 *  Images [n,c,h,w] with maps [n,h,w]; other inputs with maps of their shape, or of one value per feature.
 *  @throws RangeError for more steps than parts, ShapeError when the map does not belong to the input. */
export function deletionAuc(options: ReplacementOptions = {}): Faithfulness {
  checkedOptions("deletionAuc", options, REPLACEMENT_OPTIONS);
  return areaUnder("deletionAuc", deletionInfo, options, (x, base) => [x, base]);
}

export const insertionInfo: MetricInfo = {
  name: "insertion AUC",
  range: [0, 1],
  larger: "more faithful",
  perfect: "near 1",
  random: "that of a random order",
  differentiable: false,
  source: "Petsiuk et al. 2018",
};

/** Area under the score while parts are put into the baseline, the most important first; as `deletionAuc`. */
export function insertionAuc(options: ReplacementOptions = {}): Faithfulness {
  checkedOptions("insertionAuc", options, REPLACEMENT_OPTIONS);
  return areaUnder("insertionAuc", insertionInfo, options, (x, base) => [base, x]);
}

function areaUnder(
  name: string,
  info: MetricInfo,
  { steps: wanted, baseline = 0, features }: ReplacementOptions,
  ends: (x: Tensor, base: Tensor) => [from: Tensor, to: Tensor],
): Faithfulness {
  return faithful(name, info, (score: Score, x: Tensor, map: Tensor): Tensor => {
    const groups = groupsOf(name, x, map, features);
    const steps = wanted ?? (x.rank === 4 ? x.shape[2] : Math.min(groups.count, 50));
    if (!Number.isInteger(steps) || steps < 1 || steps > groups.count)
      throw new RangeError(
        `${name}: ${steps} steps for ${groups.count} parts of ${describe(x)} given; a whole number of 1 to ${groups.count} is needed`,
      );
    const n = x.shape[0];
    const [from, to] = ends(x, add(zerosLike(x), baseline));
    const counts = Array.from({ length: steps + 1 }, (_, k) => Math.round((k * groups.count) / steps));
    const curve = replacementCurve(score, from, to, groups, groups.values, counts);
    // The trapezoid rule: the mean of each interval's two ends.
    const [left, right] = [slice(curve, [0, 0], [steps, n]), slice(curve, [1, 0], [steps, n])];
    return ofFinite(mean(mul(add(left, right), 0.5), 0), map);
  });
}

const shared = {
  kind: "faithfulness",
  needs: {},
  options: {
    steps: setting(count, undefined, "points of the curve; the height of an image if left out, or all features"),
    baseline: setting(
      oneOf("zero", "background"),
      "zero",
      "what stands for what is missing: 0 or the mean of the background",
    ),
  },
  laws: { scaling: true },
} as const;

function replacementOf(
  name: string,
  { steps, baseline }: { readonly steps?: number; readonly baseline: "zero" | "background" },
  { background, domain }: MetricContext,
): ReplacementOptions {
  if (baseline === "background" && !background)
    throw new TypeError(`${name}: no background in the context; its mean is asked for as the baseline`);
  return {
    ...{ steps, features: domain?.features },
    baseline: baseline === "background" ? mean(background!, 0) : 0,
  };
}

export const deletionEntry = metricEntry({
  ...{ ...shared, name: "deletion-auc", info: deletionInfo },
  make: (settings, context) => deletionAuc(replacementOf("deletion-auc", settings, context)),
});
export const insertionEntry = metricEntry({
  ...{ ...shared, name: "insertion-auc", info: insertionInfo },
  make: (settings, context) => insertionAuc(replacementOf("insertion-auc", settings, context)),
});
