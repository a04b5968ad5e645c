import { abs, add, div, mul, reshape, scope, sub, sum, type Tensor, tensor } from "../../engine/index.js";
import { aCount, aNumber, aTensor, aTensorOrNumber } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../engine/options.js";
import { count, setting } from "../../nn/schema.js";
import { asOneBatch, chunksOf, copiesOf } from "../copies.js";
import { aScore } from "../kinds.js";
import type { Score } from "../score.js";
import { type Explainer, explainer, explainerEntry, sumPerSample } from "./explainer.js";
import { gradient } from "./gradient.js";

/** The path that gradients are averaged over. */
export interface IntegratedGradientsOptions {
  /** Points on the path, at least 1; default 50. */
  readonly steps?: number;
  /** Where the path begins: a number or a tensor that broadcasts to x; default 0 (black). */
  readonly baseline?: number | Tensor;
  /** Input elements evaluated at once; see `chunksOf`. */
  readonly budget?: number;
}

const INTEGRATED_GRADIENTS_OPTIONS: KindsOf<IntegratedGradientsOptions> = {
  steps: aNumber,
  baseline: aTensorOrNumber,
  budget: aCount,
};

const info = {
  name: "integrated gradients",
  scope: "local",
  access: "model-transparent",
  source: "Sundararajan et al. 2017",
} as const;

/** (x − x₀) · mean of the gradients on the straight path from x₀, at the midpoints of `steps` equal pieces: the midpoint rule
 *  has a smaller completeness gap than the paper's right end points. Source: Sundararajan, Taly, Yan 2017, eq. 1 and 3. */
export function integratedGradients(options: IntegratedGradientsOptions = {}): Explainer {
  const {
    steps = 50,
    baseline = 0,
    budget,
  } = checkedOptions("integratedGradients", options, INTEGRATED_GRADIENTS_OPTIONS);
  if (!Number.isInteger(steps) || steps < 1)
    throw new RangeError(`integratedGradients: ${steps} steps given; an integer of at least 1 is needed`);
  const gap: Explainer["gap"] = (score, x, attribution) => completenessGap(score, x, attribution, baseline);
  return explainer(info, explain, gap);

  function explain(score: Score, x: Tensor): Tensor {
    const way = sub(x, baseline);
    const back = (i: number): number => (i + 0.5) / steps - 1;
    const sums = chunksOf(steps, x.size, budget).map(({ start, count: k }) =>
      scope(() => {
        const at = tensor(
          Float32Array.from({ length: k }, (_, i) => back(start + i)),
          [k, ...x.shape.map(() => 1)],
        );
        const points = add(copiesOf(x, k), mul(reshape(way, [1, ...x.shape]), at));
        return sum(reshape(gradient(score, asOneBatch(points)), points.shape), 0);
      }, "integratedGradients"),
    );
    return mul(way, div(sums.reduce(add), steps));
  }
}

export const integratedGradientsEntry = explainerEntry({
  name: "integrated-gradients",
  info,
  needs: "gradients",
  options: { points: setting(count, 50, "points on the path from the baseline, which is 0") },
  laws: { differentiable: true, dummy: true, symmetry: true, inputInvariance: false },
  make: ({ points }) => integratedGradients({ steps: points }),
});

/** |Σ attribution − (score(x) − score(x₀))| per sample [n]: 0 for a path integral computed exactly (completeness). */
export function completenessGap(score: Score, x: Tensor, attribution: Tensor, baseline: number | Tensor = 0): Tensor {
  requireArguments("completenessGap", {
    score: [score, aScore],
    x: [x, aTensor],
    attribution: [attribution, aTensor],
    baseline: [baseline, aTensorOrNumber],
  });
  const origin = add(mul(x, 0), baseline);
  return abs(sub(sumPerSample(attribution), sub(score(x), score(origin))));
}
