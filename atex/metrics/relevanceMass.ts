import { describe, div, maximum, mul, ShapeError, sameShape, sum, type Tensor } from "../../engine/index.js";
import { type MetricInfo, rows } from "./metric.js";

const info: MetricInfo = {
  name: "relevance mass on a mask",
  range: [0, 1],
  larger: "better placed",
  perfect: 1,
  random: "the mask's share of the area",
  differentiable: true,
  source: "Arras et al. 2022",
};

function massOnMask(map: Tensor, mask: Tensor): Tensor {
  if (!sameShape(map.shape, mask.shape) || map.rank < 2)
    throw new ShapeError(`relevanceMass: map ${describe(map)}, mask ${describe(mask)}; one shape [n,h,w] is needed`);
  const flat = rows(map);
  return div(sum(mul(flat, rows(mask)), 1), maximum(sum(flat, 1), 1e-30));
}

/** Share of a map's mass that lies on a mask: maps >= 0 and masks of zeros and ones, both [n,h,w] → [n], in [0, 1]; 1 when the
 *  map is zero elsewhere, the mask's share of the area for a uniform map. Source: Arras, Osman, Samek 2022, sec. 3.3
 *  ("relevance mass accuracy"). @throws ShapeError when the shapes differ. */
export const relevanceMass = Object.assign(massOnMask, { info });
