import {
  inspect,
  mul,
  ones,
  type Rule,
  relu,
  type Step,
  sigmoid,
  softplus,
  type Tensor,
  withOps,
} from "../../engine/index.js";
import { isClampedRelu, notingConstants } from "../zeros.js";
import { type Explainer, explainer, explainerEntry } from "./explainer.js";

const ACTIVATIONS: readonly string[] = ["relu", "leakyRelu", "elu", "gelu", "silu", "softplus"];

/** The gradient with its negative parts dropped at every activation on the way back: at relu, leakyRelu, elu, gelu, silu, relu6 and
 *  maximum(x, 0), max(g, 0) takes the place of the incoming gradient g; at softplus with sharpness β at z, softplus_β(g) σ(βz),
 *  which has slopes for an attack to follow. Found in any function, by op; activations made of other ops, such as x · step(x), are
 *  taken as they are. Source: Springenberg et al. 2015, sec. 3.4; for softplus Dombrowski et al. 2019, sec. 3.3. */
export const guidedBackprop: Explainer = explainer(
  { name: "guided backpropagation", scope: "local", access: "model-transparent", source: "Springenberg et al. 2015" },
  (score, x) => {
    const constants = new WeakMap<Tensor, number>();
    return inspect(
      (z) => withOps(notingConstants(constants), () => score(z)),
      x,
      ({ output, pullback }) => pullback(ones(output.shape), guided(constants)).x,
    );
  },
);

function guided(constants: WeakMap<Tensor, number>): Rule {
  return (g, step) => {
    if (!isActivation(step, constants)) return undefined;
    if (step.op !== "softplus") return step.vjp(relu(g));
    const { beta } = step.attrs as { beta: number };
    return [mul(softplus(g, beta), sigmoid(mul(step.inputs[0], beta)))];
  };
}

function isActivation({ op, inputs, attrs }: Step, constants: WeakMap<Tensor, number>): boolean {
  if (op === "maximum") return inputs.some((input) => constants.get(input) === 0);
  return op === "clamp" ? isClampedRelu(attrs) : ACTIVATIONS.includes(op);
}

export const guidedBackpropEntry = explainerEntry({
  name: "guided-backprop",
  info: guidedBackprop.info,
  needs: "inside",
  options: {},
  // Under softplus something flows to units that the score does not use: softplus(0) is not 0.
  laws: { differentiable: true, dummy: false, symmetry: true, inputInvariance: true },
  make: () => guidedBackprop,
});
