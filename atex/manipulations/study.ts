/** What a manipulation did, measured alike for all of them: predictions, changes, explanations under several explainers, samples and networks
 *  that it was not made for, and what detectors make of it. */

import {
  abs,
  add,
  argmax,
  callerScope,
  equal,
  max,
  scope,
  slice,
  softmax,
  sub,
  type Tensor,
} from "../../engine/index.js";
import { requireArguments } from "../../engine/options.js";
import { sampleTensor } from "../../nn/index.js";
import { usualTopK } from "../attacks/table.js";
import type { ManipulationResult } from "../criteria.js";
import { mean } from "../experiments/statistics.js";
import { agreementOf, importanceMap } from "../judge.js";
import type { FoolingInterval } from "../metrics/heo.js";
import { rows } from "../metrics/metric.js";
import { RefusalError } from "../refusal.js";
import { clipTo } from "../subject.js";
import { measureDetectors } from "./detection.js";
import { attributionsOf, scoped } from "./explaining.js";
import { aManipulation, aManipulationWorld, aStudyPlan } from "./kinds.js";
import type { Manipulation, ManipulationWorld, Measured, Pair, Side, StatisticContext } from "./manipulation.js";

/** What a manipulation is tried on besides the explainer it was made for. */
export interface StudyPlan {
  /** Names of explainers; what one refuses is told in `refused`. */
  readonly explainers: readonly string[];
  /** Names of detectors. */
  readonly detectors: readonly string[];
}

/** Which samples and networks a number is about. */
export type SamplesName = "made for" | "held out" | "other networks";

/** What a manipulation did to predictions, explanations and detectors. */
export interface ManipulationStudy {
  readonly measurements: readonly Measured[];
  /** Sample by sample, for the survey's four criteria. */
  readonly results: readonly ManipulationResult[];
  /** Attributions of the explainer it was made for on the samples it was made for. */
  readonly maps: { readonly clean: Tensor; readonly manipulated: Tensor };
  /** Explainers that cannot explain these samples or networks, and what they say. */
  readonly refused: Readonly<Record<string, string>>;
}

/** Explains both sides of a manipulation and compares. The maps of the result belong to the scope that is open; all else is freed. */
export function studyManipulation(
  manipulation: Manipulation,
  world: ManipulationWorld,
  plan: StudyPlan,
): Promise<ManipulationStudy> {
  requireArguments("studyManipulation", {
    manipulation: [manipulation, aManipulation],
    world: [world, aManipulationWorld],
    plan: [plan, aStudyPlan],
  });
  return scoped("study", () => study(manipulation, world, plan));
}

async function study(
  manipulation: Manipulation,
  world: ManipulationWorld,
  { explainers, detectors }: StudyPlan,
): Promise<ManipulationStudy> {
  const here = callerScope();
  const { statistic, cost } = manipulation;
  const measurements: Measured[] = Object.entries(cost).map(([name, value]) => ({
    ...{ metric: `cost: ${name}`, value, count: 1 },
  }));
  const results: ManipulationResult[] = [];
  const all = [...new Set([manipulation.explainer, ...explainers])];
  let maps: ManipulationStudy["maps"] | undefined;
  const refused: Record<string, string> = {};
  for (const [samples, pair] of pairsOf(manipulation, world)) {
    const classes = await here.wait(classesOf(pair));
    measurements.push(...(await here.wait(scoped("predictions", () => predictionsOf(pair, classes, samples)))));
    for (const explainer of samples === "made for" ? all : [manipulation.explainer]) {
      world.say(`${statistic.name} of ${explainer}, ${samples}`);
      const compared = await here.wait(
        scoped("comparison", async () => {
          const { maps: both, ...told } = await compare({ pair, classes, explainer, samples, manipulation, world });
          return { ...told, maps: samples === "made for" && explainer === manipulation.explainer ? both : undefined };
        }).catch((error: unknown) => {
          if (explainer === manipulation.explainer || !(error instanceof RefusalError)) throw error;
          refused[explainer] = error.message;
        }),
      );
      if (!compared) continue;
      measurements.push(...compared.measurements);
      if (samples !== "other networks") results.push({ ...compared.result, seed: world.seed, samples });
      maps ??= compared.maps;
    }
    if (samples === "made for")
      measurements.push(
        ...(await here.wait(measureDetectors(manipulation, world, { ...classes, maps: maps! }, detectors))),
      );
  }
  return {
    measurements: [...merged(measurements), ...(manipulation.measurements ?? [])],
    results,
    refused,
    maps: maps!,
  };
}

