/** Where defences look around a sample: random points of a ball, or those that an ascent finds. */
import { add, grad, mul, sign, stopGradient, type Tensor } from "../../engine/index.js";
import { intoNeighbourhood, type Neighbourhood } from "../subject.js";

/** A random point beside each sample. x [n,...] → [n,...] */
export function randomNeighbours(around: Neighbourhood, key: Tensor, x: Tensor): Tensor {
  return intoNeighbourhood(around, around.ball.sample(key, x), x);
}

export interface InnerAscent extends Neighbourhood {
  readonly steps: number;
  readonly stepSize: number;
  /** Key of a random start in the ball; default the sample itself. */
  readonly start?: Tensor;
}

/** Where signed steps that make the objective (one number) large end; constants for the gradient of a loss around it. The inner
 *  maximisation of adversarial training. The attacks' `ascend` looks for the best of all points it meets, which takes two
 *  more passes of the network; adversarial training takes the last. Source: Madry et al. 2018, sec. 2.1. */
export function lastOfAscent(
  objective: (z: Tensor) => Tensor,
  x: Tensor,
  { steps, stepSize, start, ...around }: InnerAscent,
): Tensor {
  const uphill = grad(objective);
  return stopGradient(() => {
    let z = start ? randomNeighbours(around, start, x) : x;
    for (let i = 0; i < steps; i++) z = intoNeighbourhood(around, add(z, mul(sign(uphill(z)), stepSize)), x);
    return z;
  });
}
