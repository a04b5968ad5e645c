/** Attacks on the maps of one network at several budgets at once, and what they did. */
import {
  abs,
  argmax,
  callerScope,
  concat,
  equal,
  lessEqual,
  max,
  mul,
  openScope,
  random,
  reshape,
  sub,
  type Tensor,
  tensor,
  where,
} from "../../engine/index.js";
import { cosineDecay, type FeatureRange } from "../../nn/index.js";
import { randomBlocks } from "../attacks/blocks.js";
import { attackExplanation } from "../attacks/explanation.js";
import { rankSuppression, targetRegion, topKSuppression } from "../attacks/objectives.js";
import { adamStep, maxAbsStep, type StepRule, signStep } from "../attacks/rules.js";
import { l2, linf } from "../balls.js";
import { explainerByName } from "../explainers/byName.js";
import { judgeOf } from "../judge.js";
import type { Classifier } from "../score.js";
import { intoNeighbourhood } from "../subject.js";
import type { AttackConfig, RuleName } from "./config.js";

export interface ManipulationOptions {
  readonly classifier: Classifier;
  /** Differentiated by the attack in place of the classifier. */
  readonly surrogate?: Classifier;
  /** [n,c,h,w] */
  readonly x: Tensor;
  readonly attack: Pick<
    AttackConfig,
    "explainer" | "samples" | "sigma" | "objective" | "steps" | "restarts" | "rule" | "stepSize" | "schedule"
  >;
  /** Radii of the balls. */
  readonly eps: readonly number[];
  /** Default L-inf. */
  readonly norm?: BallNorm;
  /** Largest change of any logit; default none. */
  readonly outputBound?: number;
  readonly k: number;
  /** Valid values; default 0 to 1 for images [n,c,h,w], none otherwise. */
  readonly range?: FeatureRange;
  readonly key: Tensor;
}

export type BallNorm = "linf" | "l2";
const BALLS = { linf, l2 } as const;

/** Agreement of maps with those of the clean images, one number per image. */
export type Agreement = Readonly<Record<string, readonly number[]>>;

/** What came of one budget. */
export interface Manipulated {
  readonly eps: number;
  readonly attacked: Agreement;
  /** A random point of the same ball: as much change, without an aim. */
  readonly control: Agreement;
  /** [n·size of a sample] */
  readonly images: Float32Array;
  /** Relative importance, [n·size of a map]. */
  readonly maps: Float32Array;
}

/** Attacks all images at all budgets in one batch, checks that every budget is honoured, and measures. Every image keeps its
 *  prediction. @throws Error when an attack broke its budget. */
export async function manipulate(options: ManipulationOptions): Promise<{ clean: Float32Array; under: Manipulated[] }> {
  using here = openScope("manipulate");
  const { classifier, surrogate, attack, eps, norm = "linf", outputBound, k } = options;
  const [attackKey, blockKey, noiseKey, controlKey] = random.split(options.key, 4);
  const n = options.x.shape[0];
  const x = concat(eps.map(() => options.x));
  const radii = eps.flatMap((e) => Array<number>(n).fill(e));
  const explainer = explainerByName(attack.explainer, {
    ...{ samples: attack.samples, sigma: attack.sigma },
    ...{ steps: attack.samples, key: noiseKey },
  });
  const ball = BALLS[norm](radii);
  const objectives = {
    untargeted: () => topKSuppression(k),
    targeted: async () => {
      const here = callerScope();
      const once = await here.wait(randomBlocks(options.x.shape, blockKey));
      return targetRegion(concat(eps.map(() => once)));
    },
    rank: rankSuppression,
  };
  const search = {
    range: options.range,
    ...{ explainer, ball, outputBound, steps: attack.steps, restarts: attack.restarts },
    rule: scaledRule(
      attack.rule,
      radii.map((r) => r * attack.stepSize),
    ),
    schedule: attack.schedule === "cosine" ? cosineDecay(1, attack.steps) : undefined,
    objective: await here.wait(objectives[attack.objective]()),
  };
  const { images: found, classes } = attackExplanation(search)({ classifier, surrogate, x, key: attackKey });
  // The attack judged predictions inside a fused step, whose rounding differs: on a boundary the clean image stands in.
  const logits = classifier(found);
  const same = equal(argmax(logits, 1), classes);
  const near = outputBound === undefined ? same : lessEqual(max(abs(sub(logits, classifier(x))), 1), outputBound);
  const images = where(reshape(mul(same, near), [same.size, ...x.shape.slice(1).map(() => 1)]), found, x);
  const pixels = await here.wait(floats(images));
  requireBudget(norm, pixels, await here.wait(floats(x)), radii);
  const judge = judgeOf({ classifier, explainer, classes, x, k });
  const [attacked, control] = [
    judge(images),
    judge(intoNeighbourhood({ ball, range: options.range }, ball.sample(controlKey, x), x)),
  ];
  const [a, c] = [await here.wait(readAll(attacked.agreement)), await here.wait(readAll(control.agreement))];
  const [maps, clean] = [await here.wait(floats(attacked.map)), await here.wait(floats(judge.clean))];
  const each = (all: Agreement, i: number): Agreement =>
    Object.fromEntries(Object.entries(all).map(([name, v]) => [name, v.slice(i * n, (i + 1) * n)]));
  const of = (all: Float32Array, i: number): Float32Array =>
    all.slice((i * all.length) / eps.length, ((i + 1) * all.length) / eps.length);
  return {
    clean: of(clean, 0),
    under: eps.map((e, i) => ({
      eps: e,
      attacked: each(a, i),
      control: each(c, i),
      images: of(pixels, i),
      maps: of(maps, i),
    })),
  };
}

/** On the host in float64, where no rounding hides an excess. */
function requireBudget(norm: BallNorm, images: Float32Array, x: Float32Array, radii: readonly number[]): void {
  const size = x.length / radii.length;
  for (const [i, radius] of radii.entries()) {
    const sizes = Array.from({ length: size }, (_, p) => Math.abs(images[size * i + p] - x[size * i + p]));
    const change = norm === "l2" ? Math.hypot(...sizes) : sizes.reduce((most, v) => Math.max(most, v), 0);
    if (!(change <= radius))
      throw new Error(`internal: attacked image ${i} changed by ${change}; at most ${radius} is allowed`);
  }
}

/** A step rule with a length for each image. */
function scaledRule(name: RuleName, sizes: readonly number[]): StepRule {
  const rule = { "max-abs": maxAbsStep, sign: signStep, adam: adamStep }[name](1);
  const lengths = Float32Array.from(sizes);
  return {
    ...rule,
    step(gradient, memory, iteration) {
      const [change, next] = rule.step(gradient, memory, iteration);
      return [mul(change, tensor(lengths, [sizes.length, ...change.shape.slice(1).map(() => 1)])), next];
    },
  };
}

export async function readAll(tensors: Readonly<Record<string, Tensor>>): Promise<Agreement> {
  const here = callerScope();
  const read = Object.entries(tensors).map(async ([name, t]) => [name, Array.from(await t.read())] as const);
  return Object.fromEntries(await here.wait(Promise.all(read)));
}

async function floats(t: Tensor): Promise<Float32Array> {
  return Float32Array.from(await t.read());
}
