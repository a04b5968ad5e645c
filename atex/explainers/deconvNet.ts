import { inspect, ones, type Rule, relu } from "../../engine/index.js";
import { type Explainer, explainer, explainerEntry } from "./explainer.js";

/** Activations that let the positive part of what comes back through, whatever came in. */
const ACTIVATIONS: readonly string[] = ["relu", "leakyRelu", "elu", "gelu", "silu", "softplus"];

const rectified: Rule = (g, { op }) => (ACTIVATIONS.includes(op) ? [relu(g)] : undefined);

/** The gradient with every activation replaced, on the way back, by a relu of what comes back: the deconvolutional network of the same
 *  weights. Source: Zeiler, Fergus 2014, sec. 2.1; Simonyan et al. 2014, sec. 4, for its relation to the gradient. */
export const deconvNet: Explainer = explainer(
  { name: "DeconvNet", scope: "local", access: "model-transparent", source: "Zeiler, Fergus 2014" },
  (score, x) => inspect(score, x, ({ output, pullback }) => pullback(ones(output.shape), rectified).x),
);

export const deconvNetEntry = explainerEntry({
  name: "deconvnet",
  info: deconvNet.info,
  needs: "inside",
  options: {},
  // What comes back depends on x only where an op other than an activation does.
  laws: { differentiable: false, dummy: true, symmetry: true, inputInvariance: true },
  make: () => deconvNet,
});
