/** What manipulations through inputs have in common: which explainers they can be led through, and the samples they change. */
import { argmax, scope, type Tensor } from "../../../engine/index.js";
import { sampleTensor } from "../../../nn/index.js";
import { explainerEntryOf } from "../../explainers/table.js";
import type { ManipulationWorld } from "../manipulation.js";

/** @throws TypeError for an explainer without a derivative, or one for images where rows came; RangeError for an unknown one. */
export function requireAttackable(who: string, explainers: readonly string[], shape: readonly number[]): void {
  for (const name of explainers) {
    const { laws, needsGrid } = explainerEntryOf(name);
    if (!laws.differentiable)
      throw new TypeError(
        `${who}: ${name} has no derivative with respect to the input; a differentiable explainer is needed`,
      );
    if (needsGrid && shape.length !== 3)
      throw new TypeError(
        `${who}: ${name} explains images [c,h,w]; samples of [${shape}] came, take another explainer`,
      );
  }
}

/** The samples to be manipulated and the classes that the network predicts for them. */
export async function samplesOf(
  who: string,
  { test, samples, classifier }: ManipulationWorld,
): Promise<{ readonly x: Tensor; readonly classes: Tensor; readonly predicted: readonly number[] }> {
  if (samples.length === 0) throw new RangeError(`${who}: no samples given; at least one is needed`);
  const x = sampleTensor(test, samples);
  const classes = scope(() => argmax(classifier(x), 1));
  return { x, classes, predicted: Array.from(await classes.read()) };
}

/** Settings by which explainers that average many gradients take fewer of them while they are attacked. */
export function withPoints(points: number): Readonly<Record<string, Readonly<Record<string, unknown>>>> {
  return { smoothgrad: { samples: points }, "integrated-gradients": { points } };
}
