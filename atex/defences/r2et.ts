import { abs, add, div, mean, mul, slice, sqrt, stopGradient, sub, topK } from "../../engine/index.js";
import { aCount, aNumberOfAtLeast0, aPositiveNumber } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf } from "../../engine/options.js";
import { crossEntropy } from "../../nn/index.js";
import { count, size } from "../../nn/schema.js";
import { norms } from "../balls.js";
import { rows } from "../metrics/metric.js";
import { type Defence, explained, joined, squaredNorm } from "./defence.js";
import { defenceEntry, implied } from "./entry.js";

const info = { name: "R2ET", source: "Chen et al. 2024" };

/** Important features of an image. */
const USUAL = 50;

/** Which ranks of the gradient's magnitudes are held apart, and what the terms weigh. */
export interface R2etOptions {
  /** Number of important features; default 50, half of those of a short row. */
  readonly k?: number;
  /** Features on each side of rank k whose gap counts; default k, or as many as there are. */
  readonly margin?: number;
  /** Weight of the gap, default 1, and of the curvature, default 1; at least 0. */
  readonly gap?: number;
  readonly curvature?: number;
  /** Length of the finite difference, above 0; default 0.01. */
  readonly step?: number;
}

const R2ET_OPTIONS: KindsOf<R2etOptions> = {
  k: aCount,
  margin: aCount,
  gap: aNumberOfAtLeast0,
  curvature: aNumberOfAtLeast0,
  step: aPositiveNumber,
};

/** Keeps the ranking of features: widens the gap between gradient magnitudes just above and just below rank k, and keeps the
 *  gradient from changing along itself (a finite difference of the Hessian). Source: Chen et al. 2024, sec. 4.2 (R2ET-mm).
 *  @throws RangeError where a sample has no features below rank k. */
export function r2et(options: R2etOptions = {}): Defence {
  checkedOptions("r2et", options, R2ET_OPTIONS);
  const { gap = 1, curvature = 1, step = 0.01 } = options;
  if (options.k !== undefined && options.margin !== undefined && options.margin > options.k)
    throw new RangeError(`r2et: margin ${options.margin} given for k ${options.k}; at most k is needed`);
  return {
    ...info,
    formula: "CE(g(x), y) − λ₁ gap of |φ| around rank k + λ₂ mean ‖φ(x + h φ/‖φ‖) − φ(x)‖ / h",
    loss(g, { x, y }) {
      const n = x.shape[0];
      const features = x.size / n;
      const k = options.k ?? Math.min(USUAL, Math.floor(features / 2));
      const { margin = Math.min(k, features - k) } = options;
      if (!(margin >= 1 && margin <= k && k + margin <= features))
        throw new RangeError(
          `r2et: k ${k} and margin ${margin} given for ${features} features; at least 1 and k + margin of at most ${features} are needed`,
        );
      const along = stopGradient(() => {
        const { map } = explained(g, x, y);
        return div(mul(map, step), add(norms(map), 1e-20));
      });
      const { all, apart } = joined([x, add(x, along)]);
      const { logits: both, map } = explained(g, all, y);
      const [logits] = apart(both);
      const [phi, moved] = apart(map);
      const ranked = topK(abs(rows(phi)), k + margin).values;
      const above = mean(slice(ranked, [0, k - margin], [n, margin]));
      const below = mean(slice(ranked, [0, k], [n, margin]));
      const bend = mean(sqrt(add(squaredNorm(sub(moved, phi)), 1e-20)));
      const penalty = add(mul(sub(below, above), gap), mul(bend, curvature / step));
      return [add(crossEntropy(logits, y), penalty), logits];
    },
  };
}

/** Length of the finite difference. */
const STEP = 0.01;

export const r2etEntry = defenceEntry({
  name: "r2et",
  info,
  order: 2,
  needs: ["labels"],
  options: {
    k: implied(count, USUAL, "important features, whose ranks are kept; half of a short row"),
    gap: implied(size, 1, "weight of the gap around rank k"),
    curvature: implied(size, 1, "weight of the change of the gradient along itself"),
  },
  // A step of L2 norm STEP.
  reach: () => ({ most: STEP, of: "root mean square" }),
  presets: { r2et: { title: "R2ET", settings: () => ({ gap: 1, curvature: 0.01 }) } },
  make: ({ k, gap, curvature }) => r2et({ k, gap, curvature, step: STEP }),
});
