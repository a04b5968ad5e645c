/** How much an explanation can be changed by a search inside a ball around the input: the loop of the attacks, with no constraint
 *  on the prediction. Maps are compared raw, with sign and size. What is found is a lower bound. */

import { div, equal, maximum, mul, square, sub, sum, type Tensor, where } from "../../engine/index.js";
import { aCount, aKey, aNatural, required } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf } from "../../engine/options.js";
import { count, oneOf, type Read, setting, size } from "../../nn/schema.js";
import { ascend, requireSearch, SEARCH_OPTIONS, type Search } from "../attacks/loop.js";
import { signStep } from "../attacks/rules.js";
import type { Ball } from "../balls.js";
import type { Explainer } from "../explainers/explainer.js";
import { anExplainer } from "../kinds.js";
import type { Score } from "../score.js";
import {
  atMostOne,
  lengthOf,
  type MetricContext,
  type MetricInfo,
  metricEntry,
  ofFinite,
  rows,
  type Stability,
} from "./metric.js";
import { BALLS } from "./sensitivity.js";

/** How the worst neighbour of an input is searched for; see `Search` for ball, rule and steps. */
export interface StabilitySearch extends Search {
  readonly explainer: Explainer;
  /** Random starts, at least 1: at the input itself there is nothing to climb. Default 4. To find more, take more steps first, then
   *  more starts. */
  readonly restarts?: number;
  /** Key of the random starts, u32[2]; all samples of a batch get the same. */
  readonly key: Tensor;
}

const STABILITY_SEARCH_OPTIONS: KindsOf<StabilitySearch> = {
  ...SEARCH_OPTIONS,
  explainer: required(anExplainer),
  steps: required(aCount),
  restarts: aNatural,
  key: required(aKey),
};

export const worstCaseInfo: MetricInfo = {
  name: "worst-case stability",
  range: [0, Number.POSITIVE_INFINITY],
  larger: "less stable",
  perfect: 0,
  random: "‖φ(x + dx)‖: nothing is left of the map",
  differentiable: false,
  source: "Tang et al. 2022, definition 1 and eq. 3",
};

/** max over dx in the ball of min over γ >= 0 of ‖φ(x + dx) − γ φ(x)‖₂, the inner minimum exact:
 *  γ = max(0, ⟨φ(x + dx), φ(x)⟩ / ‖φ(x)‖²). A common factor of the map thus costs nothing. At most eq. 3, which has its minimum
 *  outside. @throws RangeError for no steps or starts. */
export function worstCaseStability(search: StabilitySearch): Stability {
  checkedOptions("worstCaseStability", search, STABILITY_SEARCH_OPTIONS);
  return bySearch("worstCaseStability", worstCaseInfo, search, (phi, clean) => {
    const unit = atMostOne(clean);
    const squared = sum(square(unit), 1, { keepDims: true });
    const gamma = maximum(0, div(sum(mul(phi, unit), 1, { keepDims: true }), where(equal(squared, 0), 1, squared)));
    return lengthOf(sub(phi, mul(gamma, unit)));
  });
}

export const lipschitzInfo: MetricInfo = {
  name: "local Lipschitz estimate",
  range: [0, Number.POSITIVE_INFINITY],
  larger: "less stable",
  perfect: 0,
  random: "large: unrelated maps however near the images",
  differentiable: false,
  source: "Alvarez-Melis, Jaakkola 2018",
};

/** max over z in the ball of ‖φ(z) − φ(x)‖₂ / ‖z − x‖₂, the maximum by projected ascent from random starts with the given step
 *  rule (the paper: Bayesian optimisation, for models without gradients). Where maps jump, as they do with relu and where the
 *  winner of a max pool changes, it has no bound and grows with the search. @throws RangeError for no steps or starts. */
export function localLipschitz(search: StabilitySearch): Stability {
  checkedOptions("localLipschitz", search, STABILITY_SEARCH_OPTIONS);
  return bySearch("localLipschitz", lipschitzInfo, search, (phi, clean, z, x) => {
    const apart = lengthOf(sub(z, x));
    return div(lengthOf(sub(phi, clean)), where(equal(apart, 0), 1, apart));
  });
}

type Apartness = (phi: Tensor, clean: Tensor, z: Tensor, x: Tensor) => Tensor;

/** The largest value found of `apart`, a function of rows [n,d] → [n]. */
function bySearch(name: string, info: MetricInfo, options: StabilitySearch, apart: Apartness): Stability {
  const { explainer, key, ball, ...given } = options;
  // Starts are the same for all samples of a batch, so that none depends on the others.
  const shared: Ball = { ...ball, sample: (k, x) => ball.sample(k, x, true) };
  const search = { ...given, ball: shared, restarts: given.restarts ?? 4, flatAtClean: true };
  requireSearch(name, search);
  return Object.assign(
    (score: Score, x: Tensor): Tensor => {
      const map = explainer(score, x);
      const clean = rows(map);
      const objective = (z: Tensor): Tensor => apart(rows(explainer(score, z)), clean, rows(z), rows(x));
      return ofFinite(ascend(x, { ...search, objective, key }).after, map);
    },
    { info },
  );
}

const shared = {
  kind: "stability",
  needs: { explainer: true, key: true },
  options: {
    radius: setting(size, 0.1, "of the ball that is searched, in units of the input"),
    norm: setting(oneOf("linf", "l2"), "linf", "of that ball"),
    steps: setting(count, 20, "sign steps from each start"),
    stepSize: setting(size, 0.1, "length of a step, as a share of the radius"),
    restarts: setting(count, 4, "random starts"),
  },
  laws: {},
} as const;

type SearchSettings = Read<typeof shared.options>;

function searchOf(
  { radius, norm, steps, stepSize, restarts }: SearchSettings,
  context: MetricContext,
): StabilitySearch {
  const { explainer, key, domain } = context;
  const rule = signStep(radius * stepSize);
  return { explainer: explainer!, key: key!, ball: BALLS[norm](radius), rule, steps, restarts, range: domain?.range };
}

export const worstCaseEntry = metricEntry({
  ...{ ...shared, name: "worst-case-stability", info: worstCaseInfo },
  make: (settings, context) => worstCaseStability(searchOf(settings, context)),
});
export const lipschitzEntry = metricEntry({
  ...{ ...shared, name: "local-lipschitz", info: lipschitzInfo },
  make: (settings, context) => localLipschitz(searchOf(settings, context)),
});
