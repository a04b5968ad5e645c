/** Where ATEX looks: points along an explanation, and points beside those. */
import {
  abs,
  add,
  div,
  expand,
  linspace,
  max,
  maximum,
  mul,
  random,
  reshape,
  sub,
  sum,
  type Tensor,
} from "../../engine/index.js";
import { norms } from "../balls.js";

/** What "length 1" means for a direction: an L2 norm of 1 (paper) or a largest |element| of 1 (released code). On 784 pixels the
 *  second is up to 28 times longer, as is an L-inf ball's corner. */
export type Normalisation = "l2" | "maxAbs";

/** All sides of x from the `first` on. */
const sides = (x: Tensor, first: number): number[] => x.shape.slice(first).map((_, i) => i + first);
/** Sides of 1 in the place of a sample's. */
const ones = (x: Tensor): number[] => x.shape.slice(1).map(() => 1);

/** Directions of length 1 per sample; zero stays zero. [n,...] → [n,...] */
export function unit(direction: Tensor, normalisation: Normalisation): Tensor {
  const length =
    normalisation === "l2" ? norms(direction) : max(abs(direction), sides(direction, 1), { keepDims: true });
  return div(direction, maximum(length, 1e-20));
}

export interface AlongOptions {
  /** Δ₁, the longest shift along the explanation. */
  readonly length: number;
  /** Shifts per image. */
  readonly points: number;
  /** An even grid of [−Δ₁, Δ₁] (needs two points), the same for all images, or uniform draws from it for each. */
  readonly spacing: "grid" | "sampled";
  readonly normalisation: Normalisation;
}

/** The lengths of a grid, the same for all samples: x [n,...] → [points, 1, 1, ...]. */
export function gridLengths({ length, points }: AlongOptions, x: Tensor): Tensor {
  return reshape(linspace(-length, length, points), [points, 1, ...ones(x)]);
}

/** δ₁ of every point: x [n,...] → [points, n or 1, 1, ...]. */
export function lengthsAlong(along: AlongOptions, x: Tensor, key: Tensor): Tensor {
  const { length, points, spacing } = along;
  if (spacing === "grid") return gridLengths(along, x);
  return random.uniform(key, [points, x.shape[0], ...ones(x)], { low: -length, high: length });
}

/** xᵢ = x + δ₁ φ/‖φ‖ (eq. 5): x and direction [n,...], lengths as of `lengthsAlong` → [points,n,...]. */
export function alongExplanation(x: Tensor, direction: Tensor, lengths: Tensor, normalisation: Normalisation): Tensor {
  const [phi, centre] = [unit(direction, normalisation), x].map((t) => reshape(t, [1, ...t.shape]));
  return add(centre, mul(phi, lengths));
}

export interface TangentOptions {
  /** Δ₂, the longest shift across the explanation. */
  readonly length: number;
  /** Random directions per point. */
  readonly copies: number;
  /** u uniform on [0, Δ₂] (paper) or on [−Δ₂, Δ₂] (released code). Positive u has the mean Δ₂/2 in every pixel, so its shifts are
   *  mostly one and the same change of brightness; symmetric u points everywhere. */
  readonly noise: "positive" | "symmetric";
  /** φ⊥ scaled to length 1 and then by δ₂, uniform on [−Δ₂, Δ₂] (paper), or taken as it is after projection (released code). */
  readonly scale: "unit" | "asProjected";
  readonly normalisation: Normalisation;
}

/** φ⊥ = u − φ ⟨u,φ⟩/‖φ‖² (eq. 6), scaled: direction [n,...] → shifts [points·copies·n,...]. */
export function tangentShifts(direction: Tensor, points: number, options: TangentOptions, key: Tensor): Tensor {
  const { length, copies, noise, scale, normalisation } = options;
  const [n, ...sample] = direction.shape;
  const [uKey, lengthKey] = random.split(key, 2);
  const low = noise === "positive" ? 0 : -length;
  const count = points * copies * n;
  const across = acrossExplanation(random.uniform(uKey, [count, ...sample], { low, high: length }), direction);
  if (scale === "asProjected") return across;
  const lengths = random.uniform(lengthKey, [count, ...ones(direction)], { low: -length, high: length });
  return mul(unit(across, normalisation), lengths);
}

/** One more shift of every point where a loss has the slope `uphill`: the part of the slope that is across the explanation, of a
 *  length uniform on [0, Δ₃]. Random directions hardly ever point where a loss grows: of a slope in 784 pixels, 1/28 (root mean
 *  square) lies along one of them. `uphill` [k·n,...], direction [n,...] → [k·n,...]. */
export function steepestShifts(
  uphill: Tensor,
  direction: Tensor,
  { length, normalisation }: Pick<TangentOptions, "length" | "normalisation">,
  key: Tensor,
): Tensor {
  const lengths = random.uniform(key, [uphill.shape[0], ...ones(uphill)], { low: 0, high: length });
  return mul(unit(acrossExplanation(uphill, direction), normalisation), lengths);
}

/** u − φ ⟨u,φ⟩/‖φ‖² (eq. 6) for k copies of a batch: u [k·n,...], φ [n,...] → [k·n,...]. */
function acrossExplanation(u: Tensor, direction: Tensor): Tensor {
  const copies = reshape(u, [-1, ...direction.shape]);
  // With φ of L2 norm 1 the projection needs no division.
  const phi = reshape(unit(direction, "l2"), [1, ...direction.shape]);
  return reshape(sub(copies, mul(phi, sum(mul(copies, phi), sides(copies, 2), { keepDims: true }))), u.shape);
}

/** Something that belongs to each point, for each of its tangent copies: [points, n, ...] → [points·copies·n, ...]. */
export function forCopies(perPoint: Tensor, copies: number): Tensor {
  const [points, n, ...rest] = perPoint.shape;
  const all = expand(reshape(perPoint, [points, 1, n, ...rest]), [points, copies, n, ...rest]);
  return reshape(all, [points * copies * n, ...rest]);
}
