/** Training schemes as configurations name them. */
import { linf } from "../balls.js";
import type { Classifier } from "../score.js";
import {
  atex,
  cosineDistance,
  curvaturePenalty,
  type DirectionSource,
  directionsAtHand,
  fgsm,
  freshDirections,
  freshGradients,
  inputGradientPenalty,
  lga,
  naive,
  normal,
  pgd,
  r2et,
  rar,
  type Scheme,
  squaredL2,
  ssr,
  weightDecay,
} from "../training/index.js";
import type { SchemeConfig } from "./config.js";
import { type AtexConfig, type Kept, shiftsOf } from "./kept.js";

export interface SchemeContext {
  /** eps1 that is trained for. */
  readonly eps: number;
  readonly teacher: Classifier;
  /** For ATEX that has its directions at hand. */
  readonly kept?: Kept;
}

type NaiveConfig = Extract<SchemeConfig, { kind: "naive" }>;

/** The scheme of a configuration. */
export function makeScheme(config: SchemeConfig, context: SchemeContext): Scheme {
  switch (config.kind) {
    case "normal":
      return normal();
    case "naive":
      return makeNaive(config, context.eps);
    case "atex":
      return makeAtex(config, context);
    case "fgsm":
      return fgsm(config);
    case "pgd":
      return pgd(config);
    case "weightDecay":
      return weightDecay(config);
    case "inputGradient":
      return inputGradientPenalty(config);
    case "curvature":
      return curvaturePenalty(config);
    case "ssr":
      return ssr(config);
    case "rar":
      return rar(config);
    case "lga":
      return lga({ ...config, ball: linf(config.radius * context.eps) });
    case "r2et":
      return r2et(config);
  }
}

function makeNaive(config: NaiveConfig, eps: number): Scheme {
  const { neighbours, radius, weight, a1, a2, ascent } = config;
  const reach = radius * eps;
  return naive({
    ball: linf(reach),
    ...{ neighbours, weight, a1, a2 },
    distance: config.distance === "cosine" ? cosineDistance : squaredL2,
    choice: ascent === undefined ? "random" : { adversarial: { steps: ascent, stepSize: (2 * reach) / ascent } },
  });
}

function makeAtex(config: AtexConfig, { eps, teacher, kept }: SchemeContext): Scheme {
  const { samples, sigma, directions: whose, copies, noise, scale, alpha, terms } = config;
  const { matching, temperature, studentTemperature } = config;
  const source = (): DirectionSource => {
    if (whose === "gradient") return freshGradients();
    if (whose !== "kept") return freshDirections(whose === "student" ? "student" : teacher, { samples, sigma });
    if (!kept?.directions) throw new TypeError("makeScheme: ATEX with directions at hand was given none");
    return directionsAtHand(kept.directions);
  };
  return atex({
    ...{ teacher, directions: source(), predictions: kept?.predictions },
    ...shiftsOf(config, eps),
    ...{ copies, noise, scale, alpha, terms, matching, temperature, studentTemperature },
  });
}
