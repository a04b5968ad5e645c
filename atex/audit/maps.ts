/** The attributions that rows of an audit measure. */
import { argmax, callerScope, concat, scope, slice, type Tensor } from "../../engine/index.js";
import { sampleTensor } from "../../nn/index.js";
import { samplesAtOnce } from "../copies.js";
import { attributionsOf } from "../manipulations/explaining.js";
import type { AuditWorld, Candidate } from "./audit.js";

/** Samples at once, at most. */
export const CHUNK = 25;

/** Attributions of samples x [n, ...shape], the first of which is the `from`-th of the audit's, of the classes i32 [n]. A control is drawn
 *  anew for each sample: one draw for all would count as often as there are samples. */
export async function mapsOf(
  world: AuditWorld,
  candidate: Candidate,
  { x, classes, from }: AuditBatch,
  seed = world.seed,
): Promise<Tensor> {
  const here = callerScope();
  const { classifier } = world;
  const explain = (part: Tensor, of: Tensor, own: number): Promise<Tensor> =>
    attributionsOf((_, z) => candidate.make(world, z, own), candidate.name, { classifier, x: part }, of);
  if (!candidate.control) return explain(x, classes, seed);
  const [n, ...shape] = x.shape;
  const parts: Tensor[] = [];
  for (let i = 0; i < n; i++) {
    const one = slice(x, [i, ...shape.map(() => 0)], [1, ...shape]);
    parts.push(await here.wait(explain(one, slice(classes, [i], [1]), seed + 7919 * (from + i + 1))));
  }
  return concat(parts);
}

/** Some of the samples of an audit. */
export interface AuditBatch {
  readonly x: Tensor;
  /** The classes that the network predicts, i32 [n]. */
  readonly classes: Tensor;
  /** Place of the first among the samples of the audit. */
  readonly from: number;
}

/** Measures batch by batch what is a number for each sample, and puts the batches together. `use` reads what it makes.
 *  @returns for each name the values of all samples, in the order of the audit's. */
export async function overBatches(
  world: AuditWorld,
  label: string,
  use: (batch: AuditBatch) => Promise<ReadonlyMap<string, ArrayLike<number>>>,
): Promise<Map<string, number[]>> {
  const here = callerScope();
  const { test, samples, classifier, domain } = world;
  const chunk = samplesAtOnce(domain.shape, CHUNK);
  const found = new Map<string, number[]>();
  for (let from = 0; from < samples.length; from += chunk) {
    using _ = here.open(label);
    const x = sampleTensor(test, samples.slice(from, from + chunk));
    const classes = scope(() => argmax(classifier(x), 1));
    for (const [name, values] of await here.wait(use({ x, classes, from })))
      found.set(name, [...(found.get(name) ?? []), ...Array.from(values)]);
    world.say(`${label}: ${Math.min(from + chunk, samples.length)} of ${samples.length} samples`);
  }
  return found;
}
