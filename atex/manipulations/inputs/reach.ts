/** How far a manipulation may move each element of an input: a share of its valid range for numbers, not at all for what is no number
 *  or may not be touched. */

import { abs, add, maximum, minimum, mul, random, sign, sub, type Tensor, tensor } from "../../../engine/index.js";
import { aNumber, required } from "../../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../../engine/options.js";
import type { Domain, TablePreparation } from "../../../nn/index.js";
import { aDomain, anyObject, aTablePreparation } from "../../../nn/kinds.js";
import type { StepRule } from "../../attacks/rules.js";
import { type Ball, ROUNDING } from "../../balls.js";
import { columnBall, columnSteps } from "../../columnBall.js";
import { texts } from "../../kinds.js";
import { RefusalError } from "../../refusal.js";
import { featureIndex, featuresOf } from "../columns.js";

/** How far each element of a sample may move, and which features may not. */
export interface ReachOptions {
  /** Largest change of an element, as a share of the width of its valid range, 0 to 1. */
  readonly eps: number;
  /** Names of features that are not touched, besides those of categories, which no small change leaves valid. */
  readonly immutable?: readonly string[];
  /** Smallest changes of numeric columns in their own units, by name: `{ age: 1 }`. Needs the preparation. */
  readonly columnSteps?: Readonly<Record<string, number>>;
  readonly preparation?: TablePreparation;
}

const REACH_OPTIONS: KindsOf<ReachOptions> = {
  eps: required(aNumber),
  immutable: texts,
  columnSteps: anyObject,
  preparation: aTablePreparation,
};

/** Where an attack may look, and how it may step there. */
export interface InputReach {
  /** Largest change of each element of a sample, [1, ...domain.shape]. */
  readonly most: Tensor;
  readonly ball: Ball;
  /** Steps along the signs of the gradient: this share of each element's largest change, never less than its smallest. */
  signStep(share: number): StepRule;
}

/** Changes of at most eps · (high − low) of each element: pixels, and numeric columns of a table by whole steps. Binary and categorical
 *  features and immutable ones stay. @throws RangeError for an unknown feature or an eps outside [0, 1]; RefusalError where nothing is
 *  left that may change. */
export function reachOf(domain: Domain, options: ReachOptions): InputReach {
  requireArguments("reachOf", { domain: [domain, aDomain] });
  const { eps, immutable = [], columnSteps: own, preparation } = checkedOptions("reachOf", options, REACH_OPTIONS);
  if (!(eps >= 0 && eps <= 1))
    throw new RangeError(`reach: eps ${eps} given; a share of the valid range, 0 to 1, is needed`);
  const { shape, range } = domain;
  const table = shape.length === 1;
  if (!table && (immutable.length > 0 || own))
    throw new RangeError(`reach: features of a table were named; samples of [${shape}] have none`);
  if (own && !preparation)
    throw new RangeError(
      "reach: steps of columns in their own units came without a preparation; one is needed, which says what they are",
    );
  for (const name of immutable) featureIndex(domain, name);
  const at = (bound: number | readonly number[], i: number): number => (typeof bound === "number" ? bound : bound[i]);
  const size = shape.reduce((product, side) => product * side, 1);
  const most = Float32Array.from({ length: size }, (_, i) => eps * (at(range.high, i) - at(range.low, i)));
  const least = new Float32Array(size);
  if (table)
    for (const { name, kind, at: elements } of featuresOf(domain))
      if (kind !== "numeric" || immutable.includes(name)) for (const i of elements) most[i] = 0;
  if (eps > 0 && most.every((r) => r === 0))
    throw new RefusalError("reach: no feature is left that may change; a numeric one that is not immutable is needed");
  const step = own && columnSteps(preparation!, own);
  for (const { name, at: elements } of step ? featuresOf(domain) : [])
    for (const i of elements) least[i] = most[i] > 0 ? (step![name] ?? 0) : 0;
  const radius = table
    ? Object.fromEntries(featuresOf(domain).map(({ name, at: elements }) => [name, most[elements[0]]]))
    : {};
  return {
    most: tensor(most, [1, ...shape]),
    ball: table ? columnBall(domain, { radius, step, immutable }) : boxBall(most, shape),
    signStep(share) {
      const lengths = tensor(
        most.map((r, i) => Math.max(share * r, least[i])),
        [1, ...shape],
      );
      return { name: "sign", init: () => [], step: (g) => [mul(sign(g), lengths), []] };
    },
  };
}

/** |x' − x| ≤ most, element by element: the L-inf ball with a radius for each element of a sample. */
function boxBall(most: Float32Array, shape: readonly number[]): Ball {
  const room = (x: Tensor): Tensor => maximum(sub(tensor(most, [1, ...shape]), mul(maximum(abs(x), 1), ROUNDING)), 0);
  const project = (moved: Tensor, x: Tensor): Tensor => {
    const r = room(x);
    return minimum(maximum(moved, sub(x, r)), add(x, r));
  };
  return {
    name: "box",
    project,
    sample: (key, x, shared) => {
      const drawn = shared ? [1, ...shape] : x.shape;
      return project(add(x, mul(sub(mul(random.uniform(key, drawn), 2), 1), room(x))), x);
    },
  };
}