/** What was measured of several networks, as one: means over the samples of all. */
function merged(all: readonly Measured[]): Measured[] {
  const groups = new Map<string, Measured[]>();
  for (const one of all) {
    const name = JSON.stringify([one.metric, one.conditions]);
    groups.set(name, [...(groups.get(name) ?? []), one]);
  }
  return [...groups.values()].map((group) => {
    const counted = group.filter(({ count }) => count > 0);
    if (counted.length < 2) return counted[0] ?? group[0];
    const count = counted.reduce((sum, one) => sum + one.count, 0);
    return { ...group[0], count, value: counted.reduce((sum, one) => sum + one.value * (one.count / count), 0) };
  });
}

/** The explained classes of both sides, i32 [n], and whether the manipulated side predicts what it is meant to. */
export interface Classes {
  readonly clean: Tensor;
  readonly manipulated: Tensor;
  readonly kept: readonly boolean[];
}

async function classesOf({ clean, manipulated, wanted }: Pair): Promise<Classes> {
  const own = scope(() => argmax(clean.classifier(clean.x), 1));
  const meant = wanted ?? own;
  const kept = await scope(() => equal(argmax(manipulated.classifier(manipulated.x), 1), meant)).read();
  return { clean: own, manipulated: meant, kept: Array.from(kept, Boolean) };
}

/** Made for; other samples; the changed inputs under networks trained alike. */
function pairsOf({ madeFor, heldOut }: Manipulation, world: ManipulationWorld): (readonly [SamplesName, Pair])[] {
  const pairs: (readonly [SamplesName, Pair])[] = [["made for", madeFor]];
  const changesInputs = madeFor.clean.x !== madeFor.manipulated.x;
  const sameNetwork = madeFor.clean.classifier === madeFor.manipulated.classifier;
  const others = heldOut ?? (changesInputs && sameNetwork ? changeOnOthers(madeFor, world) : undefined);
  if (others) pairs.push(["held out", others]);
  if (changesInputs && sameNetwork && !madeFor.wanted)
    for (const classifier of world.siblings)
      pairs.push([
        "other networks",
        { clean: { ...madeFor.clean, classifier }, manipulated: { ...madeFor.manipulated, classifier } },
      ]);
  return pairs;
}

/** What was added to samples, added to others: each gets the change of one; as many as there are of both. */
function changeOnOthers(
  { clean, manipulated, wanted }: Pair,
  { domain, test, others }: ManipulationWorld,
): Pair | undefined {
  const n = Math.min(clean.x.shape[0], others.length);
  if (n === 0 || wanted) return undefined;
  const x = sampleTensor(test, others.slice(0, n));
  const changed = scope(() => {
    const change = sub(manipulated.x, clean.x);
    return clipTo(domain.range, add(x, slice(change, [0, ...x.shape.slice(1).map(() => 0)], x.shape)));
  });
  return { clean: { ...clean, x }, manipulated: { ...manipulated, x: changed } };
}

