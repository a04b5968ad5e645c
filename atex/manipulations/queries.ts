/** What explainers that perturb ask a model about: copies of rows made the way they make them, and those that one really asked about. */

import { concat, dispose, keep, mul, openScope, reshape, slice, type Tensor } from "../../engine/index.js";
import { aCount, aNatural, aNumber, aNumberOfAtLeast0, aTensor, numbers, required } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../engine/options.js";
import { drawFrom } from "../../nn/data/integer-random.js";
import type { Domain } from "../../nn/index.js";
import { aDomain } from "../../nn/kinds.js";
import type { Explainer } from "../explainers/explainer.js";
import { aFloat32Array, anExplainer, aScore } from "../kinds.js";
import { wholeRows } from "../lengths.js";
import type { Score } from "../score.js";
import { featuresOf } from "./columns.js";

/** How copies of rows are drawn. */
export interface QueryOptions {
  /** Of the rows: which elements are a feature, and which features are numeric. */
  readonly domain: Domain;
  /** Copies of each row, at least 1. */
  readonly copies: number;
  readonly seed: number;
}

/** How copies are drawn as LIME draws them. */
export interface LimeQueryOptions extends QueryOptions {
  /** Deviation of the noise of a numeric feature, as a share of the deviation of its column. LIME's own is 1. */
  readonly noise: number;
}

const LIME_QUERY_OPTIONS: KindsOf<LimeQueryOptions> = {
  noise: required(aNumberOfAtLeast0),
  domain: required(aDomain),
  copies: required(aNumber),
  seed: required(aNatural),
};

/** Copies as LIME makes them around rows (`limeTable`): numeric features get normal noise, each other feature is taken from a random row.
 *  rows m of d numbers → copies · m of them, copy after copy. Source: Ribeiro et al. 2016, sec. 3.3; Slack et al. 2020, sec. 3.2 (with
 *  noise 0.3 in their code). */
export function limeQueries(rows: Float32Array, options: LimeQueryOptions): Float32Array<ArrayBuffer> {
  requireArguments("limeQueries", { rows: [rows, aFloat32Array] });
  const { domain, copies, noise, seed } = checkedOptions("limeQueries", options, LIME_QUERY_OPTIONS);
  const [d] = domain.shape;
  const m = wholeRows("limeQueries", "rows", rows, d);
  const deviations = deviationsOf(rows, d);
  const draw = drawFrom(seed, 0x6c71);
  return perturbed(rows, d, copies, (copy) => {
    for (const { kind, at } of featuresOf(domain)) {
      const source = draw.below(m);
      const step = draw.bell();
      for (const i of at) {
        if (kind === "numeric") copy[i] += noise * deviations[i] * step;
        else copy[i] = rows[source * d + i];
      }
    }
  });
}

/** How copies are drawn as KernelSHAP draws them. */
export interface ShapQueryOptions extends QueryOptions {
  /** What stands for features that are taken away: the centres of a k-means clustering, k of d numbers. */
  readonly centres: ArrayLike<number>;
}

const SHAP_QUERY_OPTIONS: KindsOf<ShapQueryOptions> = {
  centres: required(numbers),
  domain: required(aDomain),
  copies: required(aNumber),
  seed: required(aNatural),
};

/** Copies as KernelSHAP makes them (`maskedScores`): some features, of a number drawn evenly from one to all of them, are those of a random
 *  centre. rows m of d numbers → copies · m of them, copy after copy. Source: Lundberg, Lee 2017, sec. 4.1; Slack et al. 2020, sec. 3.2. */
export function shapQueries(rows: Float32Array, options: ShapQueryOptions): Float32Array<ArrayBuffer> {
  requireArguments("shapQueries", { rows: [rows, aFloat32Array] });
  const { domain, copies, centres, seed } = checkedOptions("shapQueries", options, SHAP_QUERY_OPTIONS);
  const [d] = domain.shape;
  wholeRows("shapQueries", "rows", rows, d);
  const known = wholeRows("shapQueries", "centres", centres, d);
  const features = featuresOf(domain);
  const order = features.map((_, i) => i);
  const draw = drawFrom(seed, 0x7371);
  return perturbed(rows, d, copies, (copy) => {
    const centre = draw.below(known) * d;
    const replaced = 1 + draw.below(features.length);
    for (let r = 0; r < replaced; r++) {
      const other = r + draw.below(order.length - r);
      [order[r], order[other]] = [order[other], order[r]];
      for (const i of features[order[r]].at) copy[i] = centres[centre + i];
    }
  });
}

/** Each row `copies` times, changed in place by `change`. */
function perturbed(
  rows: Float32Array,
  d: number,
  copies: number,
  change: (copy: Float32Array) => void,
): Float32Array<ArrayBuffer> {
  if (!Number.isInteger(copies) || copies < 1)
    throw new RangeError(`queries: ${copies} copies of each row asked for; a whole number of at least 1 is needed`);
  const all = new Float32Array(copies * rows.length);
  for (let c = 0; c < copies; c++) all.set(rows, c * rows.length);
  for (let from = 0; from < all.length; from += d) change(all.subarray(from, from + d));
  return all;
}

/** The deviation of each column, of all rows (not m − 1). */
export function deviationsOf(rows: Float32Array, d: number): Float64Array {
  const m = rows.length / d;
  return Float64Array.from({ length: d }, (_, i) => {
    let [sum, squares] = [0, 0];
    for (let r = 0; r < m; r++) sum += rows[r * d + i];
    for (let r = 0; r < m; r++) squares += (rows[r * d + i] - sum / m) ** 2;
    return Math.sqrt(squares / m);
  });
}

/** What an explainer really asks a model about while it explains x [n, ...shape]: every so manieth of its copies, between `most` and twice
 *  as many of them, or all where there are fewer. → [copies, n, ...shape], of the scope that is open. */
export function askedBy(explain: Explainer, score: Score, x: Tensor, most: number): Tensor {
  requireArguments("askedBy", {
    explain: [explain, anExplainer],
    score: [score, aScore],
    x: [x, aTensor],
    most: [most, aCount],
  });
  const n = x.shape[0];
  let kept: Tensor[] = [];
  let [seen, stride] = [0, 1];
  try {
    using _ = openScope("asked");
    explain((copies) => {
      const rest = copies.shape.slice(1);
      for (let c = 0; c < copies.shape[0] / n; c++, seen++) {
        if (seen % stride !== 0) continue;
        kept.push(keep(mul(slice(copies, [c * n, ...rest.map(() => 0)], [n, ...rest]), 1)));
        if (kept.length <= 2 * most) continue;
        dispose(kept.filter((_, i) => i % 2 === 1));
        kept = kept.filter((_, i) => i % 2 === 0);
        stride *= 2;
      }
      return score(copies);
    }, x);
  } catch (error) {
    dispose(kept);
    throw error;
  }
  const all = concat(kept.map((copy) => reshape(copy, [1, ...copy.shape])));
  dispose(kept);
  return all;
}
