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
  reshape,
  softmax,
  sqrt,
  stack,
  stopGradient,
  sub,
  sum,
  type Tensor,
  transpose,
} from "../../engine/index.js";
import { checkedOptions } from "../../engine/options.js";
import { crossEntropy } from "../../nn/index.js";
import { size } from "../../nn/schema.js";
import { norms } from "../balls.js";
import { rows } from "../metrics/metric.js";
import { type Defence, PENALTY_OPTIONS, type PenaltyOptions, squaredNorm } from "./defence.js";
import { defenceEntry, implied } from "./entry.js";

const info = { name: "SSR", source: "Wang et al. 2020" };

/** The largest eigenvalue of J ᵀ(diag p − p pᵀ) J, the Hessian of the loss where g is linear, J [C,D] the logits' Jacobian. With
 *  B = diag √p (I − √p √pᵀ), so that B Bᵀ = diag p − p pᵀ, it is that of the C×C matrix Bᵀ J Jᵀ B; its eigenvector u, held
 *  constant, gives eigenvalue and derivative as ‖Jᵀ B u‖², one more gradient. Source: Wang et al. 2020, sec. 4. */
export function ssr(options: PenaltyOptions = {}): Defence {
  const { weight = 1 } = checkedOptions("ssr", options, PENALTY_OPTIONS);
  return {
    ...info,
    formula: "CE(g(x), y) + λ mean of the largest eigenvalue of Jᵀ (diag p − p pᵀ) J",
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

export const ssrEntry = defenceEntry({
  name: "ssr",
  info,
  order: 2,
  needs: ["labels"],
  options: { weight: implied(size, 1, "weight of the largest eigenvalue of the loss's Hessian") },
  presets: { ssr: { title: "SSR", settings: () => ({ weight: 0.1 }) } },
  make: ({ weight }) => ssr({ weight }),
});
