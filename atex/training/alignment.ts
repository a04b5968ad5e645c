/** Schemes that compare explanations at an image and at one neighbour. */
import { abs, add, mean, mul, neg, stopGradient, sum, type Tensor } from "../../engine/index.js";
import { crossEntropy } from "../../nn/index.js";
import { type Ball, clipPixels, linf } from "../balls.js";
import { integratedGradients } from "../explainers/integratedGradients.js";
import { rows } from "../metrics/metric.js";
import { classScore } from "../score.js";
import { ascend } from "./ascend.js";
import { cosineDistance, squaredL2 } from "./distances.js";
import { explained, type Scheme, weighted } from "./scheme.js";

export interface LgaOptions {
  /** Where x_r is drawn from, uniformly. */
  readonly ball: Ball;
  /** Weights of the squared L2 distance and of the cosine distance; default 1 and 1. */
  readonly l2?: number;
  readonly cosine?: number;
}

/** Gradients at random neighbours learn from the clean gradient, which is a constant. Source: Joo et al. 2023, sec. 4. */
export function lga({ ball, l2 = 1, cosine = 1 }: LgaOptions): Scheme {
  return {
    name: "LGA",
    formula: "CE(g(x), y) + λ ‖φ(x) − φ(x_r)‖² + c (1 − cos(φ(x), φ(x_r))) / 2, φ(x) constant",
    source: "Joo et al. 2023",
    loss(g, { x, y, key }) {
      const logits = g(x);
      const clean = stopGradient(() => explained(g, x, y).map);
      const { map } = explained(g, clipPixels(ball.sample(key, x)), y);
      const loss = weighted(
        [1, () => crossEntropy(logits, y)],
        [l2, () => mean(squaredL2(map, clean))],
        [cosine / 2, () => mean(cosineDistance(map, clean))],
      );
      return [loss, logits];
    },
  };
}

export interface RarOptions {
  /** L-inf radius; default 0.1 (Fashion-MNIST; MNIST 0.3). */
  readonly radius?: number;
  /** Ascents of the inner maximisation; default 20 of 0.01 (MNIST 40). */
  readonly steps?: number;
  readonly stepSize?: number;
  /** Points of the path in the loss, default 50, and inside the ascent, default 10. */
  readonly path?: number;
  readonly innerPath?: number;
  /** λ; default 1. */
  readonly weight?: number;
}

/** Keeps the attribution of the change of the loss, integrated from x to the worst neighbour, small in L1.
 *  Source: Chen et al. 2019, IG-NORM (sec. 3.1). */
export function rar(options: RarOptions = {}): Scheme {
  const { radius = 0.1, steps = 20, stepSize = 0.01, path = 50, innerPath = 10, weight = 1 } = options;
  return {
    name: "RAR IG-NORM",
    formula: "CE(g(x), y) + λ max ‖IG of CE from x to x'‖₁ over ‖x' − x‖∞ ≤ ε",
    source: "Chen et al. 2019",
    loss(g, { x, y, key }) {
      const logLikelihood = classScore(g, y, { of: "logProbability" });
      const lossOf = (z: Tensor): Tensor => neg(logLikelihood(z));
      const size = (z: Tensor, points: number): Tensor =>
        mean(sum(abs(rows(integratedGradients({ steps: points, baseline: x })(lossOf, z))), 1));
      // At x itself the path has no length; the ascent starts beside it.
      const worst = ascend((z) => size(z, innerPath), x, { ball: linf(radius), steps, stepSize, start: key });
      const logits = g(x);
      return [add(crossEntropy(logits, y), mul(size(worst, path), weight)), logits];
    },
  };
}
