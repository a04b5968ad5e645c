/** What detectors make of a manipulation: whether they tell its two sides apart, and whether what they restore is as it was. */
import { openScope, scope } from "../../engine/index.js";
import { usualTopK } from "../attacks/table.js";
import { agreementOf, importanceMap } from "../judge.js";
import type { DetectorContext, DetectorEntry } from "./detectors/detector.js";
import { detectorEntryOf } from "./detectors/table.js";
import { attributionsOf } from "./explaining.js";
import { type Manipulation, type ManipulationWorld, type Measured, requireKind } from "./manipulation.js";
import { type Classes, finiteMean, fooledShare } from "./study.js";

export async function measureDetectors(
  manipulation: Manipulation,
  world: ManipulationWorld,
  classes: Classes,
  names: readonly string[],
): Promise<Measured[]> {
  const found: Measured[] = [];
  for (const name of names) {
    const entry = detectorEntryOf(name);
    if (!fits(entry, manipulation, world)) continue;
    using _ = openScope("detector");
    world.say(entry.title);
    if (entry.suspicion) found.push(...(await told(entry, manipulation, world, classes)));
    if (entry.restored) found.push(...(await undone(entry, manipulation, world, classes)));
  }
  return found;
}

function fits(entry: DetectorEntry, { explainer }: Manipulation, world: ManipulationWorld): boolean {
  if (entry.explainers && !entry.explainers.includes(explainer)) return false;
  try {
    requireKind(entry, world);
    return true;
  } catch {
    return false;
  }
}

const contextOf = (
  { explainer }: Manipulation,
  world: ManipulationWorld,
  classes: DetectorContext["classes"],
): DetectorContext => ({ world, explainer, classes });

/** How well suspicion tells the manipulated side from the clean one. */
async function told(
  { name, suspicion }: DetectorEntry,
  manipulation: Manipulation,
  world: ManipulationWorld,
  classes: Classes,
): Promise<Measured[]> {
  const { clean, manipulated } = manipulation.madeFor;
  const before = Array.from(await suspicion!(clean, contextOf(manipulation, world, classes.clean)));
  const after = Array.from(await suspicion!(manipulated, contextOf(manipulation, world, classes.manipulated)));
  return [
    { metric: "noticed (AUROC)", value: auroc(before, after), count: after.length, conditions: { detector: name } },
  ];
}

/** What is left of the manipulation in the restored explanations. */
async function undone(
  { name, restored }: DetectorEntry,
  manipulation: Manipulation,
  world: ManipulationWorld,
  classes: Classes,
): Promise<Measured[]> {
  const { madeFor: pair, statistic, explainer } = manipulation;
  const clean = await restored!(pair.clean, contextOf(manipulation, world, classes.clean));
  const manipulated = await restored!(pair.manipulated, contextOf(manipulation, world, classes.manipulated));
  const values = Array.from(
    await statistic.of({
      ...{ explainer, pair, clean, manipulated },
      // Of other classes there is only what the plain explainer says.
      attributions: (side, of) => attributionsOf(world.explainer, explainer, side, of),
    }),
  );
  const { spearman } = scope(() =>
    agreementOf(importanceMap(clean), importanceMap(manipulated), usualTopK(pair.clean.x.shape)),
  );
  const of = { count: values.length, conditions: { detector: name } };
  return [
    { ...of, metric: "fooled in spite of it", value: fooledShare(classes.kept, values, statistic.interval) },
    { ...of, metric: "Spearman restored", value: finiteMean(Array.from(await spearman.read())) },
  ];
}

/** Area under the ROC curve: how often a value of `after` is larger than one of `before`, ties as one half. Values of NaN are left out;
 *  NaN of nothing. Source: Hanley, McNeil 1982. */
export function auroc(before: readonly number[], after: readonly number[]): number {
  const [a, b] = [before, after].map((values) => values.filter((v) => !Number.isNaN(v)));
  let wins = 0;
  for (const u of a) for (const v of b) wins += v > u ? 1 : v === u ? 0.5 : 0;
  return wins / (a.length * b.length);
}
