/** Settings of fooling by further training. */
import { count, number, oneOf, positive, type Read, setting, size, text } from "../../../nn/schema.js";
import { explainerName } from "../../explainers/table.js";
import type { FoolingInterval } from "../../metrics/heo.js";

export const options = {
  objective: setting(
    oneOf("location", "top-k", "mass-centre", "active"),
    "location",
    "what the map is to do: lie in a frame, leave where it was largest, move its centre, or change places with another class's",
  ),
  explainer: setting(explainerName, "gradient", "the explainer whose maps are trained, one that has a derivative"),
  layer: setting(text, undefined, "label of a hidden layer whose maps are explained; the input if left out"),
  weight: setting(
    size,
    undefined,
    "lambda, the weight of the fooling beside the cross-entropy; by objective if left out",
  ),
  samples: setting(count, 2500, "training samples it is trained on, the first ones"),
  epochs: setting(count, 3, "passes over them"),
  batch: setting(count, 50, "samples in a step"),
  learningRate: setting(positive, 0.002, "of Adam; it falls to 0 along a cosine"),
  twinBeta: setting(
    positive,
    20,
    "sharpness of the softplus twin through which gradients of relu networks are trained",
  ),
  width: setting(count, undefined, "location: width of the frame in pixels; a seventh of the shorter side if left out"),
  share: setting(number({ above: 0, max: 1 }), 0.1, "top-k: share of the map that is to vanish"),
  first: setting(text, undefined, "active: name of one class; the first if left out"),
  second: setting(text, undefined, "active: name of the class whose maps it is to show; the second if left out"),
  holding: setting(
    oneOf("side-by-side", "blended"),
    "blended",
    "active: images with both classes are two squeezed ones beside each other, or the mean of the two",
  ),
  low: setting(number(), undefined, "smallest value of the statistic that counts as fooled; the paper's if left out"),
  high: setting(number(), undefined, "largest value of the statistic that counts as fooled; the paper's if left out"),
};

export type FoolingSettings = Read<typeof options>;

/** λ by objective: their losses have scales of their own. */
const WEIGHTS: Readonly<Record<FoolingSettings["objective"], number>> = {
  location: 10,
  "top-k": 10,
  "mass-centre": 3,
  active: 30,
};

/** λ of the settings. */
export const weightOf = ({ objective, weight = WEIGHTS[objective] }: FoolingSettings): number => weight;

/** What of the settings is about the training itself. */
export function trainingOf({ objective, explainer, epochs, samples, batch, learningRate }: FoolingSettings) {
  const title = `${objective} fooling of ${explainer}`;
  return { title, epochs, count: samples, batch, learningRate, decay: "cosine" } as const;
}

/** Steps that the training takes. */
export function stepsOf({ epochs, samples, batch }: FoolingSettings, available: number): number {
  const n = Math.min(samples, available);
  return epochs * Math.floor(n / Math.min(batch, n));
}

export const intervalOf = ({ low, high }: FoolingSettings): FoolingInterval => ({
  ...(low !== undefined && { low }),
  ...(high !== undefined && { high }),
});
