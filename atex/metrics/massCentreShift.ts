import { norm, sub, type Tensor } from "../../engine/index.js";
import { centreOfMass } from "./importance.js";
import { type MetricInfo, requireAlike, type Similarity } from "./metric.js";

const info: MetricInfo = {
  name: "mass-centre shift (pixels)",
  range: [0, Number.POSITIVE_INFINITY],
  larger: "less alike",
  perfect: 0,
  random: "near 0: both centres are near the middle",
  differentiable: true,
  source: "Ghorbani et al. 2019",
};

/** Distance in pixels between the centres of mass of two maps' absolute values, [n,c,h,w] or [n,h,w] → [n]. Its gradient
 *  is 0 where the centres are one; the objective `massCentre` is its square. */
export const massCentreShift: Similarity = Object.assign(
  (a: Tensor, b: Tensor): Tensor => {
    requireAlike(info.name, a, b);
    return norm(sub(centreOfMass(a), centreOfMass(b)), 1);
  },
  { info },
);
