/** How far an attack may go: sets of allowed changes around each sample. */

import {
  abs,
  add,
  clamp,
  constant,
  div,
  maximum,
  minimum,
  mul,
  pow,
  random,
  ShapeError,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  tensor,
} from "../engine/index.js";
import { aNumber, aTensor, tupleOf } from "../engine/kinds.js";
import { requireArguments } from "../engine/options.js";
import { PIXEL_RANGE } from "../nn/index.js";
import { aRadius } from "./kinds.js";

/** The samples that may be reached from each x: `linf`, `l2` and `columnBall` make one. Radii are in units of the samples. */
export interface Ball {
  readonly name: string;
  /** The nearest point of the ball around x (in its norm's usual projection). x, moved [n,...] → [n,...] */
  project(moved: Tensor, x: Tensor): Tensor;
  /** A random point of the ball around x; `shared`: the same draw for all samples of the batch, so that none depends on the others. */
  sample(key: Tensor, x: Tensor, shared?: boolean): Tensor;
}

/** One for all samples, or one for each. */
export type Radius = number | readonly number[];

/** Sums below 2 round by at most 2⁻²⁴ in f32, larger ones in proportion: keeping this much of max(1, |x|) inside makes the budget
 *  hold exactly. */
export const ROUNDING = 2 ** -23;

/** ‖x' − x‖∞ ≤ radius, exactly. */
export function linf(radius: Radius): Ball {
  requireArguments("linf", { radius: [radius, aRadius] });
  requireRadius("linf", radius);
  const inside = (x: Tensor): Tensor => maximum(sub(perSample(radius, x), mul(maximum(abs(x), 1), ROUNDING)), 0);
  const project = (moved: Tensor, x: Tensor): Tensor => {
    const room = inside(x);
    return minimum(maximum(moved, sub(x, room)), add(x, room));
  };
  return {
    name: "L-inf",
    project,
    sample: (key, x, shared) =>
      project(add(x, mul(sub(mul(random.uniform(key, drawn(x, shared)), 2), 1), inside(x))), x),
  };
}

/** ‖x' − x‖₂ ≤ radius per sample, exactly. */
export function l2(radius: Radius): Ball {
  requireArguments("l2", { radius: [radius, aRadius] });
  requireRadius("l2", radius);
  // A norm in f32 is right to 1e-6, and each of D elements rounds once.
  const inside = (x: Tensor): Tensor =>
    maximum(sub(mul(perSample(radius, x), 1 - 1e-6), mul(norms(maximum(abs(x), 1)), ROUNDING)), 0);
  const project = (moved: Tensor, x: Tensor): Tensor => {
    const change = sub(moved, x);
    return add(x, mul(change, minimum(1, div(inside(x), maximum(norms(change), 1e-12)))));
  };
  return {
    name: "L2",
    project,
    sample: (key, x, shared) => {
      const [direction, length] = random.split(key, 2);
      const shape = drawn(x, shared);
      const d = random.normal(direction, shape);
      // Uniform in the ball: length radius · u^(1/D) along a uniform direction.
      const dimensions = x.size / x.shape[0];
      const u = random.uniform(length, [shape[0], ...x.shape.slice(1).map(() => 1)]);
      return project(add(x, mul(div(d, norms(d)), mul(pow(u, 1 / dimensions), inside(x)))), x);
    },
  };
}

/** Shape of what is drawn for a batch. */
function drawn(x: Tensor, shared = false): readonly number[] {
  return shared ? [1, ...x.shape.slice(1)] : x.shape;
}

/** The radius, broadcastable to x where samples have their own. */
function perSample(radius: Radius, x: Tensor): Tensor {
  if (typeof radius === "number") return constant(radius);
  if (radius.length !== x.shape[0])
    throw new ShapeError(`ball: ${radius.length} radii for ${x.shape[0]} samples; one each is needed`);
  return tensor(Float32Array.from(radius), [radius.length, ...x.shape.slice(1).map(() => 1)]);
}

/** Pixels back into their range. */
export function clipPixels(x: Tensor, range: readonly [number, number] = [PIXEL_RANGE.low, PIXEL_RANGE.high]): Tensor {
  requireArguments("clipPixels", { x: [x, aTensor], range: [range, tupleOf(aNumber, 2, "numbers")] });
  const [low, high] = range;
  return clamp(x, low, high);
}

/** L2 norm per sample, broadcastable. [n,...] → [n,1,...] */
export function norms(x: Tensor): Tensor {
  const axes = x.shape.slice(1).map((_, i) => i + 1);
  return sqrt(sum(square(x), axes, { keepDims: true }));
}

function requireRadius(name: string, radius: Radius): void {
  for (const r of typeof radius === "number" ? [radius] : radius)
    if (!(r >= 0 && Number.isFinite(r)))
      throw new RangeError(`${name}: radius ${r} given; a finite number of at least 0 is needed`);
}
