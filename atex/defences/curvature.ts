import { add, grad, mean, mul, random, sum, type Tensor } from "../../engine/index.js";
import { checkedOptions } from "../../engine/options.js";
import { crossEntropy } from "../../nn/index.js";
import { size } from "../../nn/schema.js";
import { type Defence, explained, PENALTY_OPTIONS, type PenaltyOptions, squaredNorm } from "./defence.js";
import { defenceEntry, implied } from "./entry.js";

const info = { name: "curvature", source: "Dombrowski et al. 2022" };

/** E ‖H v‖², the squared Frobenius norm of the input Hessian of the label's logit, by one Gaussian v per image and step: third
 *  order. Source: Dombrowski et al. 2022, sec. 3.3. */
export function curvaturePenalty(options: PenaltyOptions = {}): Defence {
  const { weight = 1 } = checkedOptions("curvaturePenalty", options, PENALTY_OPTIONS);
  return {
    ...info,
    formula: "CE(g(x), y) + λ mean ‖H v‖², v ~ N(0, 1)",
    loss(g, { x, y, key }) {
      const v = random.normal(key, x.shape);
      const hv = grad((z: Tensor) => sum(mul(explained(g, z, y).map, v)))(x);
      const logits = g(x);
      return [add(crossEntropy(logits, y), mul(mean(squaredNorm(hv)), weight)), logits];
    },
  };
}

export const curvatureEntry = defenceEntry({
  name: "curvature",
  info,
  order: 3,
  needs: ["labels"],
  options: { weight: implied(size, 1, "weight of the squared norm of the input Hessian") },
  presets: { curvature: { title: "curvature penalty", settings: () => ({ weight: 0.003 }) } },
  make: ({ weight }) => curvaturePenalty({ weight }),
});
