/** Every metric: a new one is its file and a row here. */

import type { Tensor } from "../../engine/index.js";
import { aTensor, aText } from "../../engine/kinds.js";
import { requireArguments } from "../../engine/options.js";
import { anyObject } from "../../nn/kinds.js";
import { readSettings } from "../../nn/schema.js";
import { texts } from "../kinds.js";
import { aopcEntry } from "./aopc.js";
import { locationEntry, topKLossEntry } from "./heo.js";
import { hogEntry } from "./hog.js";
import { infidelityEntry } from "./infidelity.js";
import { deletionEntry, insertionEntry } from "./insertionDeletion.js";
import { massCentreDisplacementEntry, massCentreShiftEntry } from "./massCentreShift.js";
import type { MetricContext, MetricEntry, MetricInfo, MetricKind, MetricKinds, MetricNeeds } from "./metric.js";
import { relevanceMassEntry } from "./relevanceMass.js";
import { averageStabilityEntry, maxSensitivityEntry } from "./sensitivity.js";
import {
  cosineEntry,
  kendallEntry,
  pearsonEntry,
  spearmanEntry,
  squaredErrorEntry,
  topKEntry,
} from "./similarities.js";
import { ssimEntry } from "./ssim.js";
import { lipschitzEntry, worstCaseEntry } from "./stability.js";

const TABLE = [
  spearmanEntry,
  kendallEntry,
  topKEntry,
  pearsonEntry,
  cosineEntry,
  ssimEntry,
  hogEntry,
  squaredErrorEntry,
  massCentreShiftEntry,
  massCentreDisplacementEntry,
  topKLossEntry,
  worstCaseEntry,
  lipschitzEntry,
  averageStabilityEntry,
  maxSensitivityEntry,
  infidelityEntry,
  aopcEntry,
  insertionEntry,
  deletionEntry,
  relevanceMassEntry,
  locationEntry,
] as const;

type Row = (typeof TABLE)[number];
/** What files and reports may call a metric. */
export type MetricName = Row["name"];
/** What files and reports may call a metric of two maps. */
export type SimilarityName = Extract<Row, { readonly kind: "similarity" }>["name"];

/** Similarities of two maps, stability of an explainer, faithfulness and place of a map. */
export const METRIC_TABLE: readonly MetricEntry[] = TABLE;

/** What is known of every metric, in the order of `METRIC_TABLE`. */
export const METRICS: readonly MetricInfo[] = METRIC_TABLE.map(({ info }) => info);

type Settings = Readonly<Record<string, unknown>>;

/** The entry of a name. @throws RangeError naming those there are. */
export function metricEntryOf(name: string): MetricEntry {
  requireArguments("metricEntryOf", { name: [name, aText] });
  const found = METRIC_TABLE.find((entry) => entry.name === name);
  if (!found)
    throw new RangeError(
      `metric: "${name}" is unknown; there is ${METRIC_TABLE.map((entry) => entry.name).join(", ")}`,
    );
  return found;
}

/** A metric by name, with settings as its entry declares them; those left out have their defaults. It is called as its kind is:
 *  (a, b), (score, x), (score, x, map) or (map).
 *  @throws RangeError for an unknown name or setting, TypeError when the context lacks something. */
export function makeMetric<N extends MetricName>(
  name: N,
  settings?: Settings,
  context?: MetricContext,
): MetricKinds[Extract<Row, { readonly name: N }>["kind"]];
export function makeMetric(name: string, settings?: Settings, context?: MetricContext): MetricKinds[MetricKind];
export function makeMetric(
  name: string,
  settings: Settings = {},
  context: MetricContext = {},
): MetricKinds[MetricKind] {
  requireArguments("makeMetric", { settings: [settings, anyObject], context: [context, anyObject] });
  const entry = metricEntryOf(name);
  const wanted = (["key", "explainer", "mask"] as const).find((what) => entry.needs[what] && !context[what]);
  if (wanted) throw new TypeError(`${name}: no ${wanted} in the context; ${REASONS[wanted]}`);
  return entry.make(readSettings(entry, settings), context);
}

const REASONS: Readonly<Record<keyof MetricNeeds & keyof MetricContext, string>> = {
  key: "one is needed for what is drawn at random",
  explainer: "it is the one whose stability is measured",
  mask: "zeros and ones of the maps' shape are needed, to say where relevance belongs",
};

/** The named similarities of maps [n, ...], a the ones of reference: for each name one number per sample, [n].
 *  @throws RangeError for a name that is no similarity. */
export function similaritiesOf<const N extends SimilarityName>(
  a: Tensor,
  b: Tensor,
  names: readonly N[],
  settings: { readonly [K in N]?: Settings } = {},
): Record<N, Tensor> {
  requireArguments("similaritiesOf", {
    a: [a, aTensor],
    b: [b, aTensor],
    names: [names, texts],
    settings: [settings, anyObject],
  });
  const stranger = Object.keys(settings).find((name) => !names.some((known) => known === name));
  if (stranger !== undefined)
    throw new RangeError(
      `similaritiesOf: settings for "${stranger}", which is not among ${names.join(", ")}; there are settings of those that are named`,
    );
  const entries = names.map((name) => {
    const { kind } = metricEntryOf(name);
    if (kind !== "similarity")
      throw new RangeError(`similaritiesOf: "${name}" is a metric of ${kind}; similarities of two maps are needed`);
    return [name, makeMetric(name as SimilarityName, settings[name])(a, b)] as const;
  });
  return Object.fromEntries(entries) as Record<N, Tensor>;
}

/** The metrics as a Markdown table. */
export function metricTable(): string {
  const number = (v: number | string): string =>
    v === Number.POSITIVE_INFINITY ? "∞" : v === Number.NEGATIVE_INFINITY ? "−∞" : `${v}`.replace("-", "−");
  const lines = METRIC_TABLE.map(({ name: id, kind, needs, info }) => {
    const { name, range, larger, perfect, random, differentiable, source } = info;
    const [low, high] = range.map(number);
    return [
      ...[`\`${id}\``, name, kind, needs.grid ? "images" : "any", `[${low}, ${high}]`, larger],
      ...[number(perfect), number(random), differentiable ? "yes" : "no", source],
    ];
  });
  const head = [
    ...["id", "metric", "kind", "maps", "range", "larger means"],
    ...["equal maps, or perfect", "unrelated maps, or random", "gradient", "source"],
  ];
  return [head, head.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
