/** Distances of maps that manipulations report beside their statistics. */
import { abs, mean, scope, sub, type Tensor } from "../../../engine/index.js";
import { saliencyMap } from "../../explainers/explainer.js";
import { rows } from "../../metrics/metric.js";
import { normalised } from "../../metrics/similarities.js";
import { finiteMean } from "../study.js";

/** Mean absolute difference of maps scaled to [0, 1] by their smallest and largest value, over samples that have such maps. Attributions
 *  [n, ...]. Source: Zhang et al. 2020, sec. 4.3. */
export async function meanDistance(a: Tensor, b: Tensor): Promise<number> {
  const scaled = (t: Tensor): Tensor => normalised(rows(saliencyMap(t)), "min-max");
  return finiteMean(Array.from(await scope(() => mean(abs(sub(scaled(a), scaled(b))), 1)).read())).value;
}
