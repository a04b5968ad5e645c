import { describe, mean, random, ShapeError, slice, sub, type Tensor } from "../../engine/index.js";
import { aCount, aKey, required } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf } from "../../engine/options.js";
import type { Feature, FeatureRange } from "../../nn/index.js";
import { aRange } from "../../nn/kinds.js";
import { count, setting } from "../../nn/schema.js";
import { someFeatures } from "../kinds.js";
import type { Score } from "../score.js";
import { defaultRange } from "../subject.js";
import { type Groups, groupsOf, regionsOf } from "./groups.js";
import { type Faithfulness, faithful, type MetricInfo, metricEntry, ofFinite, seventh } from "./metric.js";
import { replacementCurve, uniformIn } from "./replacement.js";

/** Which parts of an input are replaced, how many, and by what. */
export interface AopcOptions {
  /** Side of an image's regions in pixels; default a seventh of the shorter side, 4 of 28. Regions at the lower and right border are
   *  smaller where the sides are not multiples of it. */
  readonly region?: number;
  /** Regions (or features, or elements) replaced, L, 1 to all; default all. */
  readonly steps?: number;
  /** What replaces them is uniform in this range, as in the paper; default that of pixels for images, none otherwise. */
  readonly range?: FeatureRange;
  /** Features of a table that are replaced as one; default each element by itself. */
  readonly features?: readonly Feature[];
  /** Key of what replaces, and of the random order, u32[2]; both are the same for all samples of a batch. */
  readonly key: Tensor;
}

const AOPC_OPTIONS: KindsOf<AopcOptions> = {
  region: aCount,
  steps: aCount,
  range: aRange,
  features: someFeatures,
  key: required(aKey),
};

/** How the score falls as parts are replaced, in the map's order and by chance. Source: Samek et al. 2017. */
export interface AopcCurves {
  /** f(x) − f(x with the first k regions replaced), k = 0 … L. [L + 1, n] */
  readonly map: Tensor;
  /** The same in a random order: what a map has to beat. */
  readonly random: Tensor;
}

export const aopcInfo: MetricInfo = {
  name: "AOPC",
  range: [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
  larger: "more faithful",
  perfect: "the largest drop; compare with the random order",
  random: "that of the random order",
  differentiable: false,
  source: "Samek et al. 2017",
};

/** How the score falls when parts of the input are replaced by noise, those of the largest sum of the map first: regions of images
 *  [n,c,h,w] with maps [n,h,w]; features, or elements, of other inputs with maps of one value each.
 *  @throws ShapeError when the map does not belong to the input or there are fewer parts than `steps`, TypeError without a range. */
export function aopcCurves(options: AopcOptions): (score: Score, x: Tensor, map: Tensor) => AopcCurves {
  checkedOptions("aopcCurves", options, AOPC_OPTIONS);
  return (score, x, map) => {
    const { groups, order, drops } = replacing(options, score, x, map);
    return {
      map: ofFinite(drops(groups.values), map),
      random: drops(random.uniform(order, [1, groups.count])),
    };
  };
}

/** The parts of an input, a key for a random order, and the drops of the score in the order of falling values. */
function replacing(options: AopcOptions, score: Score, x: Tensor, map: Tensor) {
  const groups = partsOf(options, x, map);
  const { key, steps = groups.count, range = defaultRange(x) } = options;
  if (steps > groups.count)
    throw new ShapeError(`aopc: ${steps} of ${groups.count} parts of ${describe(x)}; 1 to ${groups.count} are needed`);
  if (!range) throw new TypeError(`aopc: no range for inputs ${describe(x)}; give the valid range of its elements`);
  const [noise, order] = random.split(key, 2);
  const counts = Array.from({ length: steps + 1 }, (_, k) => k);
  const replaced = uniformIn(range, noise, x);
  const drops = (values: Tensor): Tensor => {
    const curve = replacementCurve(score, x, replaced, groups, values, counts);
    return sub(slice(curve, [0, 0], [1, x.shape[0]]), curve);
  };
  return { groups, order, drops };
}

function partsOf({ region, features }: AopcOptions, x: Tensor, map: Tensor): Groups {
  if (x.rank === 4) return regionsOf("aopc", x, map, region ?? seventh(x.shape[2], x.shape[3]));
  if (region !== undefined)
    throw new ShapeError(
      `aopc: regions of ${region}×${region} of ${describe(x)}; images [n,c,h,w] are needed for them`,
    );
  return groupsOf("aopc", x, map, features);
}

/** Area over the perturbation curve, 1/(L + 1) Σ_k f(x) − f(x⁽ᵏ⁾), per sample [n]. */
export function aopc(options: AopcOptions): Faithfulness {
  checkedOptions("aopc", options, AOPC_OPTIONS);
  const area = (score: Score, x: Tensor, map: Tensor): Tensor => {
    const { groups, drops } = replacing(options, score, x, map);
    return mean(ofFinite(drops(groups.values), map), 0);
  };
  return faithful("aopc", aopcInfo, area);
}

export const aopcEntry = metricEntry({
  name: "aopc",
  kind: "faithfulness",
  info: aopcInfo,
  needs: { key: true },
  options: {
    region: setting(
      count,
      undefined,
      "side of an image's regions in pixels; a seventh of the shorter side if left out",
    ),
    steps: setting(count, undefined, "regions or features replaced; all if left out"),
  },
  laws: { scaling: true },
  make: (settings, { key, domain }) =>
    aopc({ ...settings, key: key!, range: domain?.range, features: domain?.features }),
});
