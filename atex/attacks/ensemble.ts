/**
 * An ensemble of attacks, as AutoAttack is one for predictions (Croce, Hein 2020): every objective that there is, through several
 * surrogates and from several starts; for each sample and each measure of maps the worst that came of any of them counts, found by
 * that measure itself. There is nothing to choose but how long each of them searches.
 */

import { describe, random, ShapeError, scope, type Tensor, where } from "../../engine/index.js";
import { aCount, aNatural, listOf, required } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf } from "../../engine/options.js";
import type { Piece } from "../../engine/turns.js";
import { aList } from "../../nn/kinds.js";
import { type AgreementName, agreementOf, apart, importanceMap } from "../judge.js";
import type { Classifier, ScoreOptions } from "../score.js";
import { type Attack, attackOf } from "./attack.js";
import { aMember } from "./kinds.js";
import {
  type Ascent,
  ascent,
  type Best,
  better,
  partOf,
  perImage,
  requireKey,
  SEARCH_OPTIONS,
  type Search,
} from "./loop.js";
import type { Member } from "./objectives.js";
import { surrogatesOf } from "./surrogate.js";
import { UNDER_ATTACK_OPTIONS, type UnderAttackOptions, underAttack } from "./underAttack.js";

/** What an ensemble finds the worst sample of: of each there is an attack that aims at it. */
export const ENSEMBLE_MEASURES = ["topK", "spearman", "ssim", "centre"] as const satisfies readonly AgreementName[];

/** How an ensemble searches: ball, rule and steps are those of every member, and what is explained is the predicted class. */
export interface EnsembleOptions extends ScoreOptions, Search, UnderAttackOptions {
  /** Its attacks; `ensembleMembers` gives those of the table. */
  readonly members: readonly Member[];
  /** Default those of `ENSEMBLE_MEASURES` that maps of this shape have. */
  readonly measures?: readonly AgreementName[];
  /** Pixels or columns in the top-k intersection. */
  readonly k: number;
  /** Random starts of each objective that has a slope at the sample, through the second surrogate; default 1. Those without one have at
   *  least one. */
  readonly restarts?: number;
}

const ENSEMBLE_OPTIONS: KindsOf<EnsembleOptions> = {
  ...UNDER_ATTACK_OPTIONS,
  ...SEARCH_OPTIONS,
  members: required(listOf(aMember, "members")),
  measures: aList,
  k: required(aCount),
  steps: required(aCount),
  restarts: aNatural,
};

/** What an ensemble attacks. The key is always needed: members without a slope at the sample start at random. */
export interface EnsembleTarget {
  /** The network under attack: its maps and predictions count. */
  readonly classifier: Classifier;
  /** Climbed in its place, and the same with every softplus blunter; default what `surrogateOf` says. */
  readonly surrogate?: Classifier;
  /** Samples [n,...]. */
  readonly x: Tensor;
  /** Key of the random starts. */
  readonly key: Tensor;
}

/** Samples that keep the prediction and the budget, and how much their maps agree with the clean ones: one number per sample. */
export interface Candidate {
  readonly images: Tensor;
  readonly agreement: Readonly<Partial<Record<AgreementName, Tensor>>>;
}

/** What was found, sample by sample. All samples keep ball, valid range and predicted class; where nothing better was found it is
 *  the clean one. */
export interface EnsembleResult {
  /** Predicted classes of the clean samples, which all others keep. i32 [n] */
  readonly classes: Tensor;
  /** What each attack comes to without the others: the best by its own objective, over its surrogates and starts. */
  readonly alone: Readonly<Record<string, Candidate>>;
  /** Of each measure the samples whose maps agree least, and how much they do; `value` is the measure itself. */
  readonly worst: Readonly<Partial<Record<AgreementName, Best>>>;
  /** Maps that were differentiated for each sample. */
  readonly passes: number;
}

/** One search: through which network, and where it begins. */
interface Climb {
  readonly surrogate: Classifier | undefined;
  readonly atClean: boolean;
  /** Random starts. */
  readonly restarts: number;
}

/** An attack that is targeted begins at the sample; one that is flat there at random; any other at the sample through the first
 *  surrogate, and at random through the second. */
function climbsOf(
  { objective, targeted }: Member,
  ways: readonly (Classifier | undefined)[],
  restarts: number,
): Climb[] {
  const [first, second] = ways;
  if (objective.flatAtClean) return [{ surrogate: first, atClean: false, restarts: Math.max(1, restarts) }];
  if (targeted || restarts === 0) return [{ surrogate: first, atClean: true, restarts: 0 }];
  if (ways.length === 1) return [{ surrogate: first, atClean: true, restarts }];
  return [
    { surrogate: first, atClean: true, restarts: 0 },
    { surrogate: second, atClean: false, restarts },
  ];
}

