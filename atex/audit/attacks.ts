/** Attacks on the explanations of a batch, and what each leaves of them. */

import { add, argmax, callerScope, equal, mul, random, scope, sign, type Tensor } from "../../engine/index.js";
import { aNatural, aNumberOfAtLeast0, anObject, aTensor } from "../../engine/kinds.js";
import { requireArguments } from "../../engine/options.js";
import { cosineDecay, type Domain } from "../../nn/index.js";
import { attackExplanation } from "../attacks/explanation.js";
import type { Search } from "../attacks/loop.js";
import { massCentre, type Objective, rankSuppression, topKSuppression } from "../attacks/objectives.js";
import { attackPrediction } from "../attacks/prediction.js";
import { surrogateOf } from "../attacks/surrogate.js";
import { usualTopK } from "../attacks/table.js";
import { isTable } from "../explainers/features.js";
import { EXPLAINER_TABLE } from "../explainers/table.js";
import { importanceMap } from "../judge.js";
import { explainerMaker, scoped } from "../manipulations/explaining.js";
import { withPoints } from "../manipulations/inputs/attacked.js";
import { genesOf } from "../manipulations/inputs/blackBox.js";
import { evolve } from "../manipulations/inputs/evolution.js";
import { ownerOf } from "../manipulations/inputs/owner.js";
import { type InputReach, reachOf } from "../manipulations/inputs/reach.js";
import { tolerantAgreement } from "../metrics/disagreement.js";
import { massCentreShift } from "../metrics/massCentreShift.js";
import { spearman, topKIntersection } from "../metrics/similarities.js";
import { classScore } from "../score.js";
import { intoNeighbourhood } from "../subject.js";
import type { AuditWorld, Candidate } from "./audit.js";
import { aCandidate, anAuditWorld, someAttackSettings } from "./kinds.js";
import { checkTop, partsIn } from "./parts.js";

/** How explanations are attacked. These are the settings of row 8 of `AUDIT_TABLE`, where their defaults stand. */
export interface AttackSettings {
  /** Steps of an attack by gradients from each start, at least 1. */
  readonly steps: number;
  /** Length of the first step as a share of eps; steps shrink along a cosine. */
  readonly stepSize: number;
  /** Random starts besides the one at the sample itself, from 0; the mass centre has one at least. */
  readonly restarts: number;
  /** Copies of SmoothGrad and points of integrated gradients while they are attacked. */
  readonly points: number;
  /** Sharpness of the softplus through which relu networks are attacked. */
  readonly twinBeta: number;
  /** Pixels or columns at the top; default 50, or a third of a short row. */
  readonly k?: number;
  /** Pixels that places at the top may be off in `Left.near`, from 0. */
  readonly pixels: number;
  /** Random changes that a row measures beside the attacks; `attacksOn` does not use it. */
  readonly draws: number;
  /** Explanations that an attack by queries asks for, of each sample and aim. */
  readonly queries: number;
  /** Copies of LIME, and as many coalitions of KernelSHAP beyond those it must have, while an attack asks them. */
  readonly copies: number;
  /** Candidates in a generation of the search by queries. */
  readonly population: number;
  /** Whether explainers with gradients are attacked by queries as well ("both"). */
  readonly search: "gradients" | "both";
}

/** What is left of the explanations of changed samples, sample by sample; NaN where nothing can be said. */
export interface Left {
  /** Rank correlation with the clean map. */
  readonly ranks: readonly number[];
  /** Share of the clean map's top that is still in the top. */
  readonly top: readonly number[];
  /** Agreement of the tops of both with places a few pixels off counted as the same; of images only. */
  readonly near?: readonly number[];
  /** How far the centre of the map moved, in pixels; of images only. */
  readonly centre?: readonly number[];
}

export const AIMS = ["ranks", "top", "centre"] as const;
export type Aim = (typeof AIMS)[number];

/** Whether attacks climb along gradients through this explainer. Those that only ask for outputs ask so often that an attack by queries
 *  costs less. */
export function hasSlope(candidate: Candidate): boolean {
  requireArguments("hasSlope", { candidate: [candidate, aCandidate] });
  const { name } = candidate;
  const entry = EXPLAINER_TABLE.find((one) => one.name === name);
  return entry !== undefined && entry.needs !== "outputs" && entry.laws.differentiable;
}

/** What one attack made of a batch: samples [n,...] within reach that keep their predicted class. */
export interface Attacked {
  /** [n, ...], by gradients where the explainer has some, else by queries. */
  readonly images: Tensor;
  /** What the attack takes from the map: the order of importance, the top, or the centre. */
  readonly aim: Aim;
}

