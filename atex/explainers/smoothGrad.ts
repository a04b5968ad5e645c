import { add, mean, mul, random, reshape, scope, slice, type Tensor } from "../../engine/index.js";
import { aKey, aNumber, aTensorOrNumber, required } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf } from "../../engine/options.js";
import { count, setting, size } from "../../nn/schema.js";
import { asOneBatch, copiesAtOnce, copiesOf } from "../copies.js";
import { anExplainer } from "../kinds.js";
import type { Score } from "../score.js";
import { type Explainer, explainer, explainerEntry } from "./explainer.js";
import { gradient } from "./gradient.js";

/** The noise that SmoothGrad averages over, and the explainer that is averaged. */
export interface SmoothGradOptions {
  /** Noisy copies, at least 1; default 50 (paper: 50 is enough, sec. 3.2). */
  readonly samples?: number;
  /** Standard deviation of the noise in units of the input, one for all or one for each element, [1, ...shape]; default 0.15 (paper:
   *  σ/(x_max − x_min) of 0.1 to 0.2). */
  readonly sigma?: number | Tensor;
  /** Key of the noise, u32[2]. */
  readonly key: Tensor;
  /** The explainer that is averaged; default the gradient. */
  readonly base?: Explainer;
  /** Copies explained at once; default as many as fit a budget. The result is the same. */
  readonly chunk?: number;
}

const SMOOTH_GRAD_OPTIONS: KindsOf<SmoothGradOptions> = {
  samples: aNumber,
  sigma: aTensorOrNumber,
  key: required(aKey),
  base: anExplainer,
  chunk: aNumber,
};

/** Mean of the base attribution over Gaussian-perturbed inputs. Same key, same noise, and the same for every sample of a batch, so
 *  that no sample depends on the others. Source: Smilkov et al. 2017, sec. 3.
 *  @throws RangeError for fewer than one sample or negative sigma. */
export function smoothGrad(options: SmoothGradOptions): Explainer {
  checkedOptions("smoothGrad", options, SMOOTH_GRAD_OPTIONS);
  const { samples = 50, sigma = 0.15, key, base = gradient, chunk } = options;
  const negative = typeof sigma === "number" && !(sigma >= 0);
  if (!Number.isInteger(samples) || samples < 1 || !Number.isInteger(chunk ?? 1) || (chunk ?? 1) < 1 || negative)
    throw new RangeError(
      `smoothGrad: samples ${samples}, chunk ${chunk ?? "by size"}, sigma ${typeof sigma === "number" ? sigma : "by element"} given; integers of at least 1 and sigma >= 0 are needed`,
    );
  const info = { ...base.info, name: `SmoothGrad of ${base.info.name}`, source: "Smilkov et al. 2017" };
  return explainer(info, (score, x) =>
    noisyMaps({ samples, sigma, key, base, chunk: chunk ?? copiesAtOnce(x.size) }, score, x, (maps) =>
      mul(mean(maps, 0), maps.shape[0] / samples),
    ).reduce(add),
  );
}

/** The base attributions of noisy copies, in pieces of at most `chunk` copies: `use` gets [k, n, ...] and gives what is kept. */
export function noisyMaps<R extends Tensor | readonly Tensor[]>(
  { samples, sigma, key, base, chunk }: Required<SmoothGradOptions>,
  score: Score,
  x: Tensor,
  use: (maps: Tensor) => R,
): R[] {
  const all = mul(random.normal(key, [samples, 1, ...x.shape.slice(1)]), sigma);
  const starts = Array.from({ length: Math.ceil(samples / chunk) }, (_, i) => i * chunk);
  return starts.map((start) =>
    scope(() => {
      const k = Math.min(chunk, samples - start);
      const noise = slice(all, [start, ...x.shape.map(() => 0)], [k, 1, ...x.shape.slice(1)]);
      const copies = add(copiesOf(x, k), noise);
      return use(reshape(base(score, asOneBatch(copies)), copies.shape));
    }, "smoothGrad"),
  );
}

export const smoothGradEntry = explainerEntry({
  name: "smoothgrad",
  info: { name: "SmoothGrad of gradient", scope: "local", access: "model-transparent", source: "Smilkov et al. 2017" },
  needs: "gradients",
  options: {
    samples: setting(count, 50, "noisy copies"),
    sigma: setting(size, 0.15, "standard deviation of the noise, in units of the inputs"),
  },
  laws: { differentiable: true, dummy: true, symmetry: false, random: true, inputInvariance: true },
  make: ({ samples, sigma }, { key }) => smoothGrad({ samples, sigma, key }),
});
