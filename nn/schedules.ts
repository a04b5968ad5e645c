/** Learning rates that change, as functions of the step count on the GPU. Steps count from 0. */

import { add, clamp, cos, div, exp, floor, minimum, mul } from "../engine/index.js";
import { aFunction, aNumber } from "../engine/kinds.js";
import { checkedOptions, requireArguments } from "../engine/options.js";
import type { Schedule } from "./optim.js";

/** end + ½(lr − end)(1 + cos(π t/steps)), then `end`. Source: Loshchilov, Hutter 2017, eq. 5. */
export function cosineDecay(lr: number, steps: number, options: { readonly end?: number } = {}): Schedule {
  requireArguments("cosineDecay", { lr: [lr, aNumber], steps: [steps, aNumber] });
  const { end = 0 } = checkedOptions("cosineDecay", options, { end: aNumber });
  requirePositive("cosineDecay", { steps });
  return (step) => {
    const angle = mul(clamp(div(step, steps), 0, 1), Math.PI);
    return add(mul(add(cos(angle), 1), (lr - end) / 2), end);
  };
}

/** lr · factor^⌊t/every⌋. */
export function stepDecay(lr: number, every: number, factor = 0.1): Schedule {
  requireArguments("stepDecay", { lr: [lr, aNumber], every: [every, aNumber], factor: [factor, aNumber] });
  requirePositive("stepDecay", { every, factor });
  // Half a step more: a quotient of multiples may be rounded down, and its floor would be one too small.
  return (step) => mul(exp(mul(floor(div(add(step, 0.5), every)), Math.log(factor))), lr);
}

/** lr · factor^(t/steps). */
export function exponentialDecay(lr: number, steps: number, factor: number): Schedule {
  requireArguments("exponentialDecay", { lr: [lr, aNumber], steps: [steps, aNumber], factor: [factor, aNumber] });
  requirePositive("exponentialDecay", { steps, factor });
  return (step) => mul(exp(mul(step, Math.log(factor) / steps)), lr);
}

/** `after` times min(1, (t + 1)/steps): grows linearly over the first `steps` steps. */
export function warmup(steps: number, after: Schedule): Schedule {
  requireArguments("warmup", { steps: [steps, aNumber], after: [after, aFunction] });
  requirePositive("warmup", { steps });
  return (step) => mul(minimum(div(add(step, 1), steps), 1), after(step));
}

function requirePositive(name: string, options: Readonly<Record<string, number>>): void {
  for (const [option, value] of Object.entries(options))
    if (!(value > 0 && value < Infinity))
      throw new RangeError(`${name}: ${option} ${value} given; a positive finite number is needed`);
}
