/** Attributions of what is inside a network, shown at the size of its input. */

import {
  abs,
  describe,
  expand,
  inspect,
  label,
  mul,
  resize2d,
  ShapeError,
  type Step,
  sum,
  type Tensor,
} from "../../engine/index.js";
import { aText } from "../../engine/kinds.js";
import { requireArguments } from "../../engine/options.js";
import { anExplainer } from "../kinds.js";
import type { Score } from "../score.js";
import { type Explainer, explainer } from "./explainer.js";

/** An explainer asked about the maps of a hidden layer in place of the input: what the layers after it make of its output is explained,
 *  the absolute attributions are summed over the layer's channels and enlarged bilinearly to the size of x [n,c,h,w], shared evenly
 *  among its channels, so that the saliency map is the enlarged one. `layer` is a label whose output is [n,k,h',w'].
 *  Source: Heo, Joo, Moon 2019, sec. 3 (LRP and gradients at a chosen layer).
 *  @throws ShapeError where the label gives no maps or the explainer asks about several copies of a sample; RangeError for an unknown
 *  label, naming those there are. */
export function atLayer(base: Explainer, layer: string): Explainer {
  requireArguments("atLayer", { base: [base, anExplainer], layer: [layer, aText] });
  return explainer({ ...base.info, name: `${base.info.name} at ${layer}` }, (score, x) =>
    inspect(score, x, ({ steps, at, output }) => {
      const maps = at(layer);
      if (x.rank !== 4 || maps.rank !== 4 || maps.shape[0] !== x.shape[0])
        throw new ShapeError(
          `atLayer: "${layer}" gives ${describe(maps)} for ${describe(x)}; a layer with maps [n,k,h,w] of images [n,c,h,w] is needed`,
        );
      const inside = sum(abs(base(after(steps, maps, output), maps)), 1, { keepDims: true });
      return expand(mul(resize2d(inside, [x.shape[2], x.shape[3]]), 1 / x.shape[1]), x.shape);
    }),
  );
}

/** The steps from a tensor inside to the result, as a function of what stands in the tensor's place. */
function after(steps: readonly Step[], from: Tensor, output: Tensor): Score {
  return (z) => {
    if (z.shape[0] !== from.shape[0])
      throw new ShapeError(
        `atLayer: ${z.shape[0]} samples were asked about at once where ${from.shape[0]} came; an explainer that makes no copies is needed, such as gradient, gradient-x-input or lrp`,
      );
    const made = new Map<Tensor, Tensor>([[from, z]]);
    for (const step of steps.slice(steps.findIndex((one) => one.output === from) + 1)) {
      if (!step.inputs.some((input) => made.has(input))) continue;
      const again = (): Tensor => step.apply(step.inputs.map((input) => made.get(input) ?? input));
      made.set(step.output, step.label === "" ? again() : label(step.label, again));
    }
    return made.get(output)!;
  };
}
