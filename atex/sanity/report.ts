/** The result of sanity checks as plain data, as files hold it. */
import { type Infer, list, natural, number, object, optional, record, text } from "../../nn/schema.js";
import { stagesSchema, summarySchema } from "./summary.js";
import { invarianceSchema, sanityThresholds, verdictSchema } from "./verdict.js";

export const explainerReportSchema = object({
  name: text,
  cascading: optional(stagesSchema),
  independent: optional(stagesSchema),
  /** Rise of the maps' entropy from the trained network to the one without any learnt layer: in nats, and as a share of the former. */
  entropyRise: optional(object({ nats: summarySchema, share: number() })),
  /** The network as trained, then its twin. */
  labels: optional(stagesSchema),
  invariance: optional(invarianceSchema),
  verdicts: object({
    cascading: optional(verdictSchema),
    independent: optional(verdictSchema),
    labels: optional(verdictSchema),
    invariance: optional(verdictSchema),
  }),
});
/** What all checks say of one explainer. */
export type ExplainerReport = Infer<typeof explainerReportSchema>;

/** Reads a report from JSON: `sanityReportSchema.read(value, path)` gives a `SanityReport`, or throws ConfigError with the place of
 *  what is wrong. */
export const sanityReportSchema = object({
  /** Layers with parameters, from the output down. */
  layers: list(text),
  similarities: list(text),
  samples: natural,
  thresholds: sanityThresholds,
  twin: optional(object({ accuracy: number({ min: 0, max: 1 }), epochs: natural, samples: natural })),
  explainers: list(explainerReportSchema),
  /** Explainers that could not explain this network or these inputs, and why. */
  refused: record(text),
  /** What was asked for and where it was computed, in words. */
  about: record(text),
});
/** What all sanity checks say of all explainers, as JSON holds it; means that are not defined are null. */
export type SanityReport = Infer<typeof sanityReportSchema>;
