import type { Tensor } from "../../engine/index.js";
import { count, number, oneOf, setting, size } from "../../nn/schema.js";
import { RefusalError } from "../refusal.js";
import type { Score } from "../score.js";
import { type Explainer, explainer, explainerEntry } from "./explainer.js";
import { groupsOf, isTable } from "./features.js";
import { limeImage } from "./limeImage.js";
import { limeTable } from "./limeTable.js";
import type { FitOptions } from "./localFit.js";

/** How LIME perturbs a sample, how near a copy counts as, and how its linear model is fitted. */
export interface LimeOptions {
  /** Perturbed copies, the sample itself among them, at least 2; default 1000. */
  readonly samples?: number;
  /** Seed of the perturbations, an integer; default 0. All samples of a batch get the same. */
  readonly seed?: number;
  /** Width of the kernel sqrt(exp(−d² / width²)) over the distance d of a copy, above 0; default 0.25 with `limeImage`, 0.75
   *  √features with `limeTable`. */
  readonly width?: number;
  /** Penalty of the squared coefficients, at least 0; default 1. */
  readonly alpha?: number;
  /** How features are selected before the fit: "none" (default), "highest" (the largest coefficients of a fit to all) or "forward"
   *  (one after another). */
  readonly select?: FitOptions["select"];
  /** Features kept by a selection; default 10. */
  readonly keep?: number;
  /** Input elements evaluated at once; see `chunksOf`. */
  readonly budget?: number;
}

/** A linear model that stands for the score near a sample. */
export interface LocalModel {
  /** What the explainer gives: x's shape. */
  readonly attribution: Tensor;
  /** Per feature, [n, features]. */
  readonly coefficients: Tensor;
  /** [n] */
  readonly intercept: Tensor;
  /** Share of the weighted variance of the scores that the model explains, [n]: near 0, the attribution says nothing. */
  readonly r2: Tensor;
}

/** An explainer that also gives the model it comes from. */
export interface Lime extends Explainer {
  local(score: Score, x: Tensor): LocalModel;
}

/** The options complete. @throws RangeError for one out of range. */
export function limeSettings(options: LimeOptions, width: number): Required<Omit<LimeOptions, "budget">> {
  const settings = {
    samples: options.samples ?? 1000,
    seed: options.seed ?? 0,
    width: options.width ?? width,
    alpha: options.alpha ?? 1,
    select: options.select ?? "none",
    keep: options.keep ?? 10,
  } as const;
  const { samples, alpha } = settings;
  if (!Number.isInteger(samples) || samples < 2 || !(settings.width > 0) || !(alpha >= 0))
    throw new RangeError(
      `lime: samples ${samples}, width ${settings.width}, alpha ${alpha} came; at least 2 samples, a width above 0 and an alpha of at ` +
        "least 0 are needed",
    );
  return settings;
}

export const limeInfo = {
  name: "LIME",
  scope: "local",
  access: "model-agnostic",
  source: "Ribeiro et al. 2016",
} as const;

export function asLime(local: (score: Score, x: Tensor) => LocalModel): Lime {
  return Object.assign(
    explainer(limeInfo, (score, x) => local(score, x).attribution),
    { local },
  );
}

export const limeEntry = explainerEntry({
  name: "lime",
  info: limeInfo,
  needs: "outputs",
  uses: { background: "tables", segments: true },
  options: {
    samples: setting(count, 1000, "perturbed copies"),
    width: setting(size, undefined, "width of the kernel; default 0.75 √features for tables, 0.25 for images"),
    alpha: setting(size, 1, "penalty of the squared coefficients"),
    select: setting(oneOf("none", "highest", "forward"), "none", "selection of features before the fit"),
    keep: setting(count, 10, "features kept by a selection"),
    around: setting(
      oneOf("row", "data"),
      "row",
      "centre of the noise of tables: the row, or the mean of the background",
    ),
    patch: setting(count, undefined, "side of the squares of an image that are switched; default about an eighth"),
    baseline: setting(
      number(),
      undefined,
      "a number in place of what is switched off in an image; default its mean colour",
    ),
  },
  // A fit to random copies; a table's noise moves with a shift, the mean colour of a part of an image does not follow each pixel.
  laws: { differentiable: true, dummy: false, symmetry: false, inputInvariance: "tables" },
  make({ around, patch, baseline, ...fit }, context) {
    const { domain, background, segments, seed } = context;
    if (!isTable(domain)) {
      const fill = baseline ?? "mean";
      return limeImage({ ...fit, seed, groups: groupsOf(domain, { patch, segments }), fill });
    }
    if (!background)
      throw new RefusalError(
        "lime: no background came; rows of the table are needed, whose deviations scale the noise",
      );
    return limeTable({ ...fit, seed, domain, background, around });
  },
});
