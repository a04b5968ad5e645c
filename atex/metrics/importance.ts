/** What a map says about where the importance lies. */
import { abs, add, div, mul, reshape, ShapeError, sum, type Tensor, tensor } from "../../engine/index.js";
import { rows } from "./metric.js";

/** I_t = |φ_t| / ‖φ‖₁ per image, as rows. [n,...] → [n,d]. Source: Tang et al. 2022, sec. 3.1. */
export function relativeImportance(attribution: Tensor): Tensor {
  const a = abs(rows(attribution));
  return div(a, add(sum(a, 1, { keepDims: true }), 1e-12));
}

/** Row and column of the centre of |attribution|: [n,c,h,w] or [n,h,w] → [n,2]. */
export function centreOfMass(attribution: Tensor): Tensor {
  if (attribution.rank !== 4 && attribution.rank !== 3)
    throw new ShapeError(`centreOfMass: rank ${attribution.rank} given; [n,c,h,w] or [n,h,w] is needed`);
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
