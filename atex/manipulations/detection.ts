/** What detectors make of a manipulation: whether they tell its two sides apart, and whether what they restore is as it was. */

import { callerScope, scope } from "../../engine/index.js";
import { requireArguments } from "../../engine/options.js";
import { usualTopK } from "../attacks/table.js";
import { agreementOf, importanceMap } from "../judge.js";
import { anyNumbers } from "../kinds.js";
import type { DetectorContext, DetectorEntry } from "./detectors/detector.js";
import { detectorEntryOf } from "./detectors/table.js";
import { scoped } from "./explaining.js";
import { isOfKind, type Manipulation, type ManipulationWorld, type Measured } from "./manipulation.js";
import { type Classes, finiteMean, fooledShare, type ManipulationStudy } from "./study.js";

/** Numbers of the detectors named; those that are not made for such samples, or say nothing about such an explainer, have none. */
export async function measureDetectors(
  manipulation: Manipulation,
  world: ManipulationWorld,
  classes: Classes & Pick<ManipulationStudy, "maps">,
  names: readonly string[],
): Promise<Measured[]> {
  const here = callerScope();
  const found: Measured[] = [];
  for (const name of names) {
    const entry = detectorEntryOf(name);
    const { title, explainers } = entry;
    if (!isOfKind(entry, world) || (explainers && !explainers.includes(manipulation.explainer))) continue;
    world.say(title);
    found.push(...(await here.wait(scoped(name, () => asked(entry, manipulation, world, classes)))));
  }
  return found;
}

/** Numbers of one detector: how well suspicion tells the manipulated side from the clean one, and what is left of the manipulation in the
 *  restored explanations. */
async function asked(
  entry: DetectorEntry,
  { madeFor: pair, statistic, explainer }: Manipulation,
  world: ManipulationWorld,
  classes: Classes & Pick<ManipulationStudy, "maps">,
): Promise<Measured[]> {
  const here = callerScope();
  const conditions = { detector: entry.name };
  const found: Measured[] = [];
  let clean: DetectorContext = { world, explainer, classes: classes.clean, plain: classes.maps.clean };
  let manipulated: DetectorContext = {
    world,
    explainer,
    classes: classes.manipulated,
    plain: classes.maps.manipulated,
  };
  if (entry.restored) {
    clean = { ...clean, trusted: await here.wait(entry.restored(pair.clean, clean)) };
    manipulated = { ...manipulated, trusted: await here.wait(entry.restored(pair.manipulated, manipulated)) };
    const values = await here.wait(
      statistic.of({
        ...{ explainer, pair, clean: clean.trusted!, manipulated: manipulated.trusted! },
        attributions: (side, of) => entry.restored!(side, { world, explainer, classes: of }),
      }),
    );
    const { spearman } = scope(() =>
      agreementOf(importanceMap(clean.trusted!), importanceMap(manipulated.trusted!), usualTopK(pair.clean.x.shape)),
    );
    found.push(
      { metric: "fooled in spite of it", ...fooledShare(classes.kept, values, statistic.interval), conditions },
      { metric: "Spearman restored", ...finiteMean(await here.wait(spearman.read())), conditions },
    );
  }
  if (entry.suspicion) {
    const before = Array.from(await here.wait(entry.suspicion(pair.clean, clean)));
    const after = Array.from(await here.wait(entry.suspicion(pair.manipulated, manipulated)));
    const count = after.filter((value) => !Number.isNaN(value)).length;
    found.push({ metric: "noticed (AUROC)", value: auroc(before, after), count, conditions });
  }
  return found;
}

/** Area under the ROC curve: how often a value of `after` is larger than one of `before`, ties as one half. Values of NaN are left out;
 *  NaN of nothing. Source: Hanley, McNeil 1982. */
export function auroc(before: readonly number[], after: readonly number[]): number {
  requireArguments("auroc", { before: [before, anyNumbers], after: [after, anyNumbers] });
  const [a, b] = [before, after].map((values) => values.filter((v) => !Number.isNaN(v)));
  let wins = 0;
  for (const u of a) for (const v of b) wins += v > u ? 1 : v === u ? 0.5 : 0;
  return wins / (a.length * b.length);
}
