import { grad, mul, sum, type Tensor } from "../../engine/index.js";
import { type Explainer, explainer, explainerEntry } from "./explainer.js";

/** d score / d x. Source: Simonyan, Vedaldi, Zisserman 2014, sec. 3. */
export const gradient: Explainer = explainer(
  { name: "gradient", scope: "local", access: "model-transparent", source: "Simonyan et al. 2014" },
  // Samples do not mix, so the gradient of the sum is the batch of gradients.
  (score, x) => grad((z: Tensor) => sum(score(z)))(x),
);

export const gradientEntry = explainerEntry({
  name: "gradient",
  info: gradient.info,
  needs: "gradients",
  options: {},
  laws: { differentiable: true, dummy: true, symmetry: true, inputInvariance: true },
  make: () => gradient,
});

/** x · d score / d x. Source: Shrikumar et al. 2016. */
export const gradientTimesInput: Explainer = explainer(
  { name: "gradient x input", scope: "local", access: "model-transparent", source: "Shrikumar et al. 2016" },
  (score, x) => mul(x, gradient(score, x)),
);

export const gradientTimesInputEntry = explainerEntry({
  name: "gradient-x-input",
  info: gradientTimesInput.info,
  needs: "gradients",
  options: {},
  laws: { differentiable: true, dummy: true, symmetry: true, inputInvariance: false },
  make: () => gradientTimesInput,
});
