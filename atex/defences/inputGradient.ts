import { add, grad, mean, mul, sum, type Tensor } from "../../engine/index.js";
import { checkedOptions } from "../../engine/options.js";
import { crossEntropy, crossEntropyPerSample } from "../../nn/index.js";
import { size } from "../../nn/schema.js";
import { type Defence, PENALTY_OPTIONS, type PenaltyOptions, squaredNorm } from "./defence.js";
import { defenceEntry, implied } from "./entry.js";

const info = { name: "input gradient", source: "Ross, Doshi-Velez 2018" };

/** The squared norm of the gradient of the loss. Source: Ross, Doshi-Velez 2018, eq. 6; Drucker, LeCun 1992. */
export function inputGradientPenalty(options: PenaltyOptions = {}): Defence {
  const { weight = 1 } = checkedOptions("inputGradientPenalty", options, PENALTY_OPTIONS);
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
