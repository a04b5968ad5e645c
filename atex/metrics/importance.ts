/** What a map says about where the importance lies. */

import { abs, div, equal, max, mul, reshape, sum, type Tensor, tensor, where } from "../../engine/index.js";
import { aTensor } from "../../engine/kinds.js";
import { requireArguments } from "../../engine/options.js";
import { atMostOne, requireGrid, rows } from "./metric.js";

/** I_t = |φ_t| / ‖φ‖₁ per sample, as rows; the same for any positive multiple of the map. A map of zeros stays one: it has no
 *  importance to share out. [n,...] → [n,d]. Source: Tang et al. 2022, sec. 3.1. */
export function relativeImportance(attribution: Tensor): Tensor {
  requireArguments("relativeImportance", { attribution: [attribution, aTensor] });
  const a = atMostOne(abs(rows(attribution)));
  const total = sum(a, 1, { keepDims: true });
  return div(a, where(equal(total, 0), 1, total));
}

/** Maps [n, ...] divided by their largest absolute value; a map of zeros stays one. */
export function scaledToMax(map: Tensor): Tensor {
  requireArguments("scaledToMax", { map: [map, aTensor] });
  const a = atMostOne(rows(map));
  // 1 by now, or 0; it is here for its derivative.
  const largest = max(abs(a), 1, { keepDims: true });
  return reshape(div(a, where(equal(largest, 0), 1, largest)), map.shape);
}

/** Row and column of the centre of |attribution|: [n,c,h,w] or [n,h,w] → [n,2]; 0, 0 for a map of zeros, which has none. */
export function centreOfMass(attribution: Tensor): Tensor {
  requireArguments("centreOfMass", { attribution: [attribution, aTensor] });
  if (attribution.rank < 4) requireGrid("centreOfMass", attribution);
  const [h, w] = attribution.shape.slice(-2);
  const size = attribution.size / attribution.shape[0];
  const weights = new Float32Array(2 * size);
  for (let i = 0; i < size; i++) {
    weights[i] = Math.floor((i % (h * w)) / w);
    weights[size + i] = i % w;
  }
  const importance = relativeImportance(attribution);
  return sum(mul(reshape(importance, [-1, 1, size]), tensor(weights, [1, 2, size])), 2);
}
