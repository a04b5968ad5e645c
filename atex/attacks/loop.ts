/** The loop every attack runs: projected ascent inside a ball, every iterate judged, the best of each image kept. */
import {
  add,
  capture,
  greater,
  mul,
  random,
  reshape,
  scope,
  sum,
  type Tensor,
  tensor,
  valueAuxAndGrad,
  where,
} from "../../engine/index.js";
import { atOnce, type Piece } from "../../engine/turns.js";
import type { FeatureRange, Schedule } from "../../nn/index.js";
import type { Ball } from "../balls.js";
import { intoNeighbourhood } from "../subject.js";
import type { StepRule } from "./rules.js";

/** How an attack moves; the same for every attack. */
export interface Search {
  readonly ball: Ball;
  readonly rule: StepRule;
  /** Steps per start. */
  readonly steps: number;
  /** Random starts inside the ball besides the one at the image itself. They need a key. */
  readonly restarts?: number;
  /** Factor on the rule's steps, as a function of how many were taken from this start: `cosineDecay(1, steps)`. Default 1. */
  readonly schedule?: Schedule;
  /** Valid values of each feature, which no iterate leaves; default 0 to 1 for images [n,c,h,w], none otherwise. Where x itself
   *  is outside, the ball counts. */
  readonly range?: FeatureRange;
}

/** Which images may be returned, and the way back to them. */
export interface Constraint {
  /** 1 where an image is allowed, else 0. [n,...] → [n] */
  readonly feasible: (z: Tensor) => Tensor;
  /** The direction to step in while an image is not. [n,...] → [n,...] */
  readonly back: (z: Tensor) => Tensor;
}

export interface AscentOptions extends Search {
  /** What is made large. [n,...] → [n] */
  readonly objective: (z: Tensor) => Tensor;
  /** Climbed in place of the objective, which still decides what is best; for an objective whose gradient is zero or is not to
   *  be had. [n,...] → [n] */
  readonly guide?: (z: Tensor) => Tensor;
  readonly constraint?: Constraint;
  /** The objective has no gradient at the image itself, so that only random starts are of use. */
  readonly flatAtClean?: boolean;
  readonly key?: Tensor;
}

export interface Ascent {
  /** The best allowed image of each sample; the clean one where none was better. */
  readonly images: Tensor;
  /** Objective of the clean and of the returned images, [n] each. */
  readonly before: Tensor;
  readonly after: Tensor;
}

interface Best {
  images: Tensor;
  value: Tensor;
}

interface Carried extends Best {
  at: Tensor;
  memory: Tensor[];
  iteration: Tensor;
}

/** Maximises the objective over the part of the ball around x [n,...] that lies in the valid range and fulfils the constraint.
 *  A value of NaN is never the best. Each step is one replay of a captured plan, or part of the plan being captured. */
export function ascend(x: Tensor, options: AscentOptions): Ascent {
  return scope(() => atOnce(ascent(x, options)), "attack");
}

/** `ascend` step by step. */
export function* ascent(x: Tensor, options: AscentOptions): Generator<Piece, Ascent, void> {
  const { objective, guide, constraint, ball, rule, schedule, steps, restarts = 0, flatAtClean = false, key } = options;
  const inside = (z: Tensor): Tensor => intoNeighbourhood(options, z, x);
  const climb = valueAuxAndGrad((z: Tensor) => {
    const each = (guide ?? objective)(z);
    return [sum(each), each];
  });
  const better = (z: Tensor, value: Tensor, allowed: Tensor | undefined, best: Best): Best => {
    const larger = greater(value, best.value);
    const wins = allowed ? mul(allowed, larger) : larger;
    return { images: where(perImage(wins, z), z, best.images), value: where(wins, value, best.value) };
  };
  const step = capture(
    function attackStep(c: Carried): Carried {
      const [, climbed, up] = climb(c.at);
      const value = guide ? objective(c.at) : climbed;
      const allowed = constraint?.feasible(c.at);
      const way = constraint ? where(perImage(allowed!, c.at), up, constraint.back(c.at)) : up;
      const [whole, memory] = rule.step(way, c.memory, c.iteration);
      const change = schedule ? mul(whole, schedule(c.iteration)) : whole;
      const at = inside(add(c.at, change));
      return { at, memory, iteration: add(c.iteration, 1), ...better(c.at, value, allowed, c) };
    },
    { donate: [0] },
  );
  const first = flatAtClean ? 1 : 0;
  const total = steps * (restarts + 1 - first);
  let done = 0;
  try {
    const before = objective(x);
    let best: Best = { images: add(x, 0), value: add(before, 0) };
    for (let start = first; start <= restarts; start++) {
      const at = start === 0 ? add(x, 0) : inside(ball.sample(random.fold(key!, start), x));
      let c: Carried = { at, memory: rule.init(x), iteration: tensor(0), ...best };
      if (done === 0) yield { done, total, ahead: () => step.prepare(c) };
      for (let i = 0; i < steps; i++) {
        c = step(c);
        yield { done: ++done, total };
      }
      best = better(c.at, objective(c.at), constraint?.feasible(c.at), c);
    }
    return { images: best.images, before, after: best.value };
  } finally {
    step.dispose();
  }
}

/** @throws RangeError when there is nothing to do: fewer than one step, or no start at all. */
export function requireSearch(
  name: string,
  { steps, restarts = 0, flatAtClean = false }: Pick<AscentOptions, "steps" | "restarts" | "flatAtClean">,
): void {
  const least = flatAtClean ? 1 : 0;
  if (!Number.isInteger(steps) || steps < 1 || !Number.isInteger(restarts) || restarts < least)
    throw new RangeError(`${name}: steps ${steps}, restarts ${restarts} given; at least 1 and ${least} are needed`);
}

/** @throws TypeError when there are random starts and no key. */
export function requireKey(name: string, restarts: number, key: Tensor | undefined): void {
  if (restarts > 0 && !key) throw new TypeError(`${name}: ${restarts} random starts need a key`);
}

/** [n] → [n,1,...] of x's rank. */
function perImage(v: Tensor, x: Tensor): Tensor {
  return reshape(v, [v.shape[0], ...x.shape.slice(1).map(() => 1)]);
}
