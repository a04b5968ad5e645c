/** The loop every attack runs: projected ascent inside a ball, every iterate judged, the best of each image kept. */

import {
  add,
  capture,
  greater,
  mapTree,
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
import { aFlag, aFunction, aKey, aNumber, aTensor, required } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../engine/options.js";
import { atOnce, type Piece } from "../../engine/turns.js";
import type { FeatureRange, Schedule } from "../../nn/index.js";
import { anyObject, aRange } from "../../nn/kinds.js";
import type { Ball } from "../balls.js";
import { aBall, aStepRule } from "../kinds.js";
import { intoNeighbourhood } from "../subject.js";
import { aConstraint } from "./kinds.js";
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

export const SEARCH_OPTIONS: KindsOf<Search> = {
  ball: required(aBall),
  rule: required(aStepRule),
  steps: required(aNumber),
  restarts: aNumber,
  schedule: aFunction,
  range: aRange,
};

/** Which images may be returned, and the way back to them. */
export interface Constraint {
  /** 1 where an image is allowed, else 0. [n,...] → [n] */
  readonly feasible: (z: Tensor) => Tensor;
  /** The direction to step in while an image is not. [n,...] → [n,...] */
  readonly back: (z: Tensor) => Tensor;
}

/** What a search makes large, and what it may return; where it may go, and how, is that of `Search`. */
export interface AscentOptions extends Search {
  /** What is made large. [n,...] → [n] */
  readonly objective: (z: Tensor) => Tensor;
  /** Climbed in place of the objective, which still decides what is best; for an objective whose gradient is zero or is not to
   *  be had. [n,...] → [n] */
  readonly guide?: (z: Tensor) => Tensor;
  /** Which iterates may be returned; default all. The clean sample always may. */
  readonly constraint?: Constraint;
  /** Further numbers by which every iterate is judged: of each, the allowed one where it is largest is kept as well.
   *  [n,...] → [n] each */
  readonly judges?: (z: Tensor) => Readonly<Record<string, Tensor>>;
  /** What they are to be better than, for searches that follow each other; default the samples themselves. */
  readonly judged?: Readonly<Record<string, Best>>;
  /** The objective has no gradient at the image itself, so that only random starts are of use. */
  readonly flatAtClean?: boolean;
  /** Key of the random starts, u32[2]; needed where there are any. */
  readonly key?: Tensor;
}

const ASCENT_OPTIONS: KindsOf<AscentOptions> = {
  ...SEARCH_OPTIONS,
  objective: required(aFunction),
  guide: aFunction,
  constraint: aConstraint,
  judges: aFunction,
  judged: anyObject,
  flatAtClean: aFlag,
  key: aKey,
};

/** What a search found, sample by sample. */
export interface Ascent {
  /** The best allowed image of each sample; the clean one where none was better. */
  readonly images: Tensor;
  /** Objective of the clean and of the returned images, [n] each. */
  readonly before: Tensor;
  readonly after: Tensor;
  /** By the names of the judges; the clean image where none was better. */
  readonly judged: Readonly<Record<string, Best>>;
}

/** The best samples found, and what they come to: [n,...] and [n]. */
export interface Best {
  readonly images: Tensor;
  readonly value: Tensor;
}

interface Carried {
  at: Tensor;
  memory: Tensor[];
  iteration: Tensor;
  best: Best;
  judged: Readonly<Record<string, Best>>;
}

/** Maximises the objective over the part of the ball around x [n,...] that lies in the valid range and fulfils the constraint.
 *  A value of NaN is never the best. Each step is one replay of a captured plan, or part of the plan being captured.
 *  @throws RangeError for no steps or no start, TypeError for random starts without a key. */
export function ascend(x: Tensor, options: AscentOptions): Ascent {
  requireArguments("ascend", { x: [x, aTensor] });
  checkedOptions("ascend", options, ASCENT_OPTIONS);
  requireSearch("ascend", options);
  requireKey("ascend", options.restarts ?? 0, options.key);
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
  const { judges = none } = options;
  const eachBetter = (z: Tensor, allowed: Tensor | undefined, judged: Carried["judged"]): Carried["judged"] => {
    const values = judges(z);
    return Object.fromEntries(
      Object.entries(judged).map(([name, best]) => [name, better(best, { images: z, value: values[name] }, allowed)]),
    );
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
      return {
        ...{ at, memory, iteration: add(c.iteration, 1) },
        best: better(c.best, { images: c.at, value }, allowed),
        judged: eachBetter(c.at, allowed, c.judged),
      };
    },
    { donate: [0] },
  );
  const first = flatAtClean ? 1 : 0;
  const total = steps * (restarts + 1 - first);
  let done = 0;
  try {
    const before = objective(x);
    // The step is given what it is called with, so that each of these is a tensor of its own.
    const cleanly = (value: Tensor): Best => ({ images: add(x, 0), value: add(value, 0) });
    let best = cleanly(before);
    let judged = options.judged
      ? mapTree(options.judged, (t: Tensor) => add(t, 0))
      : scope(() => Object.fromEntries(Object.entries(judges(x)).map(([name, value]) => [name, cleanly(value)])));
    for (let start = first; start <= restarts; start++) {
      const at = start === 0 ? add(x, 0) : inside(ball.sample(random.fold(key!, start), x));
      let c: Carried = { at, memory: rule.init(x), iteration: tensor(0), best, judged };
      if (done === 0) yield { done, total, ahead: () => step.prepare(c) };
      for (let i = 0; i < steps; i++) {
        c = step(c);
        yield { done: ++done, total };
      }
      ({ best, judged } = scope(() => {
        const allowed = constraint?.feasible(c.at);
        return {
          best: better(c.best, { images: c.at, value: objective(c.at) }, allowed),
          judged: eachBetter(c.at, allowed, c.judged),
        };
      }));
    }
    return { images: best.images, before, after: best.value, judged };
  } finally {
    step.dispose();
  }
}

/** A search that is one of several: its pieces are counted on from `before`, of `total` steps. */
export function* partOf<T>(
  search: Generator<Piece, T, void>,
  before: number,
  total: number,
): Generator<Piece, T, void> {
  try {
    for (;;) {
      const piece = search.next();
      if (piece.done) return piece.value;
      yield { ...piece.value, done: before + piece.value.done, total };
    }
  } finally {
    search.return(undefined as T);
  }
}

const none: NonNullable<AscentOptions["judges"]> = () => ({});

/** Sample by sample the second where it is larger, and allowed if that is a question (zeros and ones [n]). NaN is never larger. */
export function better(best: Best, other: Best, allowed?: Tensor): Best {
  const larger = greater(other.value, best.value);
  const wins = allowed ? mul(allowed, larger) : larger;
  return {
    images: where(perImage(wins, other.images), other.images, best.images),
    value: where(wins, other.value, best.value),
  };
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
export function perImage(v: Tensor, x: Tensor): Tensor {
  return reshape(v, [v.shape[0], ...x.shape.slice(1).map(() => 1)]);
}
