/**
 * Attacks on explanations: change an image a little so that its map says something else and its prediction stays. The loop is
 * assembled from an objective, a ball, a step rule and an explainer; configuration first, data after.
 */
import {
  abs,
  add,
  argmax,
  capture,
  equal,
  grad,
  greater,
  lessEqual,
  logSoftmax,
  max,
  mul,
  oneHot,
  random,
  reshape,
  ShapeError,
  scope,
  sub,
  sum,
  type Tensor,
  tensor,
  valueAuxAndGrad,
  where,
} from "../../engine/index.js";
import { type Ball, clipPixels } from "../balls.js";
import type { Explainer } from "../explainers/explainer.js";
import { type Classifier, classScore, type ScoreOptions } from "../score.js";
import type { Objective } from "./objectives.js";
import type { StepRule } from "./rules.js";

export interface ExplanationAttackOptions extends ScoreOptions {
  readonly explainer: Explainer;
  readonly objective: Objective;
  readonly ball: Ball;
  readonly rule: StepRule;
  /** Steps per start. */
  readonly steps: number;
  /** Random starts inside the ball besides the one at the image itself; default 0, or 1 for an objective that is flat there.
   *  Needs a key. */
  readonly restarts?: number;
  /** Largest change of any logit, eq. 1's bound on the output; default none. */
  readonly outputBound?: number;
}

export interface AttackTarget {
  /** The network that is differentiated: a softplus twin where the real one has relus. */
  readonly classifier: Classifier;
  /** The network that judges predictions; default the same. */
  readonly judge?: Classifier;
  /** Images [n,c,h,w] in [0,1]. */
  readonly x: Tensor;
  /** Key of the random starts. */
  readonly key?: Tensor;
}

export interface AttackResult {
  /** The best feasible image of each sample; the clean image where none was better. [n,c,h,w] */
  readonly images: Tensor;
  /** Predicted classes of the clean images, which every returned image keeps. i32 [n] */
  readonly classes: Tensor;
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

/**
 * Maximises the objective over x' in the ball, inside the pixel range and with the judge's prediction unchanged
 * (Tang et al. 2022, eq. 1): every iterate is judged, the best feasible one of each image is kept. While an image's prediction
 * is lost it steps back up the log-probability of its class. Second order through the network; each step is one replay.
 */
export function attackExplanation(options: ExplanationAttackOptions): (target: AttackTarget) => AttackResult {
  const { steps, restarts = options.objective.flatAtClean ? 1 : 0 } = options;
  if (!Number.isInteger(steps) || steps < 1 || !Number.isInteger(restarts) || restarts < 0)
    throw new RangeError(`attackExplanation: steps ${steps}, restarts ${restarts} given; at least 1 and 0 are needed`);
  return (target) => {
    const { x, key } = target;
    if (x.rank !== 4) throw new ShapeError(`attackExplanation: images are of rank ${x.rank}; [n,c,h,w] is needed`);
    if (restarts > 0 && !key)
      throw new TypeError(`attackExplanation: ${restarts} random starts (${options.objective.name}) need a key`);
    return scope(() => run({ ...options, restarts }, target), "attack");
  };
}

function run(
  options: ExplanationAttackOptions & { readonly restarts: number },
  { classifier, judge = classifier, x, key }: AttackTarget,
): AttackResult {
  const { explainer, objective, ball, rule, steps, restarts, outputBound } = options;
  const logits = judge(x);
  const classes = argmax(logits, 1);
  const chosen = oneHot(classes, logits.shape[1]);
  const score = classScore(classifier, classes, options);
  const value = objective.against(explainer(score, x));
  const objectiveAt = (z: Tensor): Tensor => value(explainer(score, z));
  const feasible = (z: Tensor): Tensor => {
    const now = judge(z);
    const same = equal(argmax(now, 1), classes);
    return outputBound === undefined ? same : mul(same, lessEqual(max(abs(sub(now, logits)), 1), outputBound));
  };
  const better = (z: Tensor, zValue: Tensor, ok: Tensor, c: Best): Best => {
    const wins = mul(ok, greater(zValue, c.value));
    return { images: where(perImage(wins), z, c.images), value: where(wins, zValue, c.value) };
  };
  const step = capture(
    (c: Carried): Carried => {
      const [, zValue, up] = valueAuxAndGrad((z: Tensor) => {
        const each = objectiveAt(z);
        return [sum(each), each];
      })(c.at);
      const ok = feasible(c.at);
      const back = grad((z: Tensor) => sum(mul(logSoftmax(judge(z)), chosen)))(c.at);
      const [change, memory] = rule.step(where(perImage(ok), up, back), c.memory, c.iteration);
      const at = clipPixels(ball.project(add(c.at, change), x));
      return { at, memory, iteration: add(c.iteration, 1), ...better(c.at, zValue, ok, c) };
    },
    { donate: [0] },
  );
  const before = objectiveAt(x);
  let best: Best = { images: add(x, 0), value: add(before, 0) };
  for (let start = objective.flatAtClean ? 1 : 0; start <= restarts; start++) {
    const at = start === 0 ? add(x, 0) : clipPixels(ball.sample(random.fold(key!, start), x));
    let c: Carried = { at, memory: rule.init(x), iteration: tensor(0), ...best };
    for (let i = 0; i < steps; i++) c = step(c);
    best = better(c.at, objectiveAt(c.at), feasible(c.at), c);
  }
  step.dispose();
  return { images: best.images, classes, before, after: best.value };
}

/** [n] → [n,1,1,1] */
function perImage(v: Tensor): Tensor {
  return reshape(v, [v.shape[0], 1, 1, 1]);
}
