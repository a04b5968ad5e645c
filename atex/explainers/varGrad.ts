import { add, div, mean, mul, square, sub, sum, type Tensor } from "../../engine/index.js";
import { aCount, aKey, aNumber, required } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf } from "../../engine/options.js";
import { count, setting, size } from "../../nn/schema.js";
import { copiesAtOnce } from "../copies.js";
import { anExplainer } from "../kinds.js";
import { type Explainer, explainer, explainerEntry } from "./explainer.js";
import { gradient } from "./gradient.js";
import { noisyMaps } from "./smoothGrad.js";

/** The noise that the variance is taken over, and the explainer whose variance it is. */
export interface VarGradOptions {
  /** Noisy copies, at least 2; default 50. */
  readonly samples?: number;
  /** Standard deviation of the noise in units of the input, at least 0; default 0.15. */
  readonly sigma?: number;
  /** Key of the noise, u32[2]: that of SmoothGrad for the same key. */
  readonly key: Tensor;
  /** The explainer whose variance is taken; default the gradient. */
  readonly base?: Explainer;
  /** Input elements evaluated at once; see `chunksOf`. */
  readonly budget?: number;
}

const VAR_GRAD_OPTIONS: KindsOf<VarGradOptions> = {
  samples: aNumber,
  sigma: aNumber,
  key: required(aKey),
  base: anExplainer,
  budget: aCount,
};

/** Variance of the base attribution over Gaussian-perturbed inputs (divided by the number of copies), with SmoothGrad's noise for
 *  the same key. Source: Adebayo et al. 2018, appendix A. @throws RangeError for fewer than two samples or negative sigma. */
export function varGrad(options: VarGradOptions): Explainer {
  const {
    samples = 50,
    sigma = 0.15,
    key,
    base = gradient,
    budget,
  } = checkedOptions("varGrad", options, VAR_GRAD_OPTIONS);
  if (!Number.isInteger(samples) || samples < 2 || !(sigma >= 0))
    throw new RangeError(
      `varGrad: samples ${samples}, sigma ${sigma} given; an integer of at least 2 and sigma >= 0 are needed`,
    );
  const info = { ...base.info, name: `VarGrad of ${base.info.name}`, source: "Adebayo et al. 2018" };
  return explainer(info, (score, x) => {
    const chunk = copiesAtOnce(x.size, budget);
    const parts = noisyMaps({ samples, sigma, key, base, chunk }, score, x, (maps) => {
      const centre = mean(maps, 0);
      return [centre, sum(square(sub(maps, centre)), 0)];
    });
    // Squares about the mean of each part and of the parts about the whole's: a difference of large sums would cancel in f32.
    const counts = parts.map((_, i) => Math.min(chunk, samples - i * chunk));
    const whole = parts.map(([centre], i) => mul(centre, counts[i] / samples)).reduce(add);
    const squares = parts.map(([centre, inside], i) => add(inside, mul(square(sub(centre, whole)), counts[i])));
    return div(squares.reduce(add), samples);
  });
}

export const varGradEntry = explainerEntry({
  name: "vargrad",
  info: { name: "VarGrad of gradient", scope: "local", access: "model-transparent", source: "Adebayo et al. 2018" },
  needs: "gradients",
  options: {
    samples: setting(count, 50, "noisy copies, at least 2"),
    sigma: setting(size, 0.15, "standard deviation of the noise, in units of the inputs"),
  },
  laws: { differentiable: true, dummy: true, symmetry: false, inputInvariance: true },
  make: ({ samples, sigma }, { key }) => varGrad({ samples, sigma, key }),
});
