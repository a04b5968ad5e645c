/** Learning rates that change, as functions of the step count on the GPU. Steps count from 0. */
import { add, clamp, cos, div, exp, floor, minimum, mul } from "../engine/index.js";
import type { Schedule } from "./optim.js";

/** lr · ½(1 + cos(π t/steps)) · (1 − floor) + floor·lr, then constant. Source: Loshchilov, Hutter 2017, eq. 5. */
export function cosineDecay(lr: number, steps: number, { end = 0 }: { readonly end?: number } = {}): Schedule {
  return (step) => {
    const angle = mul(clamp(div(step, steps), 0, 1), Math.PI);
    return add(mul(add(cos(angle), 1), (lr - end) / 2), end);
  };
}

/** lr · factor^⌊t/every⌋. */
export function stepDecay(lr: number, every: number, factor = 0.1): Schedule {
  return (step) => mul(exp(mul(floor(div(step, every)), Math.log(factor))), lr);
}

/** lr · factor^(t/steps). */
export function exponentialDecay(lr: number, steps: number, factor: number): Schedule {
  return (step) => mul(exp(mul(step, Math.log(factor) / steps)), lr);
}

/** Grows linearly over the first `steps` steps, then follows `after`. */
export function warmup(steps: number, after: Schedule): Schedule {
  return (step) => mul(minimum(div(add(step, 1), steps), 1), after(step));
}
