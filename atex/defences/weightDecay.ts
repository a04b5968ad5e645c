import { add, leaves, mul, square, sum } from "../../engine/index.js";
import { aNumberOfAtLeast0 } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf } from "../../engine/options.js";
import { crossEntropy } from "../../nn/index.js";
import { size } from "../../nn/schema.js";
import type { Defence } from "./defence.js";
import { defenceEntry, implied } from "./entry.js";

/** How much the weights cost beside the cross-entropy. */
export interface WeightDecayOptions {
  /** λ of λ/2 Σ ‖W‖², at least 0; default 5e-4. */
  readonly weight?: number;
}

const WEIGHT_DECAY_OPTIONS: KindsOf<WeightDecayOptions> = {
  weight: aNumberOfAtLeast0,
};

const info = { name: "weight decay", source: "Krogh, Hertz 1992; against manipulation: Dombrowski et al. 2022" };

/** Half the squared L2 norm of all weights; biases and norm layers' scales (rank 1) are left free.
 *  @throws RangeError, in training, for a network without weights. */
export function weightDecay(options: WeightDecayOptions = {}): Defence {
  const { weight = 5e-4 } = checkedOptions("weightDecay", options, WEIGHT_DECAY_OPTIONS);
  return {
    ...info,
    formula: "CE(g(x), y) + λ/2 Σ ‖W‖²",
    loss(g, { x, y }) {
      const logits = g(x);
      const norms = leaves(g.params)
        .filter((w) => w.rank >= 2)
        .map((w) => sum(square(w)));
      if (norms.length === 0)
        throw new RangeError("weightDecay: no parameter has two sides or more; a network with weights is needed");
      return [add(crossEntropy(logits, y), mul(norms.reduce(add), weight / 2)), logits];
    },
  };
}

export const weightDecayEntry = defenceEntry({
  name: "weightDecay",
  info,
  order: 1,
  needs: ["labels"],
  options: { weight: implied(size, 5e-4, "weight of half the squared norm of all weights") },
  presets: { "weight-decay": { title: "weight decay", settings: () => ({ weight: 0.003 }) } },
  make: ({ weight }) => weightDecay({ weight }),
});
