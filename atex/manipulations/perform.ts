/** A manipulation, done and measured: what experiments and the command line have in common. */

import { callerScope, type LongOptions, Turns } from "../../engine/index.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../engine/options.js";
import { anAbortSignalLike, anyObject } from "../../nn/kinds.js";
import { accuracyOf } from "../experiments/measuring.js";
import { watchedWorld } from "../long.js";
import { aManipulationEntry, aManipulationWorld, aStudyPlan } from "./kinds.js";
import {
  type Manipulation,
  type ManipulationEntry,
  type ManipulationWorld,
  type Measured,
  requireKind,
} from "./manipulation.js";
import { type ManipulationStudy, type StudyPlan, studyManipulation } from "./study.js";

/** What a manipulation did, and the manipulation itself; where the network was changed, its accuracy before and after is among the
 *  measurements. */
export interface PerformedManipulation extends ManipulationStudy {
  readonly manipulation: Manipulation;
}

const PERFORM_MANIPULATION_OPTIONS: KindsOf<Pick<LongOptions<never>, "signal">> = {
  signal: anAbortSignalLike,
};

/** Runs one row of the table and studies what it did; where it changed the network, also its accuracy on all test samples. Tensors of the
 *  result belong to the scope that is open. What goes on is told to the world's `say`. @throws TypeError for samples of a kind that it is not
 *  made for; the reason of `signal`. */
export async function performManipulation(
  entry: ManipulationEntry,
  settings: Readonly<Record<string, unknown>>,
  given: ManipulationWorld,
  plan: StudyPlan,
  options: Pick<LongOptions<never>, "signal"> = {},
): Promise<PerformedManipulation> {
  requireArguments("performManipulation", {
    entry: [entry, aManipulationEntry],
    settings: [settings, anyObject],
    given: [given, aManipulationWorld],
    plan: [plan, aStudyPlan],
  });
  checkedOptions("performManipulation", options, PERFORM_MANIPULATION_OPTIONS);
  const here = callerScope();
  const turns = new Turns("performManipulation", options);
  const world = watchedWorld(given, options.signal);
  requireKind(entry, world);
  const began = performance.now();
  const manipulation = await here.wait(entry.run(settings, world));
  turns.tell();
  const seconds = (performance.now() - began) / 1000;
  const study = await here.wait(studyManipulation(manipulation, world, plan));
  const extra: Measured[] = [];
  if (manipulation.cost.seconds === undefined) extra.push({ metric: "cost: seconds", value: seconds, count: 1 });
  if (manipulation.params) {
    const { model, test } = world;
    const of = { count: test.labels.length };
    extra.push({ ...of, metric: "accuracy before", value: await here.wait(accuracyOf(world, test)) });
    extra.push({
      ...of,
      metric: "accuracy",
      value: await here.wait(accuracyOf({ model, params: manipulation.params }, test)),
    });
  }
  return { ...study, manipulation, measurements: [...study.measurements, ...extra] };
}
