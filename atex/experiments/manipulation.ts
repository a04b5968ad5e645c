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
import { attackEnsemble, type EnsembleResult } from "../attacks/ensemble.js";
import { attackExplanation, type ExplanationAttackOptions } from "../attacks/explanation.js";
import { type Member, targetRegion } from "../attacks/objectives.js";
import { adamStep, maxAbsStep, type StepRule, signStep } from "../attacks/rules.js";
import { ensembleMembers } from "../attacks/table.js";
import { l2, linf } from "../balls.js";
import { explainerByName } from "../explainers/byName.js";
import { type AgreementName, growsApart, type Judge, judgeOf } from "../judge.js";
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
  /** Of an ensemble: of each measure, image by image, the worst of all its attacks, those at smaller budgets among them. */
  readonly attacked: Agreement;
  /** Of an ensemble: of each measure what the attack leaves that aims at it. */
  readonly aimed?: Agreement;
  /** Of an ensemble: what each attack alone leaves, by the names of configurations. */
  readonly alone?: Readonly<Record<string, Agreement>>;
  /** A random point of the same ball: as much change, without an aim. */
  readonly control: Agreement;
  /** Of an ensemble those with the least of the top. [n·size of a sample] */
  readonly images: Float32Array;
  /** Relative importance, [n·size of a map]. */
  readonly maps: Float32Array;
  /** Maps that were differentiated for each image. */
  readonly passes: number;
}

/** What is compared. */
const MEASURES: readonly AgreementName[] = ["spearman", "topK", "cosine", "ssim", "centre"];

/** What configurations call the objectives of the table, where the ATEX paper has other words. */
const PAPER: Readonly<Record<string, string>> = { "top-k": "untargeted", target: "targeted" };
const asConfigured = (name: string): string => PAPER[name] ?? name;

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
  const search = {
    range: options.range,
    ...{ explainer, ball, outputBound, steps: attack.steps },
    rule: scaledRule(
      attack.rule,
      radii.map((r) => r * attack.stepSize),
    ),
    schedule: attack.schedule === "cosine" ? cosineDecay(1, attack.steps) : undefined,
  };
  // The block of an image is the same at all budgets.
  const members = (await here.wait(ensembleMembers({ shape: options.x.shape, key: blockKey, k }))).map(
    (member): Member => {
      const { region } = member.objective;
      return region ? { ...member, objective: targetRegion(concat(eps.map(() => region))) } : member;
    },
  );
  const judge = judgeOf({ classifier, explainer, classes: argmax(classifier(x), 1), x, k, measures: MEASURES });
  const clean = await here.wait(floats(judge.clean));
  const drawn = judge(intoNeighbourhood({ ball, range: options.range }, ball.sample(controlKey, x), x));
  const control = await here.wait(readAll(drawn.agreement));
  const check = async (images: Tensor): Promise<Float32Array> => {
    const pixels = await floats(images);
    requireBudget(norm, pixels, await floats(x), radii);
    return pixels;
  };
  const target = { classifier, surrogate, x, key: attackKey };
  const restarts = attack.restarts;
  const found = await here.wait(
    attack.objective === "ensemble"
      ? ofEnsemble(attackEnsemble({ ...search, members, k, restarts })(target), { members, eps, check, judge })
      : ofOne(
          { ...search, restarts, objective: objectiveOf(members, attack.objective) },
          { ...target, outputBound, check, judge },
        ),
  );
  const at = cutter(eps.length);
  return {
    clean: at.numbers(clean, 0),
    under: eps.map((e, i) => ({
      eps: e,
      attacked: at.lists(found.attacked, i),
      aimed: found.aimed && at.lists(found.aimed, i),
      alone:
        found.alone &&
        Object.fromEntries(Object.entries(found.alone).map(([name, agreement]) => [name, at.lists(agreement, i)])),
      control: at.lists(control, i),
      images: at.numbers(found.images, i),
      maps: at.numbers(found.maps, i),
      passes: found.passes,
    })),
  };
}

