import {
  abs,
  add,
  div,
  gather,
  mul,
  random,
  reshape,
  scope,
  slice,
  sub,
  sum,
  type Tensor,
} from "../../engine/index.js";
import { aCount, aKey, aNumber, aTensor, required } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf } from "../../engine/options.js";
import { count, setting } from "../../nn/schema.js";
import { asOneBatch, chunksOf } from "../copies.js";
import { RefusalError } from "../refusal.js";
import type { Score } from "../score.js";
import { backgroundScore } from "./background.js";
import { type Explainer, explainer, explainerEntry, sumPerSample } from "./explainer.js";
import { flatSamples } from "./features.js";
import { gradient } from "./gradient.js";

/** Where the paths of expected gradients begin, and how many points of them are drawn. */
export interface ExpectedGradientsOptions {
  /** Samples the paths begin at, [m, ...]. */
  readonly background: Tensor;
  /** Points, each on a path from a random row of the background; default 200. */
  readonly samples?: number;
  /** Key of the rows and points that are drawn, u32[2]. */
  readonly key: Tensor;
  /** Input elements evaluated at once; see `chunksOf`. */
  readonly budget?: number;
}

const EXPECTED_GRADIENTS_OPTIONS: KindsOf<ExpectedGradientsOptions> = {
  background: required(aTensor),
  samples: aNumber,
  key: required(aKey),
  budget: aCount,
};

const info = {
  name: "expected gradients",
  scope: "local",
  access: "model-transparent",
  source: "Erion et al. 2021",
} as const;

/** Mean of (x − b) · gradient at b + α (x − b), with b a random row of the background and α uniform on [0, 1): integrated gradients
 *  averaged over baselines. Its sum is score(x) less the mean score of the background but for the sampling error, which `gap`
 *  gives. All samples of a batch get the same rows and α. Source: Erion et al. 2021, eq. 3.
 *  @throws RangeError for fewer than one sample. */
export function expectedGradients(options: ExpectedGradientsOptions): Explainer {
  const {
    background,
    samples = 200,
    key,
    budget,
  } = checkedOptions("expectedGradients", options, EXPECTED_GRADIENTS_OPTIONS);
  if (!Number.isInteger(samples) || samples < 1)
    throw new RangeError(`expectedGradients: ${samples} samples given; an integer of at least 1 is needed`);

  const explain = (score: Score, x: Tensor): Tensor => {
    const [n, ...shape] = x.shape;
    const rows = flatSamples("expectedGradients, background", background, shape);
    const [m, d] = rows.shape;
    const [which, where] = random.split(key, 2);
    const from = reshape(gather(rows, random.randint(which, [samples], 0, m)), [samples, 1, d]);
    const alpha = random.uniform(where, [samples, 1, 1]);
    const to = reshape(x, [1, n, d]);
    const parts = chunksOf(samples, n * d, budget).map(({ start, count: k }) =>
      scope(() => {
        const origin = slice(from, [start, 0, 0], [k, 1, d]);
        const way = sub(to, origin);
        const points = add(origin, mul(way, slice(alpha, [start, 0, 0], [k, 1, 1])));
        const slopes = gradient(score, asOneBatch(reshape(points, [k, n, ...shape])));
        return sum(mul(way, reshape(slopes, [k, n, d])), 0);
      }, "expectedGradients"),
    );
    return reshape(div(parts.reduce(add), samples), x.shape);
  };
  return explainer(info, explain, (score, x, attribution) =>
    abs(
      sub(
        sumPerSample(attribution),
        sub(score(x), backgroundScore("expectedGradients", score, x, { rows: background })),
      ),
    ),
  );
}

export const expectedGradientsEntry = explainerEntry({
  name: "expected-gradients",
  info,
  needs: "gradients",
  uses: { background: "always" },
  options: { samples: setting(count, 200, "points on paths from random rows of the background") },
  // A shift of all inputs shifts the background along.
  laws: { differentiable: true, dummy: true, symmetry: false, inputInvariance: true },
  make({ samples }, { background, key }) {
    if (!background)
      throw new RefusalError("expected-gradients: no background came; samples where the paths begin are needed");
    return expectedGradients({ background, samples, key });
  },
});
