/** How much an explanation can be changed by a search inside a ball around the image: the loop of the attacks, with no constraint
 *  on the prediction. Maps are compared raw, with sign and size. What is found is a lower bound. */
import { div, maximum, mul, norm, square, sub, sum, type Tensor } from "../../engine/index.js";
import { ascend, requireSearch, type Search } from "../attacks/loop.js";
import type { Explainer } from "../explainers/explainer.js";
import type { Score } from "../score.js";
import { type MetricInfo, rows, type Stability } from "./metric.js";

export interface StabilitySearch extends Search {
  readonly explainer: Explainer;
  /** Random starts, at least 1: at the image itself there is nothing to climb. Default 4. On the authors' network (softplus, eps 0.08)
   *  worst-case stability is found as 14.0, 14.3, 14.8 and 15.2 from 1, 2, 4 and 8 starts of 20 steps, and as 15.7, 16.0 and 16.3
   *  from 1, 2 and 4 of 80: more steps first, then more starts. */
  readonly restarts?: number;
  readonly key: Tensor;
}

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
  return bySearch("worstCaseStability", worstCaseInfo, search, (phi, clean) => {
    const squared = sum(square(clean), 1, { keepDims: true });
    const gamma = maximum(0, div(sum(mul(phi, clean), 1, { keepDims: true }), maximum(squared, TINY)));
    return norm(sub(phi, mul(gamma, clean)), 1);
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
  return bySearch("localLipschitz", lipschitzInfo, search, (phi, clean, z, x) =>
    div(norm(sub(phi, clean), 1), maximum(norm(sub(z, x), 1), TINY)),
  );
}

/** Keeps 0/0 at 0. */
const TINY = 1e-20;

type Apartness = (phi: Tensor, clean: Tensor, z: Tensor, x: Tensor) => Tensor;

/** The largest value found of `apart`, a function of rows [n,d] → [n]. */
function bySearch(name: string, info: MetricInfo, options: StabilitySearch, apart: Apartness): Stability {
  const { explainer, key, ...given } = options;
  const search = { ...given, restarts: given.restarts ?? 4, flatAtClean: true };
  requireSearch(name, search);
  return Object.assign(
    (score: Score, x: Tensor): Tensor => {
      const clean = rows(explainer(score, x));
      const objective = (z: Tensor): Tensor => apart(rows(explainer(score, z)), clean, rows(z), rows(x));
      return ascend(x, { ...search, objective, key }).after;
    },
    { info },
  );
}
