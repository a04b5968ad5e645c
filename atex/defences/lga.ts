import { mean, stopGradient } from "../../engine/index.js";
import { aNumberOfAtLeast0, required } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf } from "../../engine/options.js";
import { crossEntropy, type FeatureRange } from "../../nn/index.js";
import { aRange } from "../../nn/kinds.js";
import { setting, size } from "../../nn/schema.js";
import { type Ball, linf } from "../balls.js";
import { aBall } from "../kinds.js";
import { type Defence, explained, weighted } from "./defence.js";
import { cosineDistance, squaredL2 } from "./distances.js";
import { defenceEntry, implied } from "./entry.js";
import { randomNeighbours } from "./neighbours.js";

const info = { name: "LGA", source: "Joo et al. 2023" };

/** Where the neighbour x_r of each sample is drawn, and what the distances of its gradient from the clean one weigh. */
export interface LgaOptions {
  /** Where x_r is drawn from, uniformly. */
  readonly ball: Ball;
  /** Valid values; default 0 to 1 for images [n,c,h,w], none otherwise. */
  readonly range?: FeatureRange;
  /** Weights of the squared L2 distance and of the cosine distance, at least 0; default 1 and 1. */
  readonly l2?: number;
  readonly cosine?: number;
}

const LGA_OPTIONS: KindsOf<LgaOptions> = {
  ball: required(aBall),
  range: aRange,
  l2: aNumberOfAtLeast0,
  cosine: aNumberOfAtLeast0,
};

/** Gradients at random neighbours learn from the clean gradient, which is a constant. Source: Joo et al. 2023, sec. 4. */
export function lga(options: LgaOptions): Defence {
  const { ball, range, l2 = 1, cosine = 1 } = checkedOptions("lga", options, LGA_OPTIONS);
  return {
    ...info,
    formula: "CE(g(x), y) + λ ‖φ(x) − φ(x_r)‖² + c (1 − cos(φ(x), φ(x_r))) / 2, φ(x) constant",
    loss(g, { x, y, key }) {
      const logits = g(x);
      const clean = stopGradient(() => explained(g, x, y).map);
      const { map } = explained(g, randomNeighbours({ ball, range }, key, x), y);
      const loss = weighted(
        [1, () => crossEntropy(logits, y)],
        [l2, () => mean(squaredL2(map, clean))],
        [cosine / 2, () => mean(cosineDistance(map, clean))],
      );
      return [loss, logits];
    },
  };
}

export const lgaEntry = defenceEntry({
  name: "lga",
  info,
  order: 2,
  needs: ["labels"],
  options: {
    radius: setting(size, 1, "L-inf radius of the random neighbour, as a multiple of eps"),
    l2: implied(size, 1, "weight of the squared L2 distance of the maps"),
    cosine: implied(size, 1, "weight of their cosine distance"),
  },
  reach: ({ radius }, eps) => ({ most: radius * eps, of: "largest element" }),
  presets: { lga: { title: "LGA", settings: () => ({ l2: 0.001, cosine: 10 }) } },
  make: ({ radius, l2, cosine }, { eps, range }) => lga({ ball: linf(radius * eps), range, l2, cosine }),
});
