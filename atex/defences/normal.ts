import { crossEntropy, sgd } from "../../nn/index.js";
import type { Defence } from "./defence.js";
import { defenceEntry } from "./entry.js";

const info = { name: "normal", source: "Dombrowski et al. 2019 for softplus networks" };

/** Cross-entropy. With a softplus network this is beta-smoothing, the baseline f. */
export function normal(): Defence {
  return {
    ...info,
    formula: "CE(g(x), y)",
    loss(g, { x, y }) {
      const logits = g(x);
      return [crossEntropy(logits, y), logits];
    },
  };
}

export const normalEntry = defenceEntry({
  name: "normal",
  info,
  order: 1,
  needs: ["labels"],
  plain: true,
  options: {},
  presets: { normal: { title: "normal training", settings: () => ({}) } },
  make: normal,
});

const furtherInfo = { name: "further training", source: "a control: the same training, no defence" };

/** The trained network trained on without a defence: what more training does by itself. */
export const furtherEntry = defenceEntry({
  name: "further",
  info: furtherInfo,
  order: 1,
  needs: ["labels"],
  plain: true,
  options: {},
  presets: { further: { title: "further training without a defence", settings: () => ({}) } },
  make: () => ({ ...normal(), ...furtherInfo }),
});

const sgdInfo = { name: "plain SGD", source: "a control: Keskar et al. 2017 for small batches" };

/** Small batches and a large rate alone lead to flat minima: what an optimiser does by itself. */
export const sgdEntry = defenceEntry({
  name: "sgd",
  info: sgdInfo,
  order: 1,
  needs: ["labels"],
  optimiser: (lr) => sgd({ lr }),
  options: {},
  presets: { sgd: { title: "plain SGD, small batches", settings: () => ({ learningRate: 0.05, batch: 8 }) } },
  make: () => ({ ...normal(), ...sgdInfo }),
});
