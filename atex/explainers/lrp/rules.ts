/** The rules by which a weighted layer hands relevance on, as data, and the contributions each of them shares it by. */
import { add, greater, less, mul, onesLike, sub, type Tensor } from "../../../engine/index.js";
import { number, type Schema, setting, size, variant } from "../../../nn/schema.js";
import type { Contribution, Layer, Share } from "./layer.js";
import { times } from "./layer.js";

/** Written out, or only its name. With x the layer's input, w its weights (a batch norm that follows is merged into them), b its
 *  bias, ⁺ and ⁻ the positive and negative parts, a rule shares the relevance of an output in proportion to the contributions
 *
 *  - epsilon: xw; the bias keeps its share (Bach et al. 2015, eq. 58).
 *  - gamma: xw + γ(xw)⁺ where the output is positive, xw + γ(xw)⁻ where it is negative; the bias counts as an input of value 1
 *    (Montavon et al. 2019, sec. 10.2, for positive inputs; Andéol et al. 2021).
 *  - alpha-beta: (xw)⁺ for α of the relevance, (xw)⁻ for 1 − α of it; the bias keeps the share of the part of its sign
 *    (Bach et al. 2015, eq. 60, with β = α − 1, which conserves where an output has contributions of both signs).
 *  - z-plus: (xw)⁺, that is alpha-beta with α = 1.
 *  - z-box: xw − lw⁺ − hw⁻ for inputs in [l, h]; no bias (Montavon et al. 2017).
 *  - w-squared: w²; no bias (Montavon et al. 2017).
 *  - flat: 1, wherever there is a weight; no bias (Lapuschkin et al. 2019). */
export type RuleSpec =
  | RuleKind
  | { readonly kind: "epsilon"; readonly epsilon?: number }
  | { readonly kind: "gamma"; readonly gamma?: number }
  | { readonly kind: "alpha-beta"; readonly alpha?: number }
  | { readonly kind: "z-plus" | "z-box" | "w-squared" | "flat" };

/** The rules there are; `RuleSpec` says what each does. The name alone takes the numbers of `LrpOptions`, and 2 for alpha. */
export type RuleKind = "epsilon" | "gamma" | "alpha-beta" | "z-plus" | "z-box" | "w-squared" | "flat";

export type Rule =
  | { readonly kind: "epsilon"; readonly epsilon: number }
  | { readonly kind: "gamma"; readonly gamma: number }
  | { readonly kind: "alpha-beta"; readonly alpha: number }
  | { readonly kind: "z-plus" | "z-box" | "w-squared" | "flat" };

export interface RuleDefaults {
  readonly epsilon: number;
  readonly gamma: number;
}

/** What denominators are kept away from 0 by: never 0 itself. */
export const positive = number({ min: 1e-12 });

export function ruleSchema({ epsilon, gamma }: RuleDefaults): Schema<Rule> {
  const written = variant({
    epsilon: { epsilon: setting(positive, epsilon, "added to denominators, with their sign") },
    gamma: { gamma: setting(size, gamma, "extra weight of what speaks for the sign of the output") },
    "alpha-beta": { alpha: setting(number({ min: 1 }), 2, "weight of positive contributions; beta is alpha - 1") },
    "z-plus": {},
    "z-box": {},
    "w-squared": {},
    flat: {},
  });
  return {
    json: { anyOf: [{ type: "string" }, written.json] },
    read: (value, path) => written.read(typeof value === "string" ? { kind: value } : value, path),
  };
}

