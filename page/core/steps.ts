/** How many steps an attack takes where it is slow. */
import type { Place } from "./place.js";

/** Steps of an attack in float64 on the processor, unless the settings ask for fewer. */
const REFERENCE_STEPS = 8;
/** Length of an attack's first step: a quarter of eps, or as much as lets a few steps cross the ball. */
export function stepSize(eps: number, steps: number): number {
  return eps * Math.max(0.25, 2 / steps);
}

/** How long a picture may take while a slider moves. */
const PREVIEW_MS = 250;
const FEWEST = 4;

/** Steps of an attack: all of the settings' on a GPU, fewer on the processor. */
export function stepsAt(kind: Place["kind"], steps: number): number {
  return kind === "gpu" ? steps : Math.min(steps, REFERENCE_STEPS);
}

/** Steps while a slider moves, from what the last attack took. */
export function previewSteps(
  steps: number,
  last: { readonly steps: number; readonly milliseconds: number } | undefined,
): number {
  if (!last) return Math.min(steps, FEWEST);
  return Math.max(1, Math.min(steps, Math.max(FEWEST, Math.floor((PREVIEW_MS * last.steps) / last.milliseconds))));
}
