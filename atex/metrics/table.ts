import { aopcInfo } from "./aopc.js";
import { hogPearson } from "./hog.js";
import { infidelityInfo } from "./infidelity.js";
import { deletionInfo, insertionInfo } from "./insertionDeletion.js";
import { massCentreShift } from "./massCentreShift.js";
import type { MetricInfo } from "./metric.js";
import { relevanceMass } from "./relevanceMass.js";
import { averageCaseInfo, maxSensitivityInfo } from "./sensitivity.js";
import { cosine, kendall, normalisedSquaredError, pearson, spearman, topKIntersection } from "./similarities.js";
import { ssim } from "./ssim.js";
import { lipschitzInfo, worstCaseInfo } from "./stability.js";

/** Every metric of the toolkit: similarities of two maps, stability of an explainer, faithfulness and place of a map. */
export const METRICS: readonly MetricInfo[] = [
  spearman.info,
  kendall.info,
  topKIntersection(50).info,
  pearson.info,
  cosine.info,
  ssim.info,
  hogPearson.info,
  normalisedSquaredError.info,
  massCentreShift.info,
  worstCaseInfo,
  lipschitzInfo,
  averageCaseInfo,
  maxSensitivityInfo,
  infidelityInfo,
  aopcInfo,
  insertionInfo,
  deletionInfo,
  relevanceMass.info,
];

/** The metrics as a Markdown table. */
export function metricTable(): string {
  const number = (v: number | string): string =>
    v === Number.POSITIVE_INFINITY ? "∞" : v === Number.NEGATIVE_INFINITY ? "−∞" : `${v}`.replace("-", "−");
  const lines = METRICS.map(({ name, range: [low, high], larger, perfect, random, differentiable, source }) => [
    name,
    `[${number(low)}, ${number(high)}]`,
    larger,
    typeof perfect === "number" ? number(perfect) : perfect,
    typeof random === "number" ? number(random) : random,
    differentiable ? "yes" : "no",
    source,
  ]);
  const head = [
    "metric",
    "range",
    "larger means",
    "equal maps, or perfect",
    "unrelated maps, or random",
    "gradient",
    "source",
  ];
  return [head, head.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