/** Attacks on a batch of samples for one candidate. */
export interface BatchAttacks {
  /** Attributions of the clean samples for the predicted classes. */
  readonly clean: Tensor;
  /** Changed samples with the prediction kept, for each aim; the caller's scope owns them. */
  attacked(eps: number): Promise<Attacked[]>;
  /** Samples at random corners of what an attack may reach, and which of them keep their prediction. */
  random(eps: number, draw: number): Promise<{ readonly images: Tensor; readonly kept: readonly boolean[] }>;
  /** Compares the maps of changed samples with the clean ones. */
  left(images: Tensor): Promise<Left>;
  /** Attributions of changed samples for the classes predicted at the clean ones, [n,...]. */
  mapsOf(images: Tensor): Promise<Tensor>;
}

const reachIn = ({ domain, sensitive }: AuditWorld, eps: number): InputReach =>
  reachOf(domain, { eps, immutable: sensitive === undefined ? [] : [sensitive] });

function searchIn(settings: AttackSettings, world: AuditWorld, eps: number): Search {
  const { steps, stepSize, restarts } = settings;
  const reach = reachIn(world, eps);
  return {
    ...{ ball: reach.ball, rule: reach.signStep(stepSize), range: world.domain.range },
    ...{ steps, restarts, schedule: cosineDecay(1, steps) },
  };
}

/** Superpixels of an image, about. */
const SEGMENTS = 50;

/** Settings by which explainers that ask for many outputs ask for fewer. KernelSHAP needs two for each feature besides. */
const withCopies = (copies: number, domain: Domain) => ({
  lime: { samples: copies },
  "kernel-shap": { samples: copies + 2 * (isTable(domain) ? partsIn(domain) : SEGMENTS) },
});

/** Keys of batches differ by their first sample. */
const keyOf = ({ seed }: AuditWorld, from: number, purpose: number): Tensor =>
  random.fold(random.fold(random.key(seed), purpose), from);

/** @throws RangeError for settings that do not fit the world, or each other. */
export function checkAttacks({ k, queries, population }: AttackSettings, world: AuditWorld): void {
  checkTop(k, world.domain);
  // Controls have no gradient: they are always asked.
  if (queries <= population)
    throw new RangeError(
      `${queries} queries for generations of ${population} candidates; at least one more query than the population is needed`,
    );
}

/** Attacks on what a candidate says of samples x [n,...] for their predicted classes. `from` is the place of the first among the
 *  audit's samples; random draws depend on it and on the world's seed. `eps` of its methods is a share of each element's
 *  range, 0 to 1. Each aim is searched by itself, through a softplus twin where the network has relus.
 *  @throws what the explainer refuses with. */
