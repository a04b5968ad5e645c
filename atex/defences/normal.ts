import { crossEntropy } from "../../nn/index.js";
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
  options: {},
  presets: { normal: { title: "normal training", settings: () => ({}) } },
  make: normal,
});