/** The parts that belong to one of several budgets, which lie one after another. */
function cutter(count: number) {
  const part = (length: number, i: number): [number, number] => [(i * length) / count, ((i + 1) * length) / count];
  return {
    lists: (all: Agreement, i: number): Agreement =>
      Object.fromEntries(Object.entries(all).map(([name, v]) => [name, v.slice(...part(v.length, i))])),
    numbers: (all: Float32Array, i: number): Float32Array => all.slice(...part(all.length, i)),
  };
}

/** What was found for all budgets, one after another. */
type Found = Omit<Manipulated, "eps" | "control">;

function objectiveOf(members: readonly Member[], wanted: string): Member["objective"] {
  const found = members.find(({ name }) => asConfigured(name) === wanted);
  if (!found)
    throw new RangeError(
      `attack: the objective ${wanted} is not for these samples; there is ${members.map(({ name }) => asConfigured(name)).join(", ")}`,
    );
  return found.objective;
}

interface Checking {
  /** Reads images. @throws Error for one that broke its budget. */
  readonly check: (images: Tensor) => Promise<Float32Array>;
  readonly judge: Judge;
}

async function ofOne(
  options: ExplanationAttackOptions & { readonly restarts: number },
  on: Checking & Pick<ManipulationOptions, "classifier" | "surrogate" | "x" | "key" | "outputBound">,
): Promise<Found> {
  const here = callerScope();
  const { classifier, x, outputBound, check, judge } = on;
  const restarts = Math.max(options.restarts, Number(options.objective.flatAtClean ?? false));
  const { images: best, classes, passes } = attackExplanation({ ...options, restarts })(on);
  // The attack judged predictions inside a fused step, whose rounding differs: on a boundary the clean image stands in.
  const logits = classifier(best);
  const same = equal(argmax(logits, 1), classes);
  const near = outputBound === undefined ? same : lessEqual(max(abs(sub(logits, classifier(x))), 1), outputBound);
  const images = where(reshape(mul(same, near), [same.size, ...x.shape.slice(1).map(() => 1)]), best, x);
  const { map, agreement } = judge(images);
  return {
    attacked: await here.wait(readAll(agreement)),
    images: await here.wait(check(images)),
    maps: await here.wait(floats(map)),
    passes,
  };
}

async function ofEnsemble(
  { alone, worst, passes }: EnsembleResult,
  { members, eps, check, judge }: Checking & { readonly members: readonly Member[]; readonly eps: readonly number[] },
): Promise<Found> {
  const here = callerScope();
  const each: Record<string, Agreement> = {};
  for (const { name } of members) {
    await here.wait(check(alone[name].images));
    each[name] = await here.wait(readAll(alone[name].agreement as Readonly<Record<string, Tensor>>));
  }
  const aimed = members.flatMap(({ name, aims }) => (aims && aims in each[name] ? [[aims, each[name][aims]]] : []));
  const attacked: Record<string, readonly number[]> = {};
  for (const [name, { images, value }] of Object.entries(worst)) {
    await here.wait(check(images));
    attacked[name] = worstWithin(name as AgreementName, Array.from(await here.wait(value.read())), eps);
  }
  const shown = worst.topK!.images;
  return {
    ...{ attacked, aimed: Object.fromEntries(aimed), passes },
    alone: Object.fromEntries(Object.entries(each).map(([name, agreement]) => [asConfigured(name), agreement])),
    ...{ images: await here.wait(check(shown)), maps: await here.wait(floats(judge(shown).map)) },
  };
}

/** What is found within a smaller ball is found within a larger one. */
function worstWithin(measure: AgreementName, values: readonly number[], eps: readonly number[]): number[] {
  const n = values.length / eps.length;
  const worse = growsApart(measure) ? Math.max : Math.min;
  return values.map((_, at) => {
    const [own, i] = [Math.floor(at / n), at % n];
    const inside = eps.flatMap((e, j) => (e <= eps[own] ? [values[j * n + i]] : []));
    return worse(...inside);
  });
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
  const read = Object.entries(tensors).map(async ([name, t]) => [name, Array.from(await t.read())] as const);
  return Object.fromEntries(await Promise.all(read));
}

async function floats(t: Tensor): Promise<Float32Array> {
  return Float32Array.from(await t.read());
}
