/** Verdicts of sanity checks in words. The papers show curves and name no numbers: the thresholds are conventions of this library and
 *  parameters of every verdict. */

import { aShare, listOf } from "../../engine/kinds.js";
import { requireArguments } from "../../engine/options.js";
import { anyObject } from "../../nn/kinds.js";
import { flag, type Infer, number, object, oneOf, setting, text } from "../../nn/schema.js";
import { anyNumbers } from "../kinds.js";
import { anInvariance, someThresholds } from "./kinds.js";
import type { StageSummary, Summary } from "./summary.js";

const share = number({ min: 0, max: 1 });

/** The thresholds as settings, each with one line for people. */
export const thresholdFields = {
  unchanged: setting(share, 0.9, "maps at least this alike, with signs and without, count as the same"),
  lost: setting(share, 0.5, "maps at most this alike count as lost"),
  gap: setting(share, 0.01, "changes of a map under a shift count as rounding up to this share of its largest value"),
  invariant: setting(share, 0.95, "share of samples whose maps have to keep still under a shift"),
  memorised: setting(
    share,
    0.95,
    "share of permuted labels that the twin has to know (Adebayo et al. 2018: above 0.95)",
  ),
};
/** Reads thresholds from JSON, each from 0 to 1; those left out have their defaults. `thresholdFields` says what each means. */
export const sanityThresholds = object(thresholdFields);
/** From which likeness of maps on verdicts are passed. The papers show curves and name no numbers: these are conventions of this
 *  library. */
export type SanityThresholds = Infer<typeof sanityThresholds>;
/** The default thresholds. */
export const SANITY_THRESHOLDS: SanityThresholds = sanityThresholds.read({}, "");

export const verdictSchema = object({ grade: oneOf("passes", "partly", "fails", "undecided"), words: text });
/** What a check says of an explainer: a grade ("passes", "partly", "fails", "undecided"), and why, with the number that decides. */
export type SanityVerdict = Infer<typeof verdictSchema>;

/** The measures that verdicts are based on: rank correlation of absolute maps, and of signed ones. */
export const UNSIGNED = "Spearman";
export const SIGNED = "Spearman, signed";

interface Alike {
  readonly layer: string;
  /** NaN where no sample has a value. */
  readonly unsigned: number;
  readonly signed: number;
}

/** A mean over a minority of the samples says nothing of the explainer. */
const meanOf = (summary: Summary): number =>
  summary.mean === null || summary.n < summary.undefined ? Number.NaN : summary.mean;
const figure = (value: number): string => value.toFixed(2).replace("-", "−");
const several = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;

/** @throws RangeError unless there is a trained and a randomised network with the two measures. */
function alike(stages: readonly StageSummary[]): Alike[] {
  const known = stages.every(({ similarity }) => similarity[UNSIGNED] && similarity[SIGNED]);
  if (stages.length < 2 || !known)
    throw new RangeError(
      `sanity verdict: ${several(stages.length, "network")} given; the trained one and one that lost a layer are needed, each with "${UNSIGNED}" and "${SIGNED}"`,
    );
  return stages.slice(1).map(({ layer = "?", similarity }) => ({
    layer,
    unsigned: meanOf(similarity[UNSIGNED]),
    signed: meanOf(similarity[SIGNED]),
  }));
}

const NOTHING: SanityVerdict = { grade: "undecided", words: "undecided: most of its maps have one value only" };

function unchanged({ unsigned, signed }: Alike, limits: SanityThresholds): boolean {
  return unsigned >= limits.unchanged && Math.abs(signed) >= limits.unchanged;
}

/** What is left of a map that did change. */
function judged({ unsigned, signed }: Alike, left: string, limits: SanityThresholds): SanityVerdict {
  if (Number.isNaN(unsigned)) return NOTHING;
  if (unsigned <= limits.lost) return { grade: "passes", words: `${left} its map is lost (${figure(unsigned)})` };
  if (Math.abs(signed) <= limits.lost)
    return {
      grade: "partly",
      words: `${left} its signs are lost (${figure(signed)}), its outline stays (${figure(unsigned)})`,
    };
  return { grade: "partly", words: `${left} it keeps ${figure(unsigned)} of its map` };
}

/** Whether an explainer notices that layers are lost, from the output down. Blind are those layers whose loss, with all above them, leaves the
 *  map as it was. Source of the test: Adebayo et al. 2018, sec. 3.1. @throws RangeError without the measures. */
