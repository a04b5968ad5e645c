/** Between what the inputs of the first layers lie, when the explained input lies in its valid range. */
import { describe, expand, full, maximum, minimum, type Step, type Tensor, tensor } from "../../../engine/index.js";
import type { FeatureRange } from "../../../nn/index.js";
import { RefusalError } from "../../refusal.js";
import type { Box } from "./layer.js";
import { isAffine } from "./steps.js";

/** Neither falling nor rising, but one of them, in each input. */
const MONOTONE = new Set(["relu", "clamp", "maximum", "minimum"]);

/** The box of a tensor made from the explained input by moving, scaling, shifting and clipping it, of the tensor's shape.
 *  @throws RefusalError for another step on the way, TypeError for a range that does not fit the input. */
export function boxOf(t: Tensor, range: FeatureRange, maker: (t: Tensor) => Step | undefined): Box {
  const step = maker(t);
  if (!step) return { low: bound(range.low, t), high: bound(range.high, t) };
  if (!step.routes && !isAffine(step) && !MONOTONE.has(step.op))
    throw new RefusalError(
      `lrp: z-box needs to know between what a first layer's input lies, but ${step.op}${step.label && ` in ${step.label}`} comes before it; take another rule for the first layers`,
    );
  const boxes = step.inputs.map((x, i) => (step.depends[i] ? boxOf(x, range, maker) : { low: x, high: x }));
  const [a, b] = [step.apply(boxes.map(({ low }) => low)), step.apply(boxes.map(({ high }) => high))];
  return step.routes ? { low: a, high: b } : { low: minimum(a, b), high: maximum(a, b) };
}

function bound(b: number | readonly number[], x: Tensor): Tensor {
  if (typeof b === "number") return full(x.shape, b);
  const sample = x.shape.slice(1);
  const elements = sample.reduce((a, d) => a * d, 1);
  if (b.length !== elements)
    throw new TypeError(`lrp: the range has ${b.length} bounds, a sample of ${describe(x)} has ${elements} elements`);
  return expand(tensor(Float32Array.from(b), sample), x.shape);
}
