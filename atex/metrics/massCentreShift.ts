import { abs, div, max, mul, norm, notEqual, sub, type Tensor, tensor, where } from "../../engine/index.js";
import { centreOfMass } from "./importance.js";
import { type MetricInfo, metricEntry, rows, type Similarity, similarityOfMaps } from "./metric.js";

const info: MetricInfo = {
  name: "mass-centre shift (pixels)",
  range: [0, Number.POSITIVE_INFINITY],
  larger: "less alike",
  perfect: 0,
  random: "near 0: both centres are near the middle",
  differentiable: true,
  source: "Ghorbani et al. 2019",
};

/** Distance in pixels between the centres of mass of two maps' absolute values, [n,c,h,w] or [n,h,w] → [n]. NaN for a map of zeros,
 *  which has no centre. Its gradient is 0 where the centres are one; the objective `massCentre` is its square. */
export const massCentreShift: Similarity = similarityOfMaps(info, (a, b) => norm(shift(a, b), 1));

const displacementInfo: MetricInfo = {
  name: "mass-centre displacement",
  range: [0, 1],
  larger: "less alike",
  perfect: 0,
  random: "near 0: both centres are near the middle",
  differentiable: true,
  source: "Heo et al. 2019",
};

/** The same as a share of the image: √((dh² + dw²) / 2) with both distances in units of the image's side less one, 1 from corner to
 *  opposite corner. The statistic of Heo, Joo, Moon 2019 for their centre-of-mass fooling. */
export const massCentreDisplacement: Similarity = similarityOfMaps(displacementInfo, (a, b) => {
  const sides = a.shape.slice(-2).map((side) => Math.max(1, side - 1));
  return mul(norm(div(shift(a, b), tensor(sides)), 1), Math.SQRT1_2);
});

/** [n,2] in pixels. */
function shift(a: Tensor, b: Tensor): Tensor {
  const apart = sub(centreOfMass(a), centreOfMass(b));
  const [p, q] = [a, b].map((map) => notEqual(max(abs(rows(map)), 1, { keepDims: true }), 0));
  return where(mul(p, q), apart, Number.NaN);
}

const shared = {
  kind: "similarity",
  needs: { grid: true },
  options: {},
  laws: { symmetric: true, scaling: true, signs: true },
} as const;

export const massCentreShiftEntry = metricEntry({
  ...{ ...shared, name: "mass-centre-shift", info },
  make: () => massCentreShift,
});
export const massCentreDisplacementEntry = metricEntry({
  ...{ ...shared, name: "mass-centre-displacement", info: displacementInfo },
  make: () => massCentreDisplacement,
});
