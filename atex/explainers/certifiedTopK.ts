/** What no attack can move: a certificate for maps that are means of values on [0, 1] over Gaussian noise. */

import {
  add,
  cast,
  clamp,
  concat,
  describe,
  erfinv,
  flip,
  full,
  gather,
  greater,
  less,
  logicalOr,
  mul,
  round,
  ShapeError,
  slice,
  sort,
  sub,
  sum,
  type Tensor,
  tensor,
  where,
} from "../../engine/index.js";
import { aNumber, aTensor, required, wordOf } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../engine/options.js";
import { rows } from "../metrics/metric.js";
import { clopperPearson } from "./binomialBounds.js";

/** How the map was made that is certified, and how sure the certificate has to be. */
export interface CertificateOptions {
  /** Pixels at the top: 1 to all of a map. */
  readonly k: number;
  /** Standard deviation of the noise the map is a mean over, above 0; radii are in its units. */
  readonly sigma: number;
  /** Copies the map is a mean over. */
  readonly samples: number;
  /** Probability that the certificate holds, for all pixels of a map together, in (0, 1); default 0.95. */
  readonly confidence?: number;
  /** Where the mean over infinitely many copies lies. "hoeffding" (default): any map on [0, 1]. "clopper-pearson": tighter, for maps that count
   *  copies, such as the hard form of `sparsifiedSmoothGrad`. Both for all pixels at once, by Bonferroni's correction. */
  readonly bound?: "hoeffding" | "clopper-pearson";
}

const CERTIFICATE_OPTIONS: KindsOf<CertificateOptions> = {
  k: required(aNumber),
  sigma: required(aNumber),
  samples: required(aNumber),
  confidence: aNumber,
  bound: wordOf("hoeffding", "clopper-pearson"),
};

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
export function certifiedTopK(map: Tensor, given: CertificateOptions): Tensor {
  requireArguments("certifiedTopK", { map: [map, aTensor] });
  const { k, ...options } = checkedOptions("certifiedTopK", given, CERTIFICATE_OPTIONS);
  requireCertificate("certifiedTopK", map, options);
  const { sigma } = options;
  const flat = rows(map);
  const [n, d] = flat.shape;
  if (!Number.isInteger(k) || k < 1 || k > d)
    throw new RangeError(`certifiedTopK: the top ${k} of ${d} pixels asked for; 1 to ${d} are needed`);
  const { lowest, highest } = boundsOf(d, options);
  const falling = sort(flat, { descending: true });
  // The rivals of i = 1, 2, ..., k are the pixels at 2k, 2k − 1, ..., k + 1; those beyond the last do not exist.
  const there = Math.min(k, d - k);
  const rivals = there > 0 ? flip(slice(falling, [0, k], [n, there]), 1) : undefined;
  const first = lowest(slice(falling, [0, k - there], [n, there]));
  const free = full([n, k - there], Number.POSITIVE_INFINITY);
  if (!rivals) return free;
  const second = highest(rivals);
  const nothing = logicalOr(less(first, 1e-7), greater(second, 1 - 1e-7));
  const radius = mul(sub(quantile(first), quantile(second)), sigma / 2);
  const bounded = where(nothing, Number.NEGATIVE_INFINITY, radius);
  return k > there ? concat([free, bounded], 1) : bounded;
}

/** Which pixels no small change can turn, each by itself: kept, left, or neither. */
export interface CertifiedPixels {
  /** 1 for pixels that are kept in more than half of all copies, whatever moves the input by at most `radius`; else 0. Of the map's shape. */
  readonly kept: Tensor;
  /** 1 for those that are left out in more than half of all copies. */
  readonly left: Tensor;
  /** In L2, σ Φ⁻¹(τ). */
  readonly radius: number;
}

const CERTIFIED_PIXELS_OPTIONS: KindsOf<Omit<CertificateOptions, "k"> & { readonly share: number }> = {
  sigma: required(aNumber),
  samples: required(aNumber),
  confidence: aNumber,
  bound: wordOf("hoeffding", "clopper-pearson"),
  share: required(aNumber),
};

