import { gather, mul, sub, sum, type Tensor, tensor, transpose } from "../../engine/index.js";
import { checkedOptions } from "../../engine/options.js";
import { count, number, setting } from "../../nn/schema.js";
import { RefusalError } from "../refusal.js";
import type { Score } from "../score.js";
import { backgroundOf } from "./background.js";
import { binomial } from "./coalitions.js";
import { type Explainer, explainer, explainerEntry } from "./explainer.js";
import { flatSamples, groupsOf } from "./features.js";
import { coalitionScores, efficiencyGap, SHAPLEY_OPTIONS, type ShapleyOptions } from "./kernelShap.js";

/** Features of which all 2^12 coalitions are still asked about. */
export const MOST_PLAYERS = 12;

const info = {
  name: "exact Shapley values",
  scope: "local",
  access: "model-agnostic",
  source: "Shapley 1953; Lundberg, Lee 2017",
} as const;

/** Shapley values from all coalitions of at most 12 features: φ_i = Σ over S without i of |S|! (g − |S| − 1)! / g! (v(S ∪ i) − v(S)), with
 *  v as in `kernelShap`. A feature's value is shared equally by its elements. Source: Lundberg, Lee 2017, eq. 4.
 *  @throws RefusalError for more features. */
export function exactShapley(options: ShapleyOptions): Explainer {
  const { groups, background, budget } = checkedOptions("exactShapley", options, SHAPLEY_OPTIONS);
  const g = groups.count;
  if (g > MOST_PLAYERS)
    throw new RefusalError(
      `exactShapley: ${g} features came, with 2^${g} coalitions; at most ${MOST_PLAYERS} are tried; take kernelShap or larger patches`,
    );
  const all = Array.from({ length: 2 ** g }, (_, bits) =>
    Array.from({ length: g }, (_, i) => i).filter((i) => (bits >> i) & 1),
  );
  const half = 2 ** (g - 1);
  const without = new Int32Array(g * half);
  const weights = new Float64Array(g * half);
  for (let i = 0; i < g; i++)
    for (let rest = 0; rest < half; rest++) {
      const bits = ((rest >> i) << (i + 1)) | (rest & ((1 << i) - 1));
      without[i * half + rest] = bits;
      weights[i * half + rest] = 1 / (g * binomial(g - 1, all[bits].length));
    }
  const withOne = without.map((bits, at) => bits | (1 << Math.floor(at / half)));

  const explain = (score: Score, x: Tensor): Tensor => {
    flatSamples("exactShapley", x, groups.shape);
    const scores = coalitionScores("exactShapley", score, x, all, groups, background, budget);
    // Differences first: what a feature does not change is exactly nothing.
    const gains = sub(gather(scores, tensor(withOne, [g, half])), gather(scores, tensor(without, [g, half])));
    const values = sum(mul(gains, tensor(weights, [g, half, 1])), 1);
    return groups.spread(transpose(values), x, "share");
  };
  return explainer(info, explain, efficiencyGap("exactShapley", background));
}

export const exactShapleyEntry = explainerEntry({
  name: "exact-shapley",
  info,
  needs: "outputs",
  uses: { background: "always" },
  options: {
    baseline: setting(number(), undefined, "a number in place of missing features; default the background"),
    patch: setting(count, undefined, "side of the squares of an image that count as features; default about a third"),
  },
  // Of features, which in images are patches. The background is shifted along with the inputs.
  laws: { differentiable: true, dummy: true, symmetry: true, inputInvariance: true },
  make: ({ baseline, patch }, context) =>
    exactShapley({
      groups: groupsOf(context.domain, { patch, across: 3 }),
      background: backgroundOf("exact-shapley", baseline, context),
    }),
});
