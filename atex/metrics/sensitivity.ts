/** How much an explanation changes between an image and random points of a ball around it. */
import { concat, expand, max, mean, norm, type ReduceOptions, reshape, sub, type Tensor } from "../../engine/index.js";
import type { Ball } from "../balls.js";
import { asOneBatch, type Explainer } from "../explainers/explainer.js";
import type { Score } from "../score.js";
import { chunks, type SampleOptions } from "./chunks.js";
import { type MetricInfo, rows, type Stability } from "./metric.js";

export interface SensitivityOptions extends SampleOptions {
  readonly explainer: Explainer;
  /** Where neighbours are drawn, uniformly; they are not clipped to the pixel range. */
  readonly ball: Ball;
}

export const averageCaseInfo: MetricInfo = {
  name: "average-case stability",
  range: [0, Number.POSITIVE_INFINITY],
  larger: "less stable",
  perfect: 0,
  random: "√2 ‖φ‖",
  differentiable: true,
  source: "Tang et al. 2022, sec. 3.2; Alvarez-Melis, Jaakkola 2018",
};

/** Mean over neighbours x' of ‖φ(x') − φ(x)‖₂. Default 50 neighbours. */
export function averageStability(options: SensitivityOptions): Stability {
  return byDraws("averageStability", averageCaseInfo, options, mean);
}

export const maxSensitivityInfo: MetricInfo = {
  name: "max-sensitivity",
  range: [0, Number.POSITIVE_INFINITY],
  larger: "less stable",
  perfect: 0,
  random: "√2 ‖φ‖ and more",
  differentiable: true,
  source: "Yeh et al. 2019",
};

/** Largest ‖φ(x') − φ(x)‖₂ over neighbours x'; the paper draws 50 in an L-inf ball of 0.2. Not divided by ‖φ(x)‖. */
export function maxSensitivity(options: SensitivityOptions): Stability {
  return byDraws("maxSensitivity", maxSensitivityInfo, options, max);
}

type Reduction = (distances: Tensor, axis: number, options?: ReduceOptions) => Tensor;

function byDraws(name: string, info: MetricInfo, options: SensitivityOptions, reduce: Reduction): Stability {
  const { explainer, ball } = options;
  const draws = chunks(name, options);
  return Object.assign(
    (score: Score, x: Tensor): Tensor => {
      const clean = rows(explainer(score, x));
      const distances = draws().map(({ count, key }) => {
        const copies = asOneBatch(expand(reshape(x, [1, ...x.shape]), [count, ...x.shape]));
        const maps = explainer(score, ball.sample(key, copies));
        return norm(sub(reshape(maps, [count, ...clean.shape]), clean), 2);
      });
      return reduce(concat(distances, 0), 0);
    },
    { info },
  );
}
