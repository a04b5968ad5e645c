import { add, grad, mean, mul, sum, type Tensor } from "../../engine/index.js";
import { crossEntropy, crossEntropyPerSample } from "../../nn/index.js";
import { size } from "../../nn/schema.js";
import { type Defence, type PenaltyOptions, squaredNorm } from "./defence.js";
import { defenceEntry, implied } from "./entry.js";

const info = { name: "input gradient", source: "Ross, Doshi-Velez 2018" };

/** The squared norm of the gradient of the loss. Source: Ross, Doshi-Velez 2018, eq. 6; Drucker, LeCun 1992. */
export function inputGradientPenalty({ weight = 1 }: PenaltyOptions = {}): Defence {
  return {
    ...info,
    formula: "CE(g(x), y) + λ mean ‖∂ CE(g(x), y) / ∂x‖²",
    loss(g, { x, y }) {
      const slope = grad((z: Tensor) => sum(crossEntropyPerSample(g(z), y)))(x);
      const logits = g(x);
      return [add(crossEntropy(logits, y), mul(mean(squaredNorm(slope)), weight)), logits];
    },
  };
}

export const inputGradientEntry = defenceEntry({
  name: "inputGradient",
  info,
  order: 2,
  needs: ["labels"],
  options: { weight: implied(size, 1, "weight of the squared norm of the loss's gradient") },
  presets: { "input-gradient": { title: "input-gradient penalty", settings: () => ({ weight: 0.1 }) } },
  make: ({ weight }) => inputGradientPenalty({ weight }),
});
