/** What detectors make of a manipulation: whether they tell its two sides apart, and whether what they restore is as it was. */
import { scope } from "../../engine/index.js";
import { usualTopK } from "../attacks/table.js";
import { agreementOf, importanceMap } from "../judge.js";
import type { DetectorContext, DetectorEntry } from "./detectors/detector.js";
import { detectorEntryOf } from "./detectors/table.js";
import { scoped } from "./explaining.js";
import { isOfKind, type Manipulation, type ManipulationWorld, type Measured } from "./manipulation.js";
import { type Classes, finiteMean, fooledShare } from "./study.js";

/** Numbers of the detectors named; those that are not made for such samples, or say nothing about such an explainer, have none. */
export async function measureDetectors(
  manipulation: Manipulation,
  world: ManipulationWorld,
  classes: Classes,
  names: readonly string[],
): Promise<Measured[]> {
  const found: Measured[] = [];
  for (const name of names) {
    const entry = detectorEntryOf(name);
    const { title, explainers, suspicion, restored } = entry;
    if (!isOfKind(entry, world) || (explainers && !explainers.includes(manipulation.explainer))) continue;
    world.say(title);
    const asked: Asked = { name, manipulation, world, classes };
    if (suspicion) found.push(...(await scoped(name, () => told(suspicion.bind(entry), asked))));
    if (restored) found.push(...(await scoped(name, () => undone(restored.bind(entry), asked))));
  }
  return found;
}

interface Asked {
  readonly name: string;
  readonly manipulation: Manipulation;
  readonly world: ManipulationWorld;
  readonly classes: Classes;
}

function contextOf({ manipulation, world }: Asked, classes: DetectorContext["classes"]): DetectorContext {
  return { world, explainer: manipulation.explainer, classes };
}

/** How well suspicion tells the manipulated side from the clean one. */
async function told(suspicion: NonNullable<DetectorEntry["suspicion"]>, asked: Asked): Promise<Measured[]> {
  const { clean, manipulated } = asked.manipulation.madeFor;
  const { classes, name } = asked;
  const before = Array.from(await suspicion(clean, contextOf(asked, classes.clean)));
  const after = Array.from(await suspicion(manipulated, contextOf(asked, classes.manipulated)));
  const count = after.filter((value) => !Number.isNaN(value)).length;
  return [{ metric: "noticed (AUROC)", value: auroc(before, after), count, conditions: { detector: name } }];
}

/** What is left of the manipulation in the restored explanations. */
async function undone(restored: NonNullable<DetectorEntry["restored"]>, asked: Asked): Promise<Measured[]> {
  const { manipulation, classes } = asked;
  const { madeFor: pair, statistic, explainer } = manipulation;
  const clean = await restored(pair.clean, contextOf(asked, classes.clean));
  const manipulated = await restored(pair.manipulated, contextOf(asked, classes.manipulated));
  const values = await statistic.of({
    ...{ explainer, pair, clean, manipulated },
    attributions: (side, of) => restored(side, contextOf(asked, of)),
  });
  const { spearman } = scope(() =>
    agreementOf(importanceMap(clean), importanceMap(manipulated), usualTopK(pair.clean.x.shape)),
  );
  const conditions = { detector: asked.name };
  return [
    { metric: "fooled in spite of it", ...fooledShare(classes.kept, values, statistic.interval), conditions },
    { metric: "Spearman restored", ...finiteMean(await spearman.read()), conditions },
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
