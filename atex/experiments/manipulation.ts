/** Attacks on the maps of one network at several budgets at once, and what they did. */
import {
  abs,
  argmax,
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
import { cosineDecay } from "../../nn/index.js";
import { attackExplanation } from "../attacks/explanation.js";
import { type Objective, rankSuppression, targetRegion, topKSuppression } from "../attacks/objectives.js";
import { adamStep, maxAbsStep, type StepRule, signStep } from "../attacks/rules.js";
import { clipPixels, l2, linf } from "../balls.js";
import { explainerByName } from "../explainers/byName.js";
import { type Explainer, saliencyMap } from "../explainers/explainer.js";
import { relativeImportance } from "../metrics/importance.js";
import { similaritiesOf } from "../metrics/table.js";
import { type Classifier, classScore } from "../score.js";
import type { AttackConfig, RuleName } from "./config.js";

export interface ManipulationOptions {
  readonly classifier: Classifier;
  /** Differentiated by the attack in place of the classifier. */
  readonly surrogate?: Classifier;
  /** [n,1,28,28] */
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
  /** [n·28²] */
  readonly images: Float32Array;
  /** Relative importance, [n·28²]. */
  readonly maps: Float32Array;
}

/** Attacks all images at all budgets in one batch, checks that every budget is honoured, and measures. Every image keeps its
 *  prediction. @throws Error when an attack broke its budget. */
export async function manipulate(options: ManipulationOptions): Promise<{ clean: Float32Array; under: Manipulated[] }> {
  using _ = openScope("manipulate");
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
    targeted: () => randomBlocks(n, eps.length, blockKey),
    rank: rankSuppression,
  };
  const search = {
    ...{ explainer, ball, outputBound, steps: attack.steps, restarts: attack.restarts },
    rule: scaledRule(
      attack.rule,
      radii.map((r) => r * attack.stepSize),
    ),
    schedule: attack.schedule === "cosine" ? cosineDecay(1, attack.steps) : undefined,
    objective: await objectives[attack.objective](),
  };
  const { images: found, classes } = attackExplanation(search)({ classifier, surrogate, x, key: attackKey });
  // The attack judged predictions inside a fused step, whose rounding differs: on a boundary the clean image stands in.
  const logits = classifier(found);
  const same = equal(argmax(logits, 1), classes);
  const near = outputBound === undefined ? same : lessEqual(max(abs(sub(logits, classifier(x))), 1), outputBound);
  const images = where(reshape(mul(same, near), [same.size, 1, 1, 1]), found, x);
  const pixels = await floats(images);
  requireBudget(norm, pixels, await floats(x), radii);
  const judge = judgeOf(classifier, explainer, classes, x, k);
  const [attacked, control] = [judge(images), judge(clipPixels(ball.sample(controlKey, x)))];
  const [a, c] = [await readAll(attacked.agreement), await readAll(control.agreement)];
  const [maps, clean] = [await floats(attacked.map), await floats(judge.clean)];
  const each = (all: Agreement, i: number): Agreement =>
    Object.fromEntries(Object.entries(all).map(([name, v]) => [name, v.slice(i * n, (i + 1) * n)]));
  return {
    clean: clean.slice(0, n * 784),
    under: eps.map((e, i) => ({
      eps: e,
      attacked: each(a, i),
      control: each(c, i),
      images: pixels.slice(i * n * 784, (i + 1) * n * 784),
      maps: maps.slice(i * n * 784, (i + 1) * n * 784),
    })),
  };
}

/** Compares maps with the clean ones. */
function judgeOf(classifier: Classifier, explainer: Explainer, classes: Tensor, x: Tensor, k: number) {
  const score = classScore(classifier, classes);
  const mapOf = (images: Tensor): Tensor => shares(saliencyMap(explainer(score, images)));
  const clean = mapOf(x);
  const judge = (images: Tensor): { map: Tensor; agreement: Record<string, Tensor> } => {
    const map = mapOf(images);
    return { map, agreement: agreementOf(clean, map, k) };
  };
  return Object.assign(judge, { clean });
}

export type AgreementName = "spearman" | "topK" | "cosine" | "ssim";

/** How much maps [n,h,w] agree: SSIM as of maps scaled to maximum 1. */
export function agreementOf(a: Tensor, b: Tensor, k: number): Record<AgreementName, Tensor> {
  const found = similaritiesOf(a, b, ["spearman", "top-k", "cosine", "ssim"], { "top-k": { k } });
  // The names that stored cells and reports give them.
  return { spearman: found.spearman, topK: found["top-k"], cosine: found.cosine, ssim: found.ssim };
}

/** Relative importance of the maps [n,h,w], in their shape. */
export function shares(map: Tensor): Tensor {
  return reshape(relativeImportance(map), map.shape);
}

/** On the host in float64, where no rounding hides an excess. */
function requireBudget(norm: BallNorm, images: Float32Array, x: Float32Array, radii: readonly number[]): void {
  for (const [i, radius] of radii.entries()) {
    const sizes = Array.from({ length: 784 }, (_, p) => Math.abs(images[784 * i + p] - x[784 * i + p]));
    const size = norm === "l2" ? Math.hypot(...sizes) : Math.max(...sizes);
    if (!(size <= radius))
      throw new Error(`internal: attacked image ${i} changed by ${size}; at most ${radius} is allowed`);
  }
}

/** A step rule with a length for each image. */
function scaledRule(name: RuleName, sizes: readonly number[]): StepRule {
  const rule = { "max-abs": maxAbsStep, sign: signStep, adam: adamStep }[name](1);
  const lengths = tensor(Float32Array.from(sizes), [sizes.length, 1, 1, 1]);
  return {
    ...rule,
    step(gradient, memory, iteration) {
      const [change, next] = rule.step(gradient, memory, iteration);
      return [mul(change, lengths), next];
    },
  };
}

/** A 5×5 block at a random place for each image, the same for every budget. Source: Tang et al. 2022, sec. 5.2. */
async function randomBlocks(n: number, copies: number, key: Tensor): Promise<Objective> {
  const corners = await random.randint(key, [n, 2], 0, 28 - 5 + 1).read();
  const masks = new Float32Array(n * 784);
  for (let i = 0; i < n; i++)
    for (let p = 0; p < 25; p++)
      masks[i * 784 + 28 * (corners[2 * i] + Math.floor(p / 5)) + corners[2 * i + 1] + (p % 5)] = 1;
  const once = tensor(masks, [n, 28, 28]);
  return targetRegion(concat(Array.from({ length: copies }, () => once)));
}

export async function readAll(tensors: Readonly<Record<string, Tensor>>): Promise<Agreement> {
  const read = Object.entries(tensors).map(async ([name, t]) => [name, Array.from(await t.read())] as const);
  return Object.fromEntries(await Promise.all(read));
}

async function floats(t: Tensor): Promise<Float32Array> {
  return Float32Array.from(await t.read());
}