async function predictionsOf(
  { clean, manipulated }: Pair,
  { kept }: Classes,
  samples: SamplesName,
): Promise<Measured[]> {
  const here = callerScope();
  const count = kept.length;
  const [p, q, change] = scope(() => [
    softmax(clean.classifier(clean.x)),
    softmax(manipulated.classifier(manipulated.x)),
    max(rows(abs(sub(manipulated.x, clean.x))), 1),
  ]);
  const shift = await here.wait(scope(() => max(abs(sub(q, p)), 1)).read());
  const found: Measured[] = [
    { metric: "prediction as wanted", value: mean(kept.map(Number)), count },
    { metric: "change of probabilities", value: mean(shift), count },
  ];
  if (clean.x !== manipulated.x)
    found.push({ metric: "largest change of the input", value: mean(await here.wait(change.read())), count });
  return found.map((one) => ({ ...one, conditions: { samples } }));
}

interface Compared {
  readonly measurements: readonly Measured[];
  readonly result: Pick<ManipulationResult, "explainer" | "kept" | "statistic">;
  readonly maps: ManipulationStudy["maps"];
}

interface Comparison {
  readonly pair: Pair;
  readonly classes: Classes;
  readonly explainer: string;
  readonly samples: SamplesName;
  readonly manipulation: Manipulation;
  readonly world: ManipulationWorld;
}

async function compare({ pair, classes, explainer, samples, manipulation, world }: Comparison): Promise<Compared> {
  const here = callerScope();
  const { statistic } = manipulation;
  const of = (side: Side, of: Tensor): Promise<Tensor> => attributionsOf(world.explainer, explainer, side, of);
  const [clean, manipulated] = [
    await here.wait(of(pair.clean, classes.clean)),
    await here.wait(of(pair.manipulated, classes.manipulated)),
  ];
  const context: StatisticContext = { explainer, pair, clean, manipulated, attributions: of };
  const values = Array.from(await here.wait(statistic.of(context)));
  // The control: what would count as fooled had nothing been done.
  const untouched = { explainer, pair: { clean: pair.clean, manipulated: pair.clean }, clean, manipulated: clean };
  const before = Array.from(await here.wait(statistic.of({ ...untouched, attributions: of })));
  const agreement = scope(() =>
    agreementOf(importanceMap(clean), importanceMap(manipulated), usualTopK(pair.clean.x.shape)),
  );
  const conditions = { explainer, samples };
  const measurements: Measured[] = [
    { metric: "fooled", ...fooledShare(classes.kept, values, statistic.interval), conditions },
    { metric: "statistic", ...finiteMean(values), conditions },
    {
      metric: "fooled before",
      ...fooledShare(
        before.map(() => true),
        before,
        statistic.interval,
      ),
      conditions,
    },
    { metric: "statistic before", ...finiteMean(before), conditions },
  ];
  for (const [name, tensor] of Object.entries(agreement))
    measurements.push({ metric: name, ...finiteMean(await here.wait(tensor.read())), conditions });
  return {
    measurements,
    result: { explainer, kept: classes.kept, statistic: values },
    maps: { clean, manipulated },
  };
}

/** The fooling success rate: of the samples that count, the share whose prediction was kept and whose statistic lies in the interval, ends
 *  included. A sample whose prediction was kept and whose statistic has no value does not count, as in `manipulationCriteria`; a share of
 *  none is NaN. Source: Heo, Joo, Moon 2019, sec. 4. */
export function fooledShare(
  kept: readonly boolean[],
  values: ArrayLike<number>,
  { low = Number.NEGATIVE_INFINITY, high = Number.POSITIVE_INFINITY }: FoolingInterval,
): Mean {
  const counted = kept.flatMap((same, i) => {
    if (!same) return [0];
    return Number.isNaN(values[i]) ? [] : [Number(values[i] >= low && values[i] <= high)];
  });
  return { value: mean(counted), count: counted.length };
}

/** A mean, and of how many numbers. */
export type Mean = Pick<Measured, "value" | "count">;

/** Over the samples that have a value. */
export function finiteMean(values: ArrayLike<number>): Mean {
  const found = Array.from(values).filter(Number.isFinite);
  return { value: mean(found), count: found.length };
}
