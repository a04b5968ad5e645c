import { add, expand, mean, mul, random, reshape, scope, type Tensor } from "../../engine/index.js";
import { asOneBatch, type Explainer, explainer } from "./explainer.js";
import { gradient } from "./gradient.js";

export interface SmoothGradOptions {
  /** Noisy copies; default 50 (paper: 50 is enough, sec. 3.2). */
  readonly samples?: number;
  /** Standard deviation in units of the input range; default 0.15 (paper: σ/(x_max − x_min) of 0.1 to 0.2). */
  readonly sigma?: number;
  readonly key: Tensor;
  /** The explainer that is averaged; default the gradient. */
  readonly base?: Explainer;
  /** Copies explained at once; default 10. More is faster until memory runs out. */
  readonly chunk?: number;
}

/** Mean of the base attribution over Gaussian-perturbed inputs. Same key, same noise. Source: Smilkov et al. 2017, sec. 3.
 *  @throws RangeError for fewer than one sample or negative sigma. */
export function smoothGrad(options: SmoothGradOptions): Explainer {
  const { samples = 50, sigma = 0.15, key, base = gradient, chunk = 10 } = options;
  if (!Number.isInteger(samples) || samples < 1 || !Number.isInteger(chunk) || chunk < 1 || !(sigma >= 0))
    throw new RangeError(
      `smoothGrad: samples ${samples}, chunk ${chunk}, sigma ${sigma} given; integers of at least 1 and sigma >= 0 are needed`,
    );
  const info = { ...base.info, name: `SmoothGrad of ${base.info.name}`, source: "Smilkov et al. 2017" };
  return explainer(info, (score, x) => {
    const sizes = Array.from({ length: Math.ceil(samples / chunk) }, (_, i) => Math.min(chunk, samples - i * chunk));
    const keys = random.split(key, sizes.length);
    const parts = sizes.map((k, i) =>
      scope(() => {
        const noise = mul(random.normal(keys[i], [k, ...x.shape]), sigma);
        const copies = add(expand(reshape(x, [1, ...x.shape]), noise.shape), noise);
        const maps = reshape(base(score, asOneBatch(copies)), noise.shape);
        return mul(mean(maps, 0), k / samples);
      }, "smoothGrad"),
    );
    return parts.reduce(add);
  });
}
