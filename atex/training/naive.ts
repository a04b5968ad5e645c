/** Adversarial training on explanations, done directly: the loss contains gradients and is differentiated again. */
import { mean, type Tensor } from "../../engine/index.js";
import { crossEntropy } from "../../nn/index.js";
import { type Ball, clipPixels } from "../balls.js";
import { ascend } from "./ascend.js";
import { cosineDistance, type Distance } from "./distances.js";
import { type Batch, copiesOf, explained, joined, type Network, type Scheme, weighted } from "./scheme.js";

export interface NaiveOptions {
  /** N(x, ε). */
  readonly ball: Ball;
  /** Neighbours per image; default 8. */
  readonly neighbours?: number;
  /** Random points of the ball, or points that ascend the distance from there; default random. */
  readonly choice?: "random" | { readonly adversarial: { readonly steps: number; readonly stepSize: number } };
  /** d of eq. 2; default 1 − cosine, which kept more of the maps than squared L2 on validation images of Fashion-MNIST. */
  readonly distance?: Distance;
  /** Weight of d, which eq. 2 leaves at 1; default 5. Squared L2, in units of logits per pixel, wants about 0.1. */
  readonly weight?: number;
  /** a₁ and a₂, the weights of the predictions at x and at its neighbours; default 1 and 1. */
  readonly a1?: number;
  readonly a2?: number;
}

/** The paper's direct scheme, φ the gradient of the label's logit. Its sums over neighbours are means here, so that weights
 *  keep their meaning when the number of neighbours changes. Source: Tang et al. 2022, eq. 2. */
export function naive(options: NaiveOptions): Scheme {
  const { neighbours: k = 8, distance = cosineDistance, weight = 5, a1 = 1, a2 = 1 } = options;
  if (!Number.isInteger(k) || k < 1) throw new RangeError(`naive: ${k} neighbours given; at least 1 is needed`);
  return {
    name: "naive",
    formula: `a₁ CE(g(x), y) + mean over x' of [ a₂ CE(g(x'), y) + λ d(φ(x'), φ(x)) ], d = ${distance.title}`,
    source: "Tang et al. 2022, eq. 2",
    loss(g, batch) {
      const { x, y } = batch;
      const { all, apart } = joined([x, neighboursOf(g, batch, options, k, distance)]);
      const { logits, map } = explained(g, all, y);
      const [atX, nearby] = apart(logits);
      const [phi, phiNearby] = apart(map);
      const loss = weighted(
        [a1, () => crossEntropy(atX, y)],
        [a2, () => crossEntropy(nearby, copiesOf(y, k))],
        [weight, () => mean(distance(phiNearby, copiesOf(phi, k)))],
      );
      return [loss, atX];
    },
  };
}

/** k neighbours of each image, copy after copy. */
function neighboursOf(
  g: Network,
  { x, y, key }: Batch,
  { ball, choice = "random" }: NaiveOptions,
  k: number,
  distance: Distance,
): Tensor {
  const centres = copiesOf(x, k);
  if (choice === "random") return clipPixels(ball.sample(key, centres));
  const apartness = (z: Tensor): Tensor => mean(distance(explained(g, z, y).map, copiesOf(explained(g, x, y).map, k)));
  // At x itself the distance is 0 and so is its slope: only a random start gets anywhere.
  return ascend(apartness, centres, { ball, ...choice.adversarial, start: key });
}
