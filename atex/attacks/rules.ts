/** How an attack steps along a gradient. */

import {
  abs,
  add,
  div,
  expm1,
  max,
  maximum,
  mul,
  neg,
  sign,
  sqrt,
  square,
  type Tensor,
  zerosLike,
} from "../../engine/index.js";
import { aNumberOfAtLeast0, aShare } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../engine/options.js";

/** How an attack turns a gradient into a change of the samples, both [n,...]. The ball is not its business: the loop projects
 *  afterwards. */
export interface StepRule {
  readonly name: string;
  /** Memory between steps, for images like x. */
  init(x: Tensor): Tensor[];
  /** The change of the samples, and the next memory. `iteration` is the number of steps taken from this start, f32 []. */
  step(gradient: Tensor, memory: readonly Tensor[], iteration: Tensor): readonly [change: Tensor, memory: Tensor[]];
}

/** size · sign(g). Source: Goodfellow et al. 2015; Ghorbani et al. 2019, algorithm 1. */
export function signStep(size: number): StepRule {
  requireArguments("signStep", { size: [size, aNumberOfAtLeast0] });
  return { name: "sign", init: () => [], step: (g) => [mul(sign(g), size), []] };
}

/** size · g / max|g| per image, as the authors of ATEX step. */
export function maxAbsStep(size: number): StepRule {
  requireArguments("maxAbsStep", { size: [size, aNumberOfAtLeast0] });
  return {
    name: "max-abs",
    init: () => [],
    step(g) {
      const axes = g.shape.slice(1).map((_, i) => i + 1);
      return [mul(div(g, maximum(max(abs(g), axes, { keepDims: true }), 1e-20)), size), []];
    },
  };
}

/** Decay of the two moments, in [0, 1); defaults 0.9 and 0.999. */
export interface AdamStepOptions {
  readonly beta1?: number;
  readonly beta2?: number;
}

const ADAM_STEP_OPTIONS: KindsOf<AdamStepOptions> = { beta1: aShare, beta2: aShare };

/** Adam on the image, as Dombrowski et al. 2019 step. Source: Kingma, Ba 2015, algorithm 1. @throws RangeError for a decay of 1. */
export function adamStep(size: number, options: AdamStepOptions = {}): StepRule {
  requireArguments("adamStep", { size: [size, aNumberOfAtLeast0] });
  const { beta1 = 0.9, beta2 = 0.999 } = checkedOptions("adamStep", options, ADAM_STEP_OPTIONS);
  if (beta1 === 1 || beta2 === 1)
    throw new RangeError(
      `adamStep: beta1 ${beta1}, beta2 ${beta2} given; less than 1 is needed, for a moment that never decays stays 0`,
    );
  return {
    name: "Adam",
    init: (x) => [zerosLike(x), zerosLike(x)],
    step(g, [m, v], iteration) {
      const t = add(iteration, 1);
      const nextM = add(mul(m, beta1), mul(g, 1 - beta1));
      const nextV = add(mul(v, beta2), mul(square(g), 1 - beta2));
      const direction = div(corrected(nextM, beta1, t), add(sqrt(corrected(nextV, beta2, t)), 1e-12));
      return [mul(direction, size), [nextM, nextV]];
    },
  };
}

/** moment / (1 − βᵗ), by expm1: the difference itself would cancel in the first steps, where βᵗ is almost 1. */
function corrected(moment: Tensor, beta: number, t: Tensor): Tensor {
  return beta === 0 ? moment : div(moment, neg(expm1(mul(t, Math.log(beta)))));
}