/** What each pixel's certificate says by itself: that copies keep it, or leave it out, with probability above `share`, and so above one half
 *  within the radius σ Φ⁻¹(share). map [n, ...] that counts in how many copies a pixel is among the largest, as the hard form of
 *  `sparsifiedSmoothGrad`. All pixels hold at once, with the confidence. Source: 2506.15499; Fischer, Baader, Vechev 2021 (segmentation).
 *  @throws RangeError for a share outside [0.5, 1). */
export function certifiedPixels(
  map: Tensor,
  given: Omit<CertificateOptions, "k"> & { readonly share: number },
): CertifiedPixels {
  requireArguments("certifiedPixels", { map: [map, aTensor] });
  const { share, ...options } = checkedOptions("certifiedPixels", given, CERTIFIED_PIXELS_OPTIONS);
  requireCertificate("certifiedPixels", map, options);
  if (!(share >= 0.5 && share < 1))
    throw new RangeError(`certifiedPixels: share ${share} came; at least 0.5 and less than 1 is needed`);
  const { lowest, highest } = boundsOf(map.size / map.shape[0], options);
  return {
    kept: greater(lowest(map), share),
    left: less(highest(map), 1 - share),
    radius: options.sigma * normalQuantile(share),
  };
}

/** Φ⁻¹ on the host, for p on [0.5, 1), by halving. */
function normalQuantile(p: number): number {
  let [low, high] = [0, 40];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (0.5 + central(middle) < p) low = middle;
    else high = middle;
  }
  return low;
}

/** Φ(z) − 1/2 for z of at least 0, by its series. Source: Abramowitz, Stegun 1964, 26.2.11. */
function central(z: number): number {
  if (z > 9) return 0.5;
  let [term, total] = [z, z];
  for (let i = 3; term > total * 1e-17; i += 2) {
    term *= (z * z) / i;
    total += term;
  }
  return (total * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI);
}

type Bounded = Omit<CertificateOptions, "k">;

/** What the means over infinitely many copies are at least and at most, given those over finitely many, of `d` pixels at once. */
function boundsOf(
  d: number,
  { samples, confidence = 0.95, bound = "hoeffding" }: Bounded,
): { readonly lowest: (h: Tensor) => Tensor; readonly highest: (h: Tensor) => Tensor } {
  if (bound === "hoeffding") {
    const error = Math.sqrt(Math.log((2 * d) / (1 - confidence)) / (2 * samples));
    return { lowest: (h) => sub(h, error), highest: (h) => add(h, error) };
  }
  const { low, high } = clopperPearson(samples, (1 - confidence) / d);
  const at = (table: Float64Array) => (h: Tensor) =>
    gather(tensor(table, [samples + 1]), cast(round(mul(h, samples)), "i32"));
  return { lowest: at(low), highest: at(high) };
}

function requireCertificate(name: string, map: Tensor, { sigma, samples, confidence = 0.95 }: Bounded): void {
  if (map.rank < 2) throw new ShapeError(`${name}: ${describe(map)} came; maps [n, ...] are needed`);
  if (!(sigma > 0) || !Number.isInteger(samples) || samples < 1 || !(confidence > 0 && confidence < 1))
    throw new RangeError(
      `${name}: sigma ${sigma}, samples ${samples}, confidence ${confidence} came; sigma > 0, an integer of at least 1 and a ` +
        "confidence between 0 and 1 are needed",
    );
}

/** How many of the top pixels are certain to stay there under any change of at most `radius` in L2: radii [n, k] of `certifiedTopK` →
 *  [n]. */
export function certifiedOverlap(radii: Tensor, radius: number): Tensor {
  requireArguments("certifiedOverlap", { radii: [radii, aTensor], radius: [radius, aNumber] });
  if (!(radius >= 0)) throw new RangeError(`certifiedOverlap: radius ${radius} came; at least 0 is needed`);
  return sum(greater(radii, radius), 1);
}

/** Φ⁻¹, for probabilities kept off 0 and 1. */
function quantile(p: Tensor): Tensor {
  return mul(erfinv(sub(mul(clamp(p, 1e-7, 1 - 1e-7), 2), 1)), Math.SQRT2);
}
