/** What no attack can move: a certificate for maps that are means of values on [0, 1] over Gaussian noise. */
import {
  add,
  clamp,
  concat,
  describe,
  erfinv,
  flip,
  full,
  greater,
  less,
  logicalOr,
  mul,
  ShapeError,
  slice,
  sort,
  sub,
  sum,
  type Tensor,
  where,
} from "../../engine/index.js";
import { rows } from "../metrics/metric.js";

export interface CertificateOptions {
  /** Pixels at the top. */
  readonly k: number;
  /** Standard deviation of the noise the map is a mean over. */
  readonly sigma: number;
  /** Copies the map is a mean over. */
  readonly samples: number;
  /** Probability that the certificate holds, for all pixels of a map together; default 0.95. */
  readonly confidence?: number;
}

/**
 * For each i from 1 to k the radius in L2 within which at least i of the k top pixels stay at the top; it falls with i, and is negative
 * or −∞ where nothing is certified, +∞ where nothing can be moved. map [n, ...] with values on [0, 1], as
 * `sparsifiedSmoothGrad` and `saliencyMap` give it → [n, k].
 *
 * With h the mean over infinitely many copies, Φ⁻¹(h) of every pixel changes by at most ρ/σ when the input moves by ρ. If
 * Φ⁻¹(h_[i]) − ρ/σ > Φ⁻¹(h_[2k−i+1]) + ρ/σ for the i-th and the (2k−i+1)-th largest, then the first i stay above all from there on, and so
 * fewer than k − i + 1 of the others can be at the top. The map is a mean over finitely many copies; by Hoeffding's inequality
 * all of its d pixels are within sqrt(ln(2d / (1 − confidence)) / (2 samples)) of h. What is certified is the overlap of the
 * map's top with that of h at the moved input: the smoothed map, not the raw one, for a score that stays the same, and a map
 * whose noise was drawn independently of it. Source: Levine, Singla, Feizi 2019, theorem 2 and sec. 3.3.
 * @throws RangeError for options out of range.
 */
export function certifiedTopK(map: Tensor, { k, sigma, samples, confidence = 0.95 }: CertificateOptions): Tensor {
  if (map.rank < 2) throw new ShapeError(`certifiedTopK: ${describe(map)} came; maps [n, ...] are needed`);
  const flat = rows(map);
  const [n, d] = flat.shape;
  if (!Number.isInteger(k) || k < 1 || k > d)
    throw new RangeError(`certifiedTopK: the top ${k} of ${d} pixels asked for; 1 to ${d} are needed`);
  if (!(sigma > 0) || !Number.isInteger(samples) || samples < 1 || !(confidence > 0 && confidence < 1))
    throw new RangeError(
      `certifiedTopK: sigma ${sigma}, samples ${samples}, confidence ${confidence} came; sigma > 0, an integer of at least 1 and a ` +
        "confidence between 0 and 1 are needed",
    );
  const error = Math.sqrt(Math.log((2 * d) / (1 - confidence)) / (2 * samples));
  const falling = sort(flat, { descending: true });
  // The rivals of i = 1, 2, ..., k are the pixels at 2k, 2k − 1, ..., k + 1; those beyond the last do not exist.
  const there = Math.min(k, d - k);
  const rivals = there > 0 ? flip(slice(falling, [0, k], [n, there]), 1) : undefined;
  const first = sub(slice(falling, [0, k - there], [n, there]), error);
  const free = full([n, k - there], Number.POSITIVE_INFINITY);
  if (!rivals) return free;
  const second = add(rivals, error);
  const nothing = logicalOr(less(first, 1e-7), greater(second, 1 - 1e-7));
  const radius = mul(sub(quantile(first), quantile(second)), sigma / 2);
  const bounded = where(nothing, Number.NEGATIVE_INFINITY, radius);
  return k > there ? concat([free, bounded], 1) : bounded;
}

/** How many of the top pixels are certain to stay there under any change of at most `radius` in L2: radii [n, k] of `certifiedTopK` →
 *  [n]. */
export function certifiedOverlap(radii: Tensor, radius: number): Tensor {
  if (!(radius >= 0)) throw new RangeError(`certifiedOverlap: radius ${radius} came; at least 0 is needed`);
  return sum(greater(radii, radius), 1);
}

/** Φ⁻¹, for probabilities kept off 0 and 1. */
function quantile(p: Tensor): Tensor {
  return mul(erfinv(sub(mul(clamp(p, 1e-7, 1 - 1e-7), 2), 1)), Math.SQRT2);
}
