/** Penalties on gradients and curvatures, differentiated again by the training step. φ is the gradient of the label's logit. */
import {
  abs,
  add,
  constant,
  div,
  expand,
  grad,
  matmul,
  max,
  mean,
  mul,
  oneHot,
  random,
  reshape,
  slice,
  softmax,
  sqrt,
  square,
  stack,
  stopGradient,
  sub,
  sum,
  type Tensor,
  topK,
  transpose,
} from "../../engine/index.js";
import { crossEntropy, crossEntropyPerSample } from "../../nn/index.js";
import { norms } from "../balls.js";
import { rows } from "../metrics/metric.js";
import { explained, joined, type Scheme } from "./scheme.js";

export interface PenaltyOptions {
  /** Default 1; what is right depends on the network: choose it on validation data. */
  readonly weight?: number;
}

/** Σᵢ vᵢ² per image. [n,...] → [n] */
function squaredNorm(v: Tensor): Tensor {
  return sum(square(rows(v)), 1);
}

/** The squared norm of the gradient of the loss. Source: Ross, Doshi-Velez 2018, eq. 6; Drucker, LeCun 1992. */
export function inputGradientPenalty({ weight = 1 }: PenaltyOptions = {}): Scheme {
  return {
    name: "input gradient",
    formula: "CE(g(x), y) + λ mean ‖∂ CE(g(x), y) / ∂x‖²",
    source: "Ross, Doshi-Velez 2018",
    loss(g, { x, y }) {
      const slope = grad((z: Tensor) => sum(crossEntropyPerSample(g(z), y)))(x);
      const logits = g(x);
      return [add(crossEntropy(logits, y), mul(mean(squaredNorm(slope)), weight)), logits];
    },
  };
}

/** E ‖H v‖², the squared Frobenius norm of the input Hessian of the label's logit, by one Gaussian v per image and step: third
 *  order. Source: Dombrowski et al. 2022, sec. 3.3. */
export function curvaturePenalty({ weight = 1 }: PenaltyOptions = {}): Scheme {
  return {
    name: "curvature",
    formula: "CE(g(x), y) + λ mean ‖H v‖², v ~ N(0, 1)",
    source: "Dombrowski et al. 2022",
    loss(g, { x, y, key }) {
      const v = random.normal(key, x.shape);
      const hv = grad((z: Tensor) => sum(mul(explained(g, z, y).map, v)))(x);
      const logits = g(x);
      return [add(crossEntropy(logits, y), mul(mean(squaredNorm(hv)), weight)), logits];
    },
  };
}

/** The largest eigenvalue of J ᵀ(diag p − p pᵀ) J, the Hessian of the loss where g is linear, J [C,D] the logits' Jacobian. With
 *  B = diag √p (I − √p √pᵀ), so that B Bᵀ = diag p − p pᵀ, it is that of the C×C matrix Bᵀ J Jᵀ B; its eigenvector u, held
 *  constant, gives eigenvalue and derivative as ‖Jᵀ B u‖², one more gradient. Source: Wang et al. 2020, sec. 4. */
export function ssr({ weight = 1 }: PenaltyOptions = {}): Scheme {
  return {
    name: "SSR",
    formula: "CE(g(x), y) + λ mean of the largest eigenvalue of Jᵀ (diag p − p pᵀ) J",
    source: "Wang et al. 2020",
    loss(g, { x, y }) {
      const logits = g(x);
      const root = sqrt(softmax(logits));
      // B u = √p ∘ (u − √p ⟨√p, u⟩), for u [n,C].
      const b = (u: Tensor): Tensor => mul(root, sub(u, mul(root, sum(mul(root, u), 1, { keepDims: true }))));
      const u = stopGradient(() => leadingVector(g, x, b, logits.shape[1]));
      const cotangent = b(u);
      const pulled = grad((z: Tensor) => sum(mul(g(z), cotangent)))(x);
      return [add(crossEntropy(logits, y), mul(mean(squaredNorm(pulled)), weight)), logits];
    },
  };
}

/** The eigenvector of the largest eigenvalue of Bᵀ J Jᵀ B per image, [n,C] of length 1, by squaring the matrix: M⁶⁴ e, where the
 *  other eigenvalues have died away. */
function leadingVector(g: (x: Tensor) => Tensor, x: Tensor, b: (u: Tensor) => Tensor, classes: number): Tensor {
  const n = x.shape[0];
  const columns = Array.from({ length: classes }, (_, c) => {
    const unitVector = b(expand(oneHot(constant(c, "i32"), classes), [n, classes]));
    return rows(grad((z: Tensor) => sum(mul(g(z), unitVector)))(x));
  });
  const jtb = stack(columns, 1);
  let power = matmul(jtb, transpose(jtb, [0, 2, 1]));
  for (let i = 0; i < 6; i++) {
    power = div(power, add(max(abs(power), [1, 2], { keepDims: true }), 1e-30));
    power = matmul(power, power);
  }
  // Any start not orthogonal to the eigenvector will do; the row sums' alternating weights are no symmetry of B.
  const start = reshape(stack(Array.from({ length: classes }, (_, c) => constant(Math.cos(c + 1)))), [classes, 1]);
  const vector = reshape(matmul(power, start), [n, classes]);
  return div(vector, add(norms(vector), 1e-30));
}

export interface R2etOptions {
  /** Number of important pixels; default 50. */
  readonly k?: number;
  /** Pixels on each side of rank k whose gap counts; default k. */
  readonly margin?: number;
  /** Weight of the gap, default 1, and of the curvature, default 1. */
  readonly gap?: number;
  readonly curvature?: number;
  /** Length of the finite difference; default 0.01. */
  readonly step?: number;
}

/** Keeps the ranking of pixels: widens the gap between gradient magnitudes just above and just below rank k, and keeps the
 *  gradient from changing along itself (a finite difference of the Hessian). Source: Chen et al. 2024, sec. 4.2 (R2ET-mm). */
export function r2et(options: R2etOptions = {}): Scheme {
  const { k = 50, margin = k, gap = 1, curvature = 1, step = 0.01 } = options;
  return {
    name: "R2ET",
    formula: "CE(g(x), y) − λ₁ gap of |φ| around rank k + λ₂ mean ‖φ(x + h φ/‖φ‖) − φ(x)‖ / h",
    source: "Chen et al. 2024",
    loss(g, { x, y }) {
      const along = stopGradient(() => {
        const { map } = explained(g, x, y);
        return div(mul(map, step), add(norms(map), 1e-20));
      });
      const { all, apart } = joined([x, add(x, along)]);
      const { logits: both, map } = explained(g, all, y);
      const [logits] = apart(both);
      const [phi, moved] = apart(map);
      const ranked = topK(abs(rows(phi)), k + margin).values;
      const n = x.shape[0];
      const above = mean(slice(ranked, [0, k - margin], [n, margin]));
      const below = mean(slice(ranked, [0, k], [n, margin]));
      const bend = mean(sqrt(add(squaredNorm(sub(moved, phi)), 1e-20)));
      const penalty = add(mul(sub(below, above), gap), mul(bend, curvature / step));
      return [add(crossEntropy(logits, y), penalty), logits];
    },
  };
}
