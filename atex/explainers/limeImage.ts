import { expand, full, reshape, type Tensor, tensor, transpose, where } from "../../engine/index.js";
import { aCount, aNatural, aNumber, aNumberOfAtLeast0, either, required, wordOf } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf } from "../../engine/options.js";
import { drawFrom } from "../../nn/data/integer-random.js";
import { inChunks } from "../copies.js";
import { someGroups } from "../kinds.js";
import type { Score } from "../score.js";
import { type FeatureGroups, flatSamples } from "./features.js";
import { asLime, type Lime, type LimeOptions, limeSettings } from "./lime.js";
import { fitLocal } from "./localFit.js";
import { ridgeSolver } from "./solve.js";

/** What of an image LIME switches, and what is seen where it is off. */
export interface LimeImageOptions extends LimeOptions {
  /** What is switched: segments or patches. */
  readonly groups: FeatureGroups;
  /** What a group shows when it is off: its mean colour (default), or a number. */
  readonly fill?: "mean" | number;
}

const LIME_IMAGE_OPTIONS: KindsOf<LimeImageOptions> = {
  groups: required(someGroups),
  fill: either(aNumber, wordOf("mean")),
  samples: aNumber,
  seed: aNatural,
  width: aNumberOfAtLeast0,
  alpha: aNumber,
  select: wordOf("none", "highest", "forward"),
  keep: aCount,
  budget: aCount,
};

/** A linear model of the score over switched groups of pixels: each copy has about half of them off, copies count by
 *  sqrt(exp(−d² / width²)) with d the cosine distance of its switches to all on, width 0.25 by default. Every pixel gets the
 *  coefficient of its group. Source: Ribeiro et al. 2016, sec. 3.2 to 3.4, with the authors' kernel. */
export function limeImage(given: LimeImageOptions): Lime {
  const { groups, fill = "mean", budget, ...options } = checkedOptions("limeImage", given, LIME_IMAGE_OPTIONS);
  const { samples, seed, width, alpha, select, keep } = limeSettings(options, 0.25);
  if (fill !== "mean" && !Number.isFinite(fill))
    throw new RangeError(`lime: fill ${fill} came; "mean" or a number is needed`);
  const g = groups.count;
  const draw = drawFrom(seed, 0x4c69, g);
  const switches = Float64Array.from({ length: samples * g }, (_, at) => (at < g ? 1 : draw.bits() >>> 31));
  const weights = Float64Array.from({ length: samples }, (_, s) => {
    const on = switches.subarray(s * g, (s + 1) * g).reduce((a, b) => a + b, 0);
    // The cosine of a vector of zeros and ones and one of ones: on / (√on √g).
    const distance = 1 - Math.sqrt(on / g);
    return Math.exp((-distance * distance) / (2 * width * width));
  });
  const solver = select === "none" ? ridgeSolver(switches, weights, g, alpha) : undefined;
  if (select === "none" && !solver)
    throw new RangeError(
      `lime: ${samples} copies do not tell ${g} groups apart; more samples or an alpha above ${alpha} are needed`,
    );

  return asLime((score: Score, x: Tensor) => {
    const [n, ...shape] = x.shape;
    const own = flatSamples("lime", x, groups.shape);
    const d = own.shape[1];
    const other = fill === "mean" ? reshape(groups.means(x), [n, d]) : full([n, d], fill);
    const scores = inChunks(samples, n * d, budget, ({ start, count }) => {
      const part = tensor(switches.subarray(start * g, (start + count) * g), [count, g]);
      const points = where(groups.masks(part, x), reshape(own, [1, n, d]), reshape(other, [1, n, d]));
      return reshape(score(reshape(expand(points, [count, n, d]), [count * n, ...shape])), [count, n]);
    });
    const design = {
      features: tensor(switches, [1, samples, g]),
      weights: tensor(weights, [1, samples]),
      values: transpose(scores),
      solver,
    };
    const fit = fitLocal(design, { alpha, select, keep });
    return { ...fit, attribution: groups.spread(fit.coefficients, x, "whole") };
  });
}
