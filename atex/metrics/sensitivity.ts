/** How much an explanation changes between an input and random points of a ball around it. The draws are the same for all samples
 *  of a batch, so that no sample depends on the others. */

import { concat, max, mean, type ReduceOptions, random, reshape, scope, sub, type Tensor } from "../../engine/index.js";
import { aKey, aNumber, required } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf } from "../../engine/options.js";
import { count, oneOf, setting, size } from "../../nn/schema.js";
import { type Ball, l2, linf } from "../balls.js";
import type { Explainer } from "../explainers/explainer.js";
import { aBall, anExplainer } from "../kinds.js";
import type { Score } from "../score.js";
import { chunksOf, requireSamples, type SampleOptions } from "./chunks.js";
import { lengthOf, type MetricInfo, metricEntry, ofFinite, rows, type Stability } from "./metric.js";

export const BALLS = { linf, l2 } as const;

/** Whose explanations are compared, at which neighbours of each input. */
export interface SensitivityOptions extends SampleOptions {
  readonly explainer: Explainer;
  /** Where neighbours are drawn, uniformly; they are not clipped to the range of the inputs. */
  readonly ball: Ball;
}

const SENSITIVITY_OPTIONS: KindsOf<SensitivityOptions> = {
  explainer: required(anExplainer),
  ball: required(aBall),
  samples: aNumber,
  key: required(aKey),
  chunk: aNumber,
};

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
  checkedOptions("averageStability", options, SENSITIVITY_OPTIONS);
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
  checkedOptions("maxSensitivity", options, SENSITIVITY_OPTIONS);
  return byDraws("maxSensitivity", maxSensitivityInfo, options, max);
}

type Reduction = (distances: Tensor, axis: number, options?: ReduceOptions) => Tensor;

function byDraws(name: string, info: MetricInfo, options: SensitivityOptions, reduce: Reduction): Stability {
  const { explainer, ball, key, chunk } = options;
  const samples = requireSamples(name, options);
  return Object.assign(
    (score: Score, x: Tensor): Tensor => {
      const clean = explainer(score, x);
      const keys = random.split(key, samples);
      const distances = chunksOf(x, samples, chunk).map((draws) =>
        scope(() => {
          const near = concat(draws.map((i) => ball.sample(keys[i], x, true)));
          const maps = reshape(explainer(score, near), [draws.length, ...rows(clean).shape]);
          return lengthOf(sub(maps, rows(clean)));
        }, name),
      );
      return ofFinite(reduce(concat(distances, 0), 0), clean);
    },
    { info },
  );
}

const drawOptions = {
  samples: setting(count, 50, "random neighbours"),
  radius: setting(size, 0.2, "of the ball of neighbours, in units of the input"),
  norm: setting(oneOf("linf", "l2"), "linf", "of that ball"),
};
const shared = {
  kind: "stability",
  needs: { explainer: true, key: true },
  options: drawOptions,
  laws: {},
} as const;

export const averageStabilityEntry = metricEntry({
  ...{ ...shared, name: "average-stability", info: averageCaseInfo },
  make: ({ samples, radius, norm }, { explainer, key }) =>
    averageStability({ explainer: explainer!, key: key!, samples, ball: BALLS[norm](radius) }),
});
export const maxSensitivityEntry = metricEntry({
  ...{ ...shared, name: "max-sensitivity", info: maxSensitivityInfo },
  make: ({ samples, radius, norm }, { explainer, key }) =>
    maxSensitivity({ explainer: explainer!, key: key!, samples, ball: BALLS[norm](radius) }),
});
