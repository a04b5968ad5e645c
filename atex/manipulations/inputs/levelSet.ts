/** The geometry behind manipulated gradients: on a level set of the score, the gradient turns as fast as the level set is curved. Source:
 *  Dombrowski et al. 2019, sec. 3.1 and theorem 1. */

import {
  add,
  concat,
  div,
  grad,
  max,
  maximum,
  mul,
  random,
  reshape,
  scope,
  slice,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
} from "../../../engine/index.js";
import { aKey, aNumber, aTensor, required } from "../../../engine/kinds.js";
import { checkedOptions, type KindsOf } from "../../../engine/options.js";
import { repeated } from "../../copies.js";
import { gradient } from "../../explainers/gradient.js";
import { aScore } from "../../kinds.js";
import { rows } from "../../metrics/metric.js";
import type { Score } from "../../score.js";

/** The two ends of a way on a level set of a score, and how finely it is followed. */
export interface LevelSetOptions {
  /** Of a smooth network: relu has no curvature but in its kinks. Takes copies of the batch, as `classScore` does. */
  readonly score: Score;
  /** Samples [n, ...] each; the way begins at `from`, whose level it keeps. */
  readonly from: Tensor;
  readonly to: Tensor;
  /** Pieces of the way, at whose ends curvature is measured, at least 1; default 5. */
  readonly points?: number;
  /** Rounds of power iteration, at least 1; default 12. */
  readonly rounds?: number;
  /** Newton steps that bring the points on the way back to the level of `from`, at least 0; default 4. */
  readonly newton?: number;
  /** Key of the vectors that power iteration begins with, u32[2]. */
  readonly key: Tensor;
}

const LEVEL_SET_OPTIONS: KindsOf<LevelSetOptions> = {
  score: required(aScore),
  from: required(aTensor),
  to: required(aTensor),
  points: aNumber,
  rounds: aNumber,
  newton: aNumber,
  key: required(aKey),
};

/** All [n]. */
export interface LevelSetWay {
  /** How far the gradient of length 1 turned: ‖h(p₀) − h(p)‖, 0 to 2. */
  readonly turn: Tensor;
  /** Length of the way along the level set, by chords. */
  readonly length: Tensor;
  /** Largest absolute principal curvature found at the points of the way, a lower estimate: power iteration nears it from below, and
   *  between the points it may be larger. */
  readonly curvature: Tensor;
  /** How far the end lies from `to`, which need not be on the level set. */
  readonly off: Tensor;
}

/** From one input to another on the level set {f = f(from)}: what the gradient did there, and the bound that the curvature sets,
 *  turn ≤ curvature · length. Principal curvatures are the eigenvalues of P H P / ‖∇f‖ with P = 1 − n nᵀ, n = ∇f / ‖∇f‖. */
export function levelSetWay(options: LevelSetOptions): LevelSetWay {
  checkedOptions("levelSetWay", options, LEVEL_SET_OPTIONS);
  const { score, from, to, points = 5, rounds = 12, newton = 4, key } = options;
  if (![points, rounds].every((v) => Number.isInteger(v) && v >= 1) || !Number.isInteger(newton) || newton < 0)
    throw new RangeError(
      `levelSetWay: ${points} points, ${rounds} rounds, ${newton} Newton steps given; integers of at least 1, 1 and 0 are needed`,
    );
  return scope(() => {
    const n = from.shape[0];
    const copies = points + 1;
    const level = repeated(column(score(from), from), copies);
    const straight = concat(Array.from({ length: copies }, (_, i) => add(from, mul(sub(to, from), i / points))));
    let at = straight;
    for (let i = 0; i < newton; i++) {
      const g = gradient(score, at);
      const excess = sub(column(score(at), at), level);
      at = sub(at, mul(g, div(excess, maximum(square(lengths(g)), 1e-20))));
    }
    const g = gradient(score, at);
    const normal = div(g, maximum(lengths(g), 1e-20));
    const tangent = (v: Tensor): Tensor => sub(v, mul(normal, inner(normal, v)));
    const unit = (v: Tensor): Tensor => div(v, maximum(lengths(v), 1e-20));
    let v = unit(tangent(random.normal(key, at.shape)));
    let curvature = column(mul(score(from), 0), from);
    curvature = repeated(curvature, copies);
    for (let i = 0; i < rounds; i++) {
      const direction = v;
      const hv = grad((z: Tensor) => sum(mul(gradient(score, z), direction)))(at);
      const shaped = div(tangent(hv), maximum(lengths(g), 1e-20));
      curvature = maximum(curvature, lengths(shaped));
      v = unit(shaped);
    }
    const part = (all: Tensor, i: number): Tensor =>
      slice(all, [i * n, ...all.shape.slice(1).map(() => 0)], [n, ...all.shape.slice(1)]);
    const chord = (a: Tensor, b: Tensor): Tensor => reshape(lengths(sub(a, b)), [n]);
    const chords = Array.from({ length: points }, (_, i) => chord(part(at, i + 1), part(at, i)));
    return {
      turn: chord(part(normal, points), part(normal, 0)),
      length: chords.reduce(add),
      curvature: max(reshape(curvature, [copies, n]), 0),
      off: chord(part(at, points), to),
    };
  }, "level set");
}

/** [n] → [n,1,...] of x's rank. */
const column = (v: Tensor, x: Tensor): Tensor => reshape(v, [v.shape[0], ...x.shape.slice(1).map(() => 1)]);

/** Inner products of samples, [n,1,...]. */
const inner = (a: Tensor, b: Tensor): Tensor => column(sum(mul(rows(a), rows(b)), 1), a);
const lengths = (v: Tensor): Tensor => sqrt(inner(v, v));
