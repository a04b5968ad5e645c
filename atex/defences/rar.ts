import { abs, add, mean, mul, neg, sum, type Tensor } from "../../engine/index.js";
import { aCount, aNumberOfAtLeast0 } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf } from "../../engine/options.js";
import { crossEntropy, type FeatureRange } from "../../nn/index.js";
import { aRange } from "../../nn/kinds.js";
import { count, size } from "../../nn/schema.js";
import { linf } from "../balls.js";
import { integratedGradients } from "../explainers/integratedGradients.js";
import { rows } from "../metrics/metric.js";
import { classScore } from "../score.js";
import type { Defence } from "./defence.js";
import { defenceEntry, implied } from "./entry.js";
import { lastOfAscent } from "./neighbours.js";

const info = { name: "RAR IG-NORM", source: "Chen et al. 2019" };

/** The inner maximisation of RAR and its integrated gradients; lengths are in units of the inputs. */
export interface RarOptions {
  /** L-inf radius; default 0.1 (Fashion-MNIST; MNIST 0.3). */
  readonly radius?: number;
  /** Valid values; default 0 to 1 for images [n,c,h,w], none otherwise. */
  readonly range?: FeatureRange;
  /** Ascents of the inner maximisation; default 20 of 0.01 (MNIST 40). */
  readonly steps?: number;
  readonly stepSize?: number;
  /** Points of the path in the loss, default 50, and inside the ascent, default 10. */
  readonly path?: number;
  readonly innerPath?: number;
  /** λ; default 1. */
  readonly weight?: number;
}

const RAR_OPTIONS: KindsOf<RarOptions> = {
  radius: aNumberOfAtLeast0,
  range: aRange,
  steps: aCount,
  stepSize: aNumberOfAtLeast0,
  path: aCount,
  innerPath: aCount,
  weight: aNumberOfAtLeast0,
};

/** Keeps the attribution of the change of the loss, integrated from x to the worst neighbour, small in L1.
 *  Source: Chen et al. 2019, IG-NORM (sec. 3.1). */
export function rar(options: RarOptions = {}): Defence {
  checkedOptions("rar", options, RAR_OPTIONS);
  const { radius = 0.1, range, steps = 20, stepSize = 0.01, path = 50, innerPath = 10, weight = 1 } = options;
  return {
    ...info,
    formula: "CE(g(x), y) + λ max ‖IG of CE from x to x'‖₁ over ‖x' − x‖∞ ≤ ε",
    loss(g, { x, y, key }) {
      const logLikelihood = classScore(g, y, { of: "logProbability" });
      const lossOf = (z: Tensor): Tensor => neg(logLikelihood(z));
      const lengthOf = (z: Tensor, points: number): Tensor =>
        mean(sum(abs(rows(integratedGradients({ steps: points, baseline: x })(lossOf, z))), 1));
      // At x itself the path has no length; the ascent starts beside it.
      const worst = lastOfAscent((z) => lengthOf(z, innerPath), x, {
        ball: linf(radius),
        range,
        steps,
        stepSize,
        start: key,
      });
      const logits = g(x);
      return [add(crossEntropy(logits, y), mul(lengthOf(worst, path), weight)), logits];
    },
  };
}

export const rarEntry = defenceEntry({
  name: "rar",
  info,
  order: 2,
  needs: ["labels"],
  options: {
    radius: implied(size, 0.1, "L-inf radius, in units of the inputs"),
    steps: implied(count, 20, "steps of 0.01 of the inner ascent"),
    path: implied(count, 50, "points of the path in the loss"),
    innerPath: implied(count, 10, "points of the path in the ascent"),
    weight: implied(size, 1, "weight of the length of the integrated attribution"),
  },
  reach: ({ radius = 0.1 }) => ({ most: radius, of: "largest element" }),
  presets: {
    rar: { title: "RAR IG-NORM", settings: (eps) => ({ radius: eps, steps: 5, path: 5, innerPath: 3 }) },
  },
  make: ({ radius, steps, path, innerPath, weight }, { range }) =>
    rar({ radius, range, steps, path, innerPath, weight }),
});