export async function attacksOn(
  settings: AttackSettings,
  world: AuditWorld,
  candidate: Candidate,
  batch: { readonly x: Tensor; readonly from: number },
): Promise<BatchAttacks> {
  requireArguments("attacksOn", {
    settings: [settings, someAttackSettings],
    world: [world, anAuditWorld],
    candidate: [candidate, aCandidate],
    batch: [batch, anObject("an object", { x: aTensor, from: aNatural })],
  });
  const { x, from } = batch;
  const here = callerScope();
  const { classifier, domain, explaining, seed, stop } = world;
  const image = x.rank === 4;
  const k = settings.k ?? usualTopK(x.shape);
  const classes = scope(() => argmax(classifier(x), 1));
  const score = classScore(classifier, classes);
  const segmented = image && EXPLAINER_TABLE.find(({ name }) => name === candidate.name)?.uses?.segments;
  const own = await here.wait(candidate.make(world, x));
  const mapsOf = (images: Tensor): Promise<Tensor> =>
    scoped("maps", async () => {
      const here = callerScope();
      const explain = segmented ? await here.wait(candidate.make(world, images)) : own;
      return scope(() => explain(score, images));
    });
  const clean = await here.wait(mapsOf(x));
  // Explainers that average gradients average fewer of them while they are climbed; the judge takes all.
  // So do those that ask for outputs, while they are asked: else an attack of 300 queries on LIME takes 300 000 passes for each sample.
  const fewer = { ...withPoints(settings.points), ...withCopies(settings.copies, domain) };
  const hurried = { ...explaining, settings: { ...fewer, ...explaining.settings } };
  const climbed = { ...world, explaining: hurried, explainer: explainerMaker(hurried) };
  const surrogate = surrogateOf(classifier, domain.shape, settings.twinBeta);

  const objectives: readonly (readonly [Aim, Objective])[] = [
    ["ranks", rankSuppression()],
    ["top", topKSuppression(k)],
    ...(image ? [["centre", massCentre()] as const] : []),
  ];

  async function byGradients(aim: Aim, objective: Objective, eps: number): Promise<Tensor> {
    const here = callerScope();
    const search = searchIn(settings, world, eps);
    const restarts = Math.max(settings.restarts, Number(objective.flatAtClean ?? false));
    const explainer = await here.wait(candidate.make(climbed, x));
    const attack = attackExplanation({ ...search, restarts, explainer, objective });
    return attack({ classifier, surrogate, x, key: keyOf(world, from, 41 + AIMS.indexOf(aim)) }).images;
  }

  async function byQueries(objective: Objective, eps: number): Promise<Tensor> {
    const here = callerScope();
    const { ball } = reachIn(world, eps);
    const { queries, population } = settings;
    const asked = { classifier, domain, explainer: (_: string, part: Tensor) => candidate.make(climbed, part) };
    using owner = await here.wait(ownerOf({ name: candidate.name, objective, clean, x, world: asked }));
    const { images } = await here.wait(
      evolve(x, {
        ...{ ask: owner.ask, neighbourhood: { ball, range: domain.range }, queries, population, stop },
        ...{ parents: Math.min(5, population), seed: seed + from, ...genesOf({ block: undefined }, domain, ball) },
      }),
    );
    return images;
  }

  return {
    clean,
    mapsOf,
    async attacked(eps) {
      const here = callerScope();
      const found: Attacked[] = [];
      const slope = hasSlope(candidate);
      for (const [aim, objective] of objectives) {
        if (slope) found.push({ aim, images: await here.wait(scoped(aim, () => byGradients(aim, objective, eps))) });
        if ((!slope || settings.search === "both") && aim !== "centre")
          found.push({ aim, images: await here.wait(scoped(aim, () => byQueries(objective, eps))) });
      }
      return found;
    },
    async random(eps, draw) {
      const [images, kept] = scope(() => {
        const { ball, most } = reachIn(world, eps);
        const signs = sign(random.normal(keyOf(world, from, 51 + draw), x.shape));
        const moved = intoNeighbourhood({ ball, range: domain.range }, add(x, mul(signs, most)), x);
        return [moved, equal(argmax(classifier(moved), 1), classes)];
      });
      return { images, kept: Array.from(await kept.read(), Boolean) };
    },
    left: (images) =>
      scoped("left", async () => {
        const here = callerScope();
        const changed = await here.wait(mapsOf(images));
        const [a, b] = scope(() => [importanceMap(clean), importanceMap(changed)]);
        const [ranks, top] = scope(() => [spearman(a, b), topKIntersection(k)(a, b)]);
        const found = {
          ranks: Array.from(await here.wait(ranks.read())),
          top: Array.from(await here.wait(top.read())),
        };
        if (!image) return found;
        const [before, after] = [await here.wait(a.read()), await here.wait(b.read())];
        const d = before.length / found.top.length;
        const sides = [a.shape[1], a.shape[2]] as const;
        const near = found.top.map((_, i) => {
          const [own, other] = [before, after].map((all) => Array.from(all.slice(i * d, (i + 1) * d)));
          return tolerantAgreement(own, other, k, sides, settings.pixels);
        });
        const centre = Array.from(await here.wait(scope(() => massCentreShift(a, b)).read()));
        return { ...found, near, centre };
      }),
  };
}

/** Whether a change of at most eps can flip the prediction of each sample: projected gradient ascent of the loss (Madry et al. 2018). */
export async function flippedBy(
  settings: AttackSettings,
  world: AuditWorld,
  batch: { readonly x: Tensor; readonly from: number },
  eps: number,
): Promise<boolean[]> {
  requireArguments("flippedBy", {
    settings: [settings, someAttackSettings],
    world: [world, anAuditWorld],
    batch: [batch, anObject("an object", { x: aTensor, from: aNatural })],
    eps: [eps, aNumberOfAtLeast0],
  });
  const { x, from } = batch;
  const { classifier } = world;
  const fooled = scope(() => {
    const labels = argmax(classifier(x), 1);
    const attack = attackPrediction(searchIn(settings, world, eps));
    return attack({ classifier, x, labels, key: keyOf(world, from, 49) }).fooled;
  });
  return Array.from(await fooled.read(), Boolean);
}