/** Configuration first, data after. Every step is one replay, captured once for each objective and surrogate; every iterate is
 *  explained once and judged by all measures; what is returned was explained and judged again outside of the fused steps.
 *  @throws ShapeError for x without samples, RangeError for no members. */
export function attackEnsemble(options: EnsembleOptions): Attack<EnsembleTarget, EnsembleResult> {
  checkedOptions("attackEnsemble", options, ENSEMBLE_OPTIONS);
  requireEnsemble(options);
  return attackOf("attackEnsemble", (target) => {
    if (target.x.rank < 2)
      throw new ShapeError(
        `attackEnsemble: x is ${describe(target.x)}; samples [n,...] such as [n,c,h,w] or [n,d] are needed`,
      );
    requireKey("attackEnsemble", Math.max(1, options.restarts ?? 1), target.key);
    return ensemble(options, target);
  });
}

function requireEnsemble({ members }: EnsembleOptions): void {
  if (members.length === 0) throw new RangeError("attackEnsemble: no members given; at least one is needed");
}

/** `attackEnsemble` step by step. */
export function* ensemble(options: EnsembleOptions, target: EnsembleTarget): Generator<Piece, EnsembleResult, void> {
  requireEnsemble(options);
  const { members, k, restarts = 1, measures = ENSEMBLE_MEASURES } = options;
  const { classifier, x, key } = target;
  const under = underAttack(options, classifier, x);
  const own = under.mapBy(classifier);
  const [attribution, clean] = scope(() => {
    const attribution = own(x);
    return [attribution, importanceMap(attribution)];
  });
  const agreement = (z: Tensor): Candidate["agreement"] => agreementOf(clean, importanceMap(own(z)), k, measures);
  const judges = (z: Tensor): Record<string, Tensor> =>
    Object.fromEntries(Object.entries(agreement(z)).map(([name, v]) => [name, apart(name as AgreementName, v)]));
  const ways = surrogatesOf(classifier, x.shape.slice(1), target.surrogate);
  const alone: Record<string, Candidate> = {};
  const pool: Candidate[] = [];
  // Every search has to do better than those before it.
  let found: Ascent["judged"] | undefined;
  const searches = members.map((member) => climbsOf(member, ways, restarts));
  const stepsOf = ({ atClean, restarts }: Climb): number => options.steps * (Number(atClean) + restarts);
  const total = searches.flat().reduce((sum, climb) => sum + stepsOf(climb), 0);
  let passes = 0;
  let stream = 0;
  for (const [i, member] of members.entries()) {
    const value = member.objective.against(attribution);
    const tried: Ascent[] = [];
    for (const climb of searches[i]) {
      const { surrogate, atClean, restarts } = climb;
      const climbed = surrogate && under.mapBy(surrogate);
      const search = ascent(x, {
        ...{ ball: options.ball, rule: options.rule, steps: options.steps, schedule: options.schedule },
        ...{ range: options.range, constraint: under.constraint, judges, restarts, flatAtClean: !atClean },
        objective: (z) => value(own(z)),
        guide: climbed && ((z) => value(climbed(z))),
        key: random.fold(key, stream++),
        judged: found,
      });
      const reached = yield* partOf(search, passes, total);
      found = reached.judged;
      tried.push(reached);
      passes += stepsOf(climb);
    }
    const best = tried.map(({ images, after }): Best => ({ images, value: after })).reduce((a, b) => better(a, b));
    alone[member.name] = judged(best.images);
    pool.push(alone[member.name]);
  }
  pool.push(...Object.values(found!).map(({ images }) => judged(images)));
  return { classes: under.classes, alone, worst: worstOf(pool), passes };

  /** Inside a fused step rounding differs: what is on the edge of another class there gives way to the clean sample. */
  function judged(images: Tensor): Candidate {
    return scope(() => {
      const kept = where(perImage(under.constraint.feasible(images), x), images, x);
      return { images: kept, agreement: agreement(kept) };
    });
  }
}

/** Of each measure, sample by sample, the candidate whose map agrees least. */
function worstOf(pool: readonly Candidate[]): EnsembleResult["worst"] {
  const names = Object.keys(pool[0].agreement) as AgreementName[];
  return Object.fromEntries(
    names.map((name) => {
      const of = ({ images, agreement }: Candidate): Best => ({ images, value: apart(name, agreement[name]!) });
      const { images, value } = pool.map(of).reduce((a, b) => better(a, b));
      return [name, { images, value: apart(name, value) }];
    }),
  );
}