export function cascadeVerdict(stages: readonly StageSummary[], limits = SANITY_THRESHOLDS): SanityVerdict {
  requireArguments("cascadeVerdict", {
    stages: [stages, listOf(anyObject, "summaries of stages")],
    limits: [limits, someThresholds],
  });
  const seen = alike(stages);
  const end = seen.at(-1)!;
  if (seen.every(({ unsigned }) => Number.isNaN(unsigned))) return NOTHING;
  const first = seen.findIndex((one) => !unchanged(one, limits));
  if (first < 0)
    return {
      grade: "fails",
      words: `blind to the network: with no learnt layer its map is ${figure(end.unsigned)} alike`,
    };
  if (first > 0) {
    const layers = seen.slice(0, first).map(({ layer }) => layer);
    return {
      grade: "fails",
      words: `blind to the upper layers: without ${layers.join(", ")} its map is ${figure(seen[first - 1].unsigned)} alike, without any learnt layer ${figure(end.unsigned)}`,
    };
  }
  return judged(end, "without any learnt layer", limits);
}

/** Whether an explainer notices the loss of each single layer. Source of the test: Adebayo et al. 2018, sec. 3.2.
 *  @throws RangeError without the measures. */
export function independentVerdict(stages: readonly StageSummary[], limits = SANITY_THRESHOLDS): SanityVerdict {
  requireArguments("independentVerdict", {
    stages: [stages, listOf(anyObject, "summaries of stages")],
    limits: [limits, someThresholds],
  });
  const seen = alike(stages).filter(({ unsigned }) => !Number.isNaN(unsigned));
  if (seen.length === 0) return NOTHING;
  const blind = seen.filter((one) => unchanged(one, limits));
  if (blind.length > 0)
    return {
      grade: "fails",
      words: `blind to ${blind.map(({ layer, unsigned }) => `${layer} (${figure(unsigned)})`).join(", ")}`,
    };
  const most = seen.reduce((a, b) => (b.unsigned > a.unsigned ? b : a));
  return judged(most, `without ${most.layer}, which it misses least,`, limits);
}

/** Whether an explainer tells a network that learnt from one that knows permuted labels by heart. `accuracy` is the twin's on these labels.
 *  Source of the test: Adebayo et al. 2018, sec. 4. @throws RangeError without the measures. */
export function labelsVerdict(
  stages: readonly StageSummary[],
  accuracy: number,
  limits = SANITY_THRESHOLDS,
): SanityVerdict {
  requireArguments("labelsVerdict", {
    stages: [stages, listOf(anyObject, "summaries of stages")],
    accuracy: [accuracy, aShare],
    limits: [limits, someThresholds],
  });
  const [twin] = alike(stages);
  if (!(accuracy >= limits.memorised))
    return {
      grade: "undecided",
      words: `undecided: the twin knows ${(100 * accuracy).toFixed(1)} % of the permuted labels, ${100 * limits.memorised} % are needed`,
    };
  if (unchanged(twin, limits))
    return { grade: "fails", words: `blind to the labels: its maps are ${figure(twin.unsigned)} alike` };
  return judged(twin, "with labels without meaning", limits);
}

export const invarianceSchema = object({ median: number(), largest: number(), kept: share, invariant: flag });
/** Gaps of an explainer under a shift of the input: as shares of each map's largest value. */
export type Invariance = Infer<typeof invarianceSchema>;

/** From the gaps of samples (`inputInvarianceGap`). @throws RangeError without any. */
export function invarianceOf(gaps: readonly number[], limits = SANITY_THRESHOLDS): Invariance {
  requireArguments("invarianceOf", { gaps: [gaps, anyNumbers], limits: [limits, someThresholds] });
  const sorted = gaps.filter((gap) => Number.isFinite(gap)).sort((a, b) => a - b);
  if (sorted.length === 0) throw new RangeError("invarianceOf: no gap is a number; one sample's at least is needed");
  const kept = sorted.filter((gap) => gap <= limits.gap).length / gaps.length;
  return {
    median: sorted[Math.floor(sorted.length / 2)],
    largest: sorted.at(-1)!,
    kept,
    invariant: kept >= limits.invariant,
  };
}

/** Source of the test: Kindermans et al. 2019, sec. 3. */
export function invarianceVerdict(invariance: Invariance): SanityVerdict {
  requireArguments("invarianceVerdict", { invariance: [invariance, anInvariance] });
  const { median, invariant } = invariance;
  if (invariant) return { grade: "passes", words: "kept" };
  return { grade: "fails", words: `broken: a shift moves its map by ${figure(median)} times its largest value` };
}
