/** Activations as layers. Values such as `relu` and functions such as `softplus({ beta })` are both layers to list. */
import * as ops from "../engine/index.js";
import type { Layer } from "./layer.js";

function activation(kind: string, f: (x: ops.Tensor) => ops.Tensor): Layer {
  return { kind, init: (_, shape) => ({ params: null, shape }), apply: (_, x) => f(x) };
}

export const relu = activation("relu", ops.relu);
export const tanh = activation("tanh", ops.tanh);
export const sigmoid = activation("sigmoid", ops.sigmoid);
export const gelu = activation("gelu", ops.gelu);
export const silu = activation("silu", ops.silu);
export const identity = activation("identity", (x) => x);

/** log(1 + exp(beta x)) / beta; tends to relu as beta grows. Source: Dombrowski et al. 2019, sec. 3.3. */
export function softplus({ beta = 1 }: { readonly beta?: number } = {}): Layer {
  return activation("softplus", (x) => ops.softplus(x, beta));
}

export function leakyRelu({ slope = 0.01 }: { readonly slope?: number } = {}): Layer {
  return activation("leakyRelu", (x) => ops.leakyRelu(x, slope));
}

export function elu({ alpha = 1 }: { readonly alpha?: number } = {}): Layer {
  return activation("elu", (x) => ops.elu(x, alpha));
}
