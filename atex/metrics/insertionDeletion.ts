import { add, mean, mul, slice, type Tensor } from "../../engine/index.js";
import type { Score } from "../score.js";
import { type Faithfulness, type MetricInfo, requireMapOf } from "./metric.js";
import { fallingOrder, replacementCurve } from "./replacement.js";

export interface ReplacementOptions {
  /** Points of the curve besides its beginning; default 28. Each replaces an equal share of the pixels. */
  readonly steps?: number;
  /** What stands for a missing pixel: a number or a tensor that broadcasts to the images; default 0. */
  readonly baseline?: number | Tensor;
}

export const deletionInfo: MetricInfo = {
  name: "deletion AUC",
  range: [0, 1],
  larger: "less faithful",
  perfect: "near 0",
  random: "that of a random order",
  differentiable: false,
  source: "Petsiuk et al. 2018",
};

/** Area under the score while pixels are taken away, the most important first; in [0,1] for a score that is a probability. */
export function deletionAuc(options: ReplacementOptions = {}): Faithfulness {
  return areaUnder("deletionAuc", deletionInfo, options, (x, base) => [x, base]);
}

export const insertionInfo: MetricInfo = {
  name: "insertion AUC",
  range: [0, 1],
  larger: "more faithful",
  perfect: "near 1",
  random: "that of a random order",
  differentiable: false,
  source: "Petsiuk et al. 2018",
};

/** Area under the score while pixels are put into the baseline, the most important first; in [0,1] for a probability. */
export function insertionAuc(options: ReplacementOptions = {}): Faithfulness {
  return areaUnder("insertionAuc", insertionInfo, options, (x, base) => [base, x]);
}

function areaUnder(
  name: string,
  info: MetricInfo,
  { steps = 28, baseline = 0 }: ReplacementOptions,
  ends: (x: Tensor, base: Tensor) => [from: Tensor, to: Tensor],
): Faithfulness {
  if (!Number.isInteger(steps) || steps < 1)
    throw new RangeError(`${name}: ${steps} steps given; an integer of at least 1 is needed`);
  return Object.assign(
    (score: Score, x: Tensor, map: Tensor): Tensor => {
      requireMapOf(name, x, map);
      const [n, , h, w] = x.shape;
      const [from, to] = ends(x, add(mul(x, 0), baseline));
      const counts = Array.from({ length: steps + 1 }, (_, k) => Math.round((k * h * w) / steps));
      const curve = replacementCurve(score, from, to, fallingOrder(map), counts);
      // The trapezoid rule: the mean of each interval's two ends.
      const [left, right] = [slice(curve, [0, 0], [steps, n]), slice(curve, [1, 0], [steps, n])];
      return mean(mul(add(left, right), 0.5), 0);
    },
    { info },
  );
}
