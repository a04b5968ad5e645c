/** Schemes that look at predictions only. */
import { add, leaves, mul, square, sum } from "../../engine/index.js";
import { crossEntropy } from "../../nn/index.js";
import { linf } from "../balls.js";
import { ascend } from "./ascend.js";
import { joined, type Scheme, weighted } from "./scheme.js";

/** Cross-entropy. With a softplus network this is beta-smoothing, the baseline f. */
export function normal(): Scheme {
  return {
    name: "normal",
    formula: "CE(g(x), y)",
    source: "Dombrowski et al. 2019 for softplus networks",
    loss(g, { x, y }) {
      const logits = g(x);
      return [crossEntropy(logits, y), logits];
    },
  };
}

export interface WeightDecayOptions {
  /** Default 5e-4. */
  readonly weight?: number;
}

/** Half the squared L2 norm of all weights; biases and norm layers' scales (rank 1) are left free. */
export function weightDecay({ weight = 5e-4 }: WeightDecayOptions = {}): Scheme {
  return {
    name: "weight decay",
    formula: "CE(g(x), y) + λ/2 Σ ‖W‖²",
    source: "Krogh, Hertz 1992; against manipulation: Dombrowski et al. 2022",
    loss(g, { x, y }) {
      const logits = g(x);
      const norms = leaves(g.params)
        .filter((w) => w.rank >= 2)
        .map((w) => sum(square(w)));
      return [add(crossEntropy(logits, y), mul(norms.reduce(add), weight / 2)), logits];
    },
  };
}

export interface AdversarialOptions {
  /** L-inf radius; default 0.1, as in the paper's figure 5. */
  readonly radius?: number;
  /** Share of the clean images in the loss; default 0.5 with `fgsm`, 0 with `pgd`. */
  readonly clean?: number;
}

/** Adversarial training with one signed step of the whole radius. */
export function fgsm({ radius = 0.1, clean = 0.5 }: AdversarialOptions = {}): Scheme {
  return {
    ...adversarial({ radius, clean, steps: 1, stepSize: radius, randomStart: false }),
    name: "FGSM",
    source: "Goodfellow et al. 2015, sec. 6",
  };
}

export interface PgdOptions extends AdversarialOptions {
  /** Default 7 steps of 2.5 radius / steps each, from a random start. */
  readonly steps?: number;
  readonly stepSize?: number;
}

/** Adversarial training with projected ascent from a random start. */
export function pgd(options: PgdOptions = {}): Scheme {
  const { radius = 0.1, clean = 0, steps = 7, stepSize = (2.5 * radius) / steps } = options;
  return {
    ...adversarial({ radius, clean, steps, stepSize, randomStart: true }),
    name: "PGD",
    source: "Madry et al. 2018, eq. 2.1",
  };
}

function adversarial(options: {
  radius: number;
  clean: number;
  steps: number;
  stepSize: number;
  randomStart: boolean;
}): Scheme {
  const { radius, clean, steps, stepSize, randomStart } = options;
  return {
    name: "adversarial",
    formula: "a CE(g(x), y) + (1 − a) max CE(g(x'), y) over ‖x' − x‖∞ ≤ ε",
    source: "Madry et al. 2018",
    loss(g, { x, y, key }) {
      const start = randomStart ? key : undefined;
      const worst = ascend((z) => crossEntropy(g(z), y), x, { ball: linf(radius), steps, stepSize, start });
      const { all, apart } = joined([x, worst]);
      const [logits, attacked] = apart(g(all));
      const loss = weighted([clean, () => crossEntropy(logits, y)], [1 - clean, () => crossEntropy(attacked, y)]);
      return [loss, logits];
    },
  };
}
