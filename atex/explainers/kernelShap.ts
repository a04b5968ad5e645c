import { abs, matmul, slice, sub, type Tensor, tensor } from "../../engine/index.js";
import { aCount, aNumber, either, required } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf } from "../../engine/options.js";
import { count, number, setting } from "../../nn/schema.js";
import { someGroups } from "../kinds.js";
import type { Score } from "../score.js";
import { type Background, backgroundOf, backgroundScore, maskedScores } from "./background.js";
import { drawCoalitions, shapleySolver } from "./coalitions.js";
import { type Explainer, explainer, explainerEntry, sumPerSample } from "./explainer.js";
import { type FeatureGroups, flatSamples, groupsOf } from "./features.js";
import { aBackground } from "./kinds.js";

/** The game whose Shapley values are asked for: its players, and what takes the place of those who are absent. */
export interface ShapleyOptions {
  /** The features, which are the players. */
  readonly groups: FeatureGroups;
  /** What stands for the features outside of a coalition: each row of the background in turn, or a constant. */
  readonly background: Background | number;
  /** Input elements evaluated at once; see `chunksOf`. The result does not depend on it. */
  readonly budget?: number;
}

export const SHAPLEY_OPTIONS: KindsOf<ShapleyOptions> = {
  groups: required(someGroups),
  background: required(either(aNumber, aBackground)),
  budget: aCount,
};

/** The game, and how many of its coalitions are tried. */
export interface KernelShapOptions extends ShapleyOptions {
  /** Coalitions the score is asked about, besides the empty one and that of all features; default 2048 and twice the number of
   *  features, as in the authors' package, and at least the latter. All there are if there are not more. */
  readonly samples?: number;
  /** Seed of the coalitions, an integer; default 0. */
  readonly seed?: number;
}

const KERNEL_SHAP_OPTIONS: KindsOf<KernelShapOptions> = {
  samples: aNumber,
  seed: aNumber,
  groups: required(someGroups),
  background: required(either(aNumber, aBackground)),
  budget: aCount,
};

const info = {
  name: "KernelSHAP",
  scope: "local",
  access: "model-agnostic",
  source: "Lundberg, Lee 2017; Covert, Lee 2021",
} as const;

/** Shapley values of the features, by weighted least squares on sampled coalitions and their complements, with the sum of the values
 *  exactly score(x) less the mean score of the background. The value of a coalition is the mean score over the background of the
 *  sample with the features outside taken from there. A feature's value is shared equally by its elements. Coalitions do not depend
 *  on the sample, so that values are one matrix product of scores, which can be differentiated. With all coalitions they are
 *  exact. Source: Lundberg, Lee 2017, sec. 4.1; Covert, Lee 2021, eq. 7. @throws RangeError for too few samples. */
export function kernelShap(options: KernelShapOptions): Explainer {
  const { groups, background, samples, seed = 0, budget } = checkedOptions("kernelShap", options, KERNEL_SHAP_OPTIONS);
  const g = groups.count;
  const wanted = samples ?? 2 * g + 2048;
  if (!Number.isInteger(wanted) || wanted < Math.min(2 * g, 2 ** g - 2) || !Number.isSafeInteger(seed))
    throw new RangeError(
      `kernelShap: ${wanted} samples with seed ${seed} for ${g} features; at least ${Math.min(2 * g, 2 ** g - 2)} and an integer are needed`,
    );
  const coalitions = drawCoalitions(g, wanted, seed);
  const solver = shapleySolver(g, coalitions);
  const all = Array.from({ length: g }, (_, i) => i);
  const asked = [[], all, ...coalitions.members];

  const explain = (score: Score, x: Tensor): Tensor => {
    flatSamples("kernelShap", x, groups.shape);
    const scores = coalitionScores("kernelShap", score, x, asked, groups, background, budget);
    const [gained, n] = [asked.length - 1, x.shape[0]];
    const gains = sub(slice(scores, [1, 0], [gained, n]), slice(scores, [0, 0], [1, n]));
    const values = matmul(gains, tensor(solver, [g, gained]), { transposeA: true, transposeB: true });
    return groups.spread(values, x, "share");
  };
  return explainer(info, explain, efficiencyGap("kernelShap", background));
}

/** The scores of coalitions, [coalitions, n]. */
export function coalitionScores(
  name: string,
  score: Score,
  x: Tensor,
  coalitions: readonly (readonly number[])[],
  groups: FeatureGroups,
  background: Background | number,
  budget: number | undefined,
): Tensor {
  const masks = (start: number, k: number): Tensor => {
    const switches = new Float32Array(k * groups.count);
    for (let c = 0; c < k; c++) for (const i of coalitions[start + c]) switches[c * groups.count + i] = 1;
    return groups.masks(tensor(switches, [k, groups.count]), x);
  };
  return maskedScores(name, score, x, coalitions.length, masks, background, budget);
}

/** How far Shapley values are from summing to score(x) less the mean score of the background. */
export function efficiencyGap(name: string, background: Background | number): NonNullable<Explainer["gap"]> {
  return (score, x, attribution) =>
    abs(sub(sumPerSample(attribution), sub(score(x), backgroundScore(name, score, x, background))));
}

export const kernelShapEntry = explainerEntry({
  name: "kernel-shap",
  info,
  needs: "outputs",
  uses: { background: "always", segments: true },
  options: {
    samples: setting(count, undefined, "coalitions of features tried; default 2048 and twice the number of features"),
    baseline: setting(number(), undefined, "a number in place of missing features; default the background"),
    patch: setting(count, undefined, "side of the squares of an image that count as features; default about an eighth"),
  },
  // Sampled values are those of the features up to an error that differs from feature to feature. A background is input too: a
  // shift of all inputs shifts it along.
  laws: { differentiable: true, dummy: false, symmetry: false, inputInvariance: true },
  make: ({ samples, baseline, patch }, context) =>
    kernelShap({
      groups: groupsOf(context.domain, { patch, segments: context.segments }),
      background: backgroundOf("kernel-shap", baseline, context),
      samples,
      seed: context.seed,
    }),
});
