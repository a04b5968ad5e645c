import { add, grad, mul, sign, stopGradient, type Tensor } from "../../engine/index.js";
import { type Ball, clipPixels } from "../balls.js";

export interface AscentOptions {
  readonly ball: Ball;
  readonly steps: number;
  readonly stepSize: number;
  /** Key of a random start in the ball; default the image itself. */
  readonly start?: Tensor;
}

/** Images of the ball around x, with valid pixels, that make the objective (one number) large, by signed steps; constants for
 *  the gradient of a loss around it. The inner maximisation of adversarial training. Source: Madry et al. 2018, sec. 2.1. */
export function ascend(
  objective: (z: Tensor) => Tensor,
  x: Tensor,
  { ball, steps, stepSize, start }: AscentOptions,
): Tensor {
  const uphill = grad(objective);
  return stopGradient(() => {
    let z = start ? clipPixels(ball.sample(start, x)) : x;
    for (let i = 0; i < steps; i++) z = clipPixels(ball.project(add(z, mul(sign(uphill(z)), stepSize)), x));
    return z;
  });
}
