import {
  add,
  argsort,
  div,
  expand,
  gatherAlong,
  greater,
  less,
  minimum,
  mul,
  reshape,
  slice,
  sum,
  type Tensor,
  tensor,
  where,
} from "../../engine/index.js";
import { aCount, aKey, aNumber, required, wordOf } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf } from "../../engine/options.js";
import { count, number, oneOf, setting, size } from "../../nn/schema.js";
import { copiesAtOnce } from "../copies.js";
import { anExplainer } from "../kinds.js";
import { type Explainer, explainer, explainerEntry, saliencyMap } from "./explainer.js";
import { gradient } from "./gradient.js";
import { noisyMaps } from "./smoothGrad.js";

/** The noise, and what each noisy copy's map keeps of itself. */
export interface SparsifiedSmoothGradOptions {
  /** Noisy copies; default 256. */
  readonly samples?: number;
  /** Standard deviation of the noise in units of the input, at least 0; default 0.15. */
  readonly sigma?: number;
  /** Key of the noise, u32[2]. */
  readonly key: Tensor;
  /** The explainer whose map is sparsified; default the gradient. */
  readonly base?: Explainer;
  /** Share of the pixels that a copy's map keeps, in (0, 1]; default 0.1. */
  readonly top?: number;
  /** "hard" (default): a kept pixel counts 1. "relaxed": it counts its value, divided by that of the pixel at the share `full` of
   *  the pixels, at most 1. */
  readonly form?: "hard" | "relaxed";
  /** Share of the pixels that count fully in the relaxed form; default a tenth of `top`. */
  readonly full?: number;
  /** Input elements evaluated at once; see `chunksOf`. */
  readonly budget?: number;
}

const SPARSIFIED_SMOOTH_GRAD_OPTIONS: KindsOf<SparsifiedSmoothGradOptions> = {
  samples: aNumber,
  sigma: aNumber,
  key: required(aKey),
  base: anExplainer,
  top: aNumber,
  form: wordOf("hard", "relaxed"),
  full: aNumber,
  budget: aCount,
};

const info = {
  name: "sparsified SmoothGrad of gradient",
  scope: "local",
  access: "model-transparent",
  source: "Levine et al. 2019",
} as const;

/** Mean over noisy copies of maps of which only the largest values are kept, each on [0, 1]: how often a pixel is among the most
 *  important. Pixels are those of `saliencyMap`, which gives the mean itself back: a pixel's value is shared equally by its
 *  channels. A pixel whose value is 0 is never kept. With `certifiedTopK`, it is known how little of its top an attack can move.
 *  Source: Levine, Singla, Feizi 2019, sec. 3.2. @throws RangeError for shares outside (0, 1]. */
export function sparsifiedSmoothGrad(options: SparsifiedSmoothGradOptions): Explainer {
  checkedOptions("sparsifiedSmoothGrad", options, SPARSIFIED_SMOOTH_GRAD_OPTIONS);
  const { samples = 256, sigma = 0.15, key, base = gradient, top = 0.1, form = "hard", budget } = options;
  const { full = top / 10 } = options;
  if (
    !Number.isInteger(samples) ||
    samples < 1 ||
    !(sigma >= 0) ||
    !(top > 0 && top <= 1) ||
    !(full > 0 && full <= top)
  )
    throw new RangeError(
      `sparsifiedSmoothGrad: samples ${samples}, sigma ${sigma}, top ${top}, full ${full} given; an integer of at least 1, ` +
        "sigma >= 0 and 0 < full <= top <= 1 are needed",
    );
  return explainer({ ...info, name: `sparsified SmoothGrad of ${base.info.name}` }, (score, x) => {
    const chunk = copiesAtOnce(x.size, budget);
    const sums = noisyMaps({ samples, sigma, key, base, chunk }, score, x, (maps) => {
      const [k, n, ...shape] = maps.shape;
      const map = saliencyMap(reshape(maps, [k * n, ...shape]));
      const d = map.size / (k * n);
      return sum(reshape(sparsified(reshape(map, [k * n, d])), [k, n, d]), 0);
    });
    const mean = div(sums.reduce(add), samples);
    const [n, ...shape] = x.shape;
    if (shape.length < 2) return reshape(mean, x.shape);
    const [c, ...rest] = shape;
    return mul(expand(reshape(mean, [n, 1, ...rest]), x.shape), 1 / c);
  });

  /** [m, d] → [m, d] on [0, 1] */
  function sparsified(map: Tensor): Tensor {
    const d = map.shape[1];
    const order = argsort(map, { descending: true });
    const kept = mul(less(argsort(order), tensor(Int32Array.of(placesOf(top, d)))), greater(map, 0));
    if (form === "hard") return kept;
    const at = slice(order, [0, placesOf(full, d) - 1], [map.shape[0], 1]);
    const unit = gatherAlong(map, at, 1);
    const safe = where(greater(unit, 0), unit, 1);
    // Where the threshold is 0, all that is kept is above it.
    return mul(kept, where(greater(unit, 0), minimum(div(map, safe), 1), 1));
  }
}

/** A share of d places, at least one. */
export function placesOf(share: number, d: number): number {
  return Math.max(1, Math.floor(share * d + 1e-9));
}

export const sparsifiedSmoothGradEntry = explainerEntry({
  name: "sparsified-smoothgrad",
  info,
  needs: "gradients",
  options: {
    samples: setting(count, 256, "noisy copies"),
    sigma: setting(size, 0.15, "standard deviation of the noise, in units of the inputs"),
    top: setting(number({ min: 0, max: 1 }), 0.1, "share of the pixels that each copy's map keeps"),
    form: setting(oneOf("hard", "relaxed"), "hard", "kept pixels count 1, or their value up to 1"),
  },
  // Whether a pixel is among the largest has no slope; the relaxed form has one.
  laws: { differentiable: false, dummy: true, symmetry: false, inputInvariance: true },
  make: ({ samples, sigma, top, form }, { key }) => sparsifiedSmoothGrad({ samples, sigma, key, top, form }),
});
