import { describe, mul, ShapeError, sameShape, sum, type Tensor } from "../../engine/index.js";
import { aTensor } from "../../engine/kinds.js";
import { requireArguments } from "../../engine/options.js";
import { relativeImportance } from "./importance.js";
import { type MetricInfo, metricEntry, ofFinite, rows } from "./metric.js";

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
  requireMaskOf("relevanceMass", map, mask);
  return ofFinite(sum(mul(relativeImportance(map), rows(mask)), 1), map);
}

/** @throws ShapeError unless the mask has the shape of the maps, or of one of them. */
export function requireMaskOf(name: string, map: Tensor, mask: Tensor): void {
  const one = [1, ...map.shape.slice(1)];
  if (map.rank < 2 || !(sameShape(map.shape, mask.shape) || sameShape(one, mask.shape)))
    throw new ShapeError(`${name}: map ${describe(map)}, mask ${describe(mask)}; one shape [n, ...] is needed`);
}

/** Share of a map's mass, the sum of its absolute values, that lies on a mask of zeros and ones of its shape, or [1, ...] for all:
 *  [n, ...] → [n], in [0, 1]; 1 when the map is zero elsewhere, the mask's share of the area for a uniform map, 0 for a map of
 *  zeros. Source: Arras, Osman, Samek 2022, sec. 3.3 ("relevance mass accuracy"). @throws ShapeError when the shapes differ. */
export const relevanceMass = Object.assign(
  (map: Tensor, mask: Tensor): Tensor => {
    requireArguments("relevanceMass", { map: [map, aTensor], mask: [mask, aTensor] });
    return massOnMask(map, mask);
  },
  { info },
);

export const relevanceMassEntry = metricEntry({
  name: "relevance-mass",
  kind: "placement",
  info,
  needs: { mask: true },
  options: {},
  laws: { scaling: true, signs: true },
  make: (_, { mask }) => Object.assign((map: Tensor) => relevanceMass(map, mask!), { info }),
});