/** The shares that a rule makes of a layer's relevance. */
export function sharesOf(rule: Rule, layer: Layer, stabiliser: number): Share[] {
  const { x, weight, scale, offset } = layer;
  const whole: Contribution = { x, weight, times: scale };
  switch (rule.kind) {
    case "epsilon":
      return [{ contributions: [whole], offset, epsilon: rule.epsilon }];
    case "gamma":
      return [gammaShare(rule.gamma, layer, stabiliser)];
    case "alpha-beta":
      return alphaBetaShares(rule.alpha, layer, stabiliser);
    case "z-plus":
      return alphaBetaShares(1, layer, stabiliser);
    case "z-box": {
      const { low, high } = layer.box();
      const split = splitter(layer);
      const contributions = [whole, ...split(low, 1, -1), ...split(high, -1, -1)];
      return [{ contributions, epsilon: stabiliser }];
    }
    case "w-squared": {
      const square = scale && mul(scale, scale);
      return [{ contributions: [{ x: onesLike(x), weight: mul(weight, weight), times: square }], epsilon: stabiliser }];
    }
    case "flat":
      return [{ contributions: [{ x: onesLike(x), weight: onesLike(weight) }], epsilon: stabiliser }];
  }
}

function gammaShare(gamma: number, layer: Layer, epsilon: number): Share {
  const { x, weight, scale, offset, output } = layer;
  const scaled = scale ? mul(output, scale) : output;
  const z = offset ? add(scaled, offset) : scaled;
  const [above, below] = [mul(greater(z, 0), gamma), mul(less(z, 0), gamma)];
  const { agreeing, opposing } = bySign(layer);
  const contributions = [{ x, weight, times: scale }, ...agreeing(above), ...opposing(below)];
  if (!offset) return { contributions, epsilon };
  const parts = add(mul(positivePart(offset), above), mul(negativePart(offset), below));
  return { contributions, offset: add(offset, parts), epsilon };
}

function alphaBetaShares(alpha: number, layer: Layer, epsilon: number): Share[] {
  const { agreeing, opposing } = bySign(layer);
  const { offset } = layer;
  const forIt = { contributions: agreeing(), offset: offset && positivePart(offset), epsilon, of: alpha };
  if (alpha === 1) return [forIt];
  // Negated, so that this denominator is not negative either.
  const against = offset && mul(negativePart(offset), -1);
  return [forIt, { contributions: opposing(-1), offset: against, epsilon, of: 1 - alpha }];
}

type Factor = Tensor | number;

/** The positive contributions of a layer's inputs, and the negative ones, each times a factor. */
function bySign(layer: Layer) {
  const split = splitter(layer);
  const { x } = layer;
  const above = layer.nonNegative ? x : positivePart(x);
  const below = layer.nonNegative ? undefined : sub(x, above);
  const contributions = (sign: 1 | -1) => (factor?: Factor) => [
    ...split(above, sign, factor),
    ...(below ? split(below, sign === 1 ? -1 : 1, factor) : []),
  ];
  return { agreeing: contributions(1), opposing: contributions(-1) };
}

/** Contributions of inputs through the weights of one sign. Where outputs are scaled, by numbers of any sign, a positive weight is
 *  one with the sign of its output's scale: that is said on the outputs, whatever the layout of the weights. */
function splitter({ weight, scale }: Layer) {
  const [w, c] = [signs(weight), scale && signs(scale)];
  return (x: Tensor, sign: 1 | -1, factor?: Factor): Contribution[] => {
    const [same, other] = sign === 1 ? [w.above, w.below] : [w.below, w.above];
    if (!c) return [{ x, weight: same(), times: factor }];
    return [
      { x, weight: same(), times: times(c.above(), factor) },
      { x, weight: other(), times: times(c.below(), factor) },
    ];
  };
}

/** Both parts of a tensor, made once when asked for. */
function signs(t: Tensor) {
  let above: Tensor | undefined;
  let below: Tensor | undefined;
  return {
    above: () => {
      above ??= positivePart(t);
      return above;
    },
    below: () => {
      below ??= negativePart(t);
      return below;
    },
  };
}

// Products with masks: relu may stand for another op where somebody put softplus in its place.
const positivePart = (t: Tensor): Tensor => mul(t, greater(t, 0));
const negativePart = (t: Tensor): Tensor => mul(t, less(t, 0));
