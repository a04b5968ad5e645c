/** Adversarial training on explanations, done directly: the loss contains gradients and is differentiated again. */

import { mean, type Tensor } from "../../engine/index.js";
import { aCount, aFunction, aNumberOfAtLeast0, anObject, either, required, wordOf } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf } from "../../engine/options.js";
import { crossEntropy, type FeatureRange } from "../../nn/index.js";
import { aRange } from "../../nn/kinds.js";
import { count, oneOf, setting, size } from "../../nn/schema.js";
import { type Ball, linf } from "../balls.js";
import { repeated } from "../copies.js";
import { aBall } from "../kinds.js";
import { type Batch, type Defence, explained, joined, type Network, requireWeights, weighted } from "./defence.js";
import { cosineDistance, type Distance, squaredL2 } from "./distances.js";
import { defenceEntry, implied } from "./entry.js";
import { lastOfAscent, randomNeighbours } from "./neighbours.js";

/** Neighbours of each sample and the weights of the terms of eq. 2 (Tang et al. 2022). */
export interface NaiveOptions {
  /** N(x, ε). */
  readonly ball: Ball;
  /** Valid values; default 0 to 1 for images [n,c,h,w], none otherwise. */
  readonly range?: FeatureRange;
  /** Neighbours per image; default 8. */
  readonly neighbours?: number;
  /** Random points of the ball, or points that ascend the distance from there; default random. */
  readonly choice?: "random" | { readonly adversarial: { readonly steps: number; readonly stepSize: number } };
  /** d of eq. 2; default 1 − cosine. */
  readonly distance?: Distance;
  /** Weight of d, which eq. 2 leaves at 1; default 5. Squared L2, in units of logits per pixel, wants about 0.1. */
  readonly weight?: number;
  /** a₁ and a₂, the weights of the predictions at x and at its neighbours, at least 0; default 1 and 1. */
  readonly a1?: number;
  readonly a2?: number;
}

const NAIVE_OPTIONS: KindsOf<NaiveOptions> = {
  ball: required(aBall),
  range: aRange,
  neighbours: aCount,
  choice: either(
    wordOf("random"),
    anObject("an object", { adversarial: anObject("an object", { steps: aCount, stepSize: aNumberOfAtLeast0 }) }),
  ),
  distance: aFunction,
  weight: aNumberOfAtLeast0,
  a1: aNumberOfAtLeast0,
  a2: aNumberOfAtLeast0,
};

const info = { name: "naive", source: "Tang et al. 2022, eq. 2" };

/** The paper's direct scheme, φ the gradient of the label's logit. Its sums over neighbours are means here, so that weights
 *  keep their meaning when the number of neighbours changes. Source: Tang et al. 2022, eq. 2. @throws RangeError where all weights are 0. */
export function naive(options: NaiveOptions): Defence {
  checkedOptions("naive", options, NAIVE_OPTIONS);
  const { neighbours: k = 8, distance = cosineDistance, weight = 5, a1 = 1, a2 = 1 } = options;
  requireWeights("naive", { a1, a2, weight });
  return {
    ...info,
    formula: `a₁ CE(g(x), y) + mean over x' of [ a₂ CE(g(x'), y) + λ d(φ(x'), φ(x)) ], d = ${distance.title}`,
    loss(g, batch) {
      const { x, y } = batch;
      const { all, apart } = joined([x, neighboursOf(g, batch, options, k, distance)]);
      const { logits, map } = explained(g, all, y);
      const [atX, nearby] = apart(logits);
      const [phi, phiNearby] = apart(map);
      const loss = weighted(
        [a1, () => crossEntropy(atX, y)],
        [a2, () => crossEntropy(nearby, repeated(y, k))],
        [weight, () => mean(distance(phiNearby, repeated(phi, k)))],
      );
      return [loss, atX];
    },
  };
}

/** k neighbours of each image, copy after copy. */
function neighboursOf(
  g: Network,
  { x, y, key }: Batch,
  { ball, range, choice = "random" }: NaiveOptions,
  k: number,
  distance: Distance,
): Tensor {
  const centres = repeated(x, k);
  if (choice === "random") return randomNeighbours({ ball, range }, key, centres);
  const apartness = (z: Tensor): Tensor => mean(distance(explained(g, z, y).map, repeated(explained(g, x, y).map, k)));
  // At x itself the distance is 0 and so is its slope: only a random start gets anywhere.
  return lastOfAscent(apartness, centres, { ball, range, ...choice.adversarial, start: key });
}

const DISTANCES = { squaredL2, cosine: cosineDistance };

export const naiveEntry = defenceEntry({
  name: "naive",
  info,
  order: 2,
  needs: ["labels"],
  options: {
    neighbours: setting(count, 8, "neighbours of each sample"),
    radius: setting(size, 1, "L-inf radius of their ball, as a multiple of eps"),
    distance: setting(oneOf("squaredL2", "cosine"), "squaredL2", "distance of the maps; cosine is 1 − cosine"),
    weight: implied(size, 5, "weight of that distance"),
    a1: implied(size, 1, "weight of the predictions at the samples"),
    a2: implied(size, 1, "weight of the predictions at the neighbours"),
    ascent: setting(count, undefined, "steps of the ascent that looks for neighbours; random ones if not given"),
  },
  reach: ({ radius }, eps) => ({ most: radius * eps, of: "largest element" }),
  samples: ({ neighbours }) => neighbours,
  check: ({ a1 = 1, a2 = 1, weight = 5 }) => requireWeights("naive", { a1, a2, weight }),
  presets: {
    naive: {
      title: "naive, 1 − cosine",
      settings: () => ({ neighbours: 1, distance: "cosine", weight: 5 }),
    },
    "naive-l2": {
      title: "naive, squared L2",
      settings: () => ({ neighbours: 1, distance: "squaredL2", weight: 0.1 }),
    },
  },
  make({ neighbours, radius, distance, weight, a1, a2, ascent }, { eps, range }) {
    const reach = radius * eps;
    return naive({
      ...{ ball: linf(reach), range, neighbours, weight, a1, a2 },
      distance: DISTANCES[distance],
      choice: ascent === undefined ? "random" : { adversarial: { steps: ascent, stepSize: (2 * reach) / ascent } },
    });
  },
});
