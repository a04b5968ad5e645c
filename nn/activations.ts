/** Activations as layers. Values such as `relu` and functions such as `softplus({ beta })` are both layers to list. */
import * as ops from "../engine/index.js";
import type { Layer } from "./layer.js";
import { type LayerKind, layerKind, withSettings } from "./layer-kind.js";
import { type Fields, number, type Read, setting } from "./schema.js";

function activation<const F extends Fields>(
  kind: string,
  about: string,
  options: F,
  f: (x: ops.Tensor, settings: Read<F>) => ops.Tensor,
): LayerKind<F, Record<never, never>> {
  return layerKind({
    ...{ kind, about, options },
    make: (settings) => ({ init: (_, shape) => ({ params: null, shape }), apply: (_, x) => f(x, settings) }),
  });
}

/** Every activation as a kind of layer: name, formula in words, settings. A new one is a row. */
export const ACTIVATION_KINDS = [
  activation(
    "softplus",
    "log(1 + exp(beta x)) / beta, a smooth relu",
    { beta: setting(number({ min: 1e-6 }), 1, "sharpness; relu is its limit") },
    (x, { beta }) => ops.softplus(x, beta),
  ),
  activation("relu", "max(x, 0)", {}, ops.relu),
  activation("tanh", "tanh(x)", {}, ops.tanh),
  activation("sigmoid", "1 / (1 + exp(-x))", {}, ops.sigmoid),
  activation("gelu", "x times the normal distribution function of x", {}, ops.gelu),
  activation("silu", "x sigmoid(x)", {}, ops.silu),
  activation(
    "leakyRelu",
    "max(x, 0) + slope min(x, 0)",
    { slope: setting(number(), 0.01, "slope below 0") },
    (x, { slope }) => ops.leakyRelu(x, slope),
  ),
  activation(
    "elu",
    "x above 0, alpha (exp(x) - 1) below",
    { alpha: setting(number(), 1, "what it tends to below 0, negated") },
    (x, { alpha }) => ops.elu(x, alpha),
  ),
  activation("relu6", "min(max(x, 0), 6)", {}, relu6Of),
  activation("hardSwish", "x min(max(x + 3, 0), 6) / 6", {}, (x) => ops.mul(x, ops.div(relu6Of(ops.add(x, 3)), 6))),
  activation("identity", "x", {}, (x) => x),
] as const;

/** Through the op relu, so that whoever puts another in its place (`withOps`) reaches this too. */
function relu6Of(x: ops.Tensor): ops.Tensor {
  return ops.minimum(ops.relu(x), 6);
}

function activationLayer(kind: string, settings: Readonly<Record<string, unknown>> = {}): Layer<null> {
  return ACTIVATION_KINDS.find((row) => row.kind === kind)!.layer(settings);
}

/** max(x, 0) as a layer, of any shape. Its second derivative is 0 everywhere: attacks on gradients want `softplus`. */
export const relu = activationLayer("relu");
/** tanh(x) as a layer, of any shape. */
export const tanh = activationLayer("tanh");
/** 1 / (1 + e⁻ˣ) as a layer, of any shape. */
export const sigmoid = activationLayer("sigmoid");
/** GELU as a layer, of any shape: x · Φ(x). Source: Hendrycks, Gimpel 2016. */
export const gelu = activationLayer("gelu");
/** x · sigmoid(x) as a layer, of any shape. Source: Elfwing et al. 2018. */
export const silu = activationLayer("silu");
/** x itself as a layer, of any shape: where an activation is asked for and none is wanted. */
export const identity = activationLayer("identity");
/** Source: Howard et al. 2017 use it (MobileNets). */
export const relu6 = activationLayer("relu6");
/** Source: Howard et al. 2019, sec. 5.2. */
export const hardSwish = activationLayer("hardSwish");

/** log(1 + exp(beta x)) / beta; tends to relu as beta grows. Source: Dombrowski et al. 2019, sec. 3.3. */
export function softplus(options: { readonly beta?: number } = {}): Layer<null> {
  return activationLayer("softplus", withSettings("softplus", options));
}

/** x above 0 and slope · x below (default 0.01), as a layer, of any shape. Source: Maas et al. 2013. */
export function leakyRelu(options: { readonly slope?: number } = {}): Layer<null> {
  return activationLayer("leakyRelu", withSettings("leakyRelu", options));
}

/** x above 0 and alpha · (eˣ − 1) below (default 1), as a layer, of any shape. Source: Clevert et al. 2016. */
export function elu(options: { readonly alpha?: number } = {}): Layer<null> {
  return activationLayer("elu", withSettings("elu", options));
}
