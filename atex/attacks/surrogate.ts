import type { Tensor, Tree } from "../../engine/index.js";
import { replaceLayers, type Sequential, softplus } from "../../nn/index.js";
import type { Classifier } from "../score.js";

/** The network with softplus in place of relu, whose maps have slopes that an attack can follow; undefined for a network without
 *  relu, which needs none. The default sharpness is the one that left least of the maps after 20 steps on the authors' network
 *  (5 to 60 tried). Source: Dombrowski et al. 2019, sec. 3.3. */
export function softplusSurrogate(model: Sequential, params: Tree, beta = 20): Classifier | undefined {
  if (!model.layers.some(({ kind }) => kind === "relu")) return undefined;
  const smooth = replaceLayers(model, "relu", softplus({ beta }));
  return (x: Tensor) => smooth.apply(params, x);
}
