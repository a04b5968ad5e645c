/** What sanity checks measured, in few numbers: means over samples with their 95 % intervals. */

import { listOf } from "../../engine/kinds.js";
import { requireArguments } from "../../engine/options.js";
import { type Infer, list, natural, number, object, optional, record, type Schema, text } from "../../nn/schema.js";
import { estimate } from "../experiments/statistics.js";
import { anyNumbers } from "../kinds.js";
import type { SanityStage } from "./checks.js";
import { aSanityStage } from "./kinds.js";

/** A number, or null where there is none: JSON has no NaN. */
export const numberOrNull: Schema<number | null> = {
  json: { type: ["number", "null"] },
  read: (value, path) => (value === null ? null : number().read(value, path)),
};

export const summarySchema = object({
  mean: numberOrNull,
  half: numberOrNull,
  n: natural,
  undefined: natural,
});
/** A mean over the n samples that have a value, half of its 95 % interval (null from one), and how many samples have none. */
export type Summary = Infer<typeof summarySchema>;

/** The mean of the values that are finite, with half of Student's 95 % interval; how many count, and how many do not. */
export function summaryOf(values: readonly number[]): Summary {
  requireArguments("summaryOf", { values: [values, anyNumbers] });
  const known = values.filter((v) => Number.isFinite(v));
  const orNull = (v: number): number | null => (Number.isFinite(v) ? v : null);
  if (known.length === 0) return { mean: null, half: null, n: 0, undefined: values.length };
  const { mean, half, n } = estimate(known);
  return { mean, half: orNull(half), n, undefined: values.length - n };
}

export const stageSchema = object({
  layer: optional(text),
  similarity: record(summarySchema),
  entropy: summarySchema,
});
/** A randomised network: the layer drawn anew last or alone; maps against those of the trained network, by similarity; entropy in nats. */
export type StageSummary = Infer<typeof stageSchema>;
export const stagesSchema = list(stageSchema);

/** Of each network, the trained one first. */
export function stageSummaries(stages: readonly SanityStage[]): StageSummary[] {
  requireArguments("stageSummaries", { stages: [stages, listOf(aSanityStage, "stages")] });
  return stages.map(({ layer, similarity, entropy }) => ({
    layer,
    similarity: Object.fromEntries(Object.entries(similarity).map(([name, values]) => [name, summaryOf(values)])),
    entropy: summaryOf(entropy),
  }));
}
