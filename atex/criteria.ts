/** The four criteria by which a manipulation of explanations is judged: effectiveness at its cost, transferability to other explainers,
 *  stability over seeds, generalisation to samples that it was not made for. Plain numbers in, tables out. */

import { aText, listOf, required } from "../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../engine/options.js";
import { anyObject } from "../nn/kinds.js";
import { wilsonInterval } from "./experiments/statistics.js";
import { aCriteria, aManipulationResult } from "./manipulations/kinds.js";
import type { FoolingInterval } from "./metrics/heo.js";
import { markdownTable, markdownText } from "./render/markdown.js";

/** What a manipulation did to each sample, under one explainer and one seed. */
export interface ManipulationResult {
  readonly explainer: string;
  readonly seed: number;
  /** The samples that it was made for, or others. */
  readonly samples: "made for" | "held out";
  /** Whether each sample's prediction was kept. */
  readonly kept: ArrayLike<boolean | number>;
  /** Of each sample; NaN where it has no value. */
  readonly statistic: ArrayLike<number>;
}

/** Results of one manipulation, sample by sample, and which values of its statistic count as fooled. */
export interface CriteriaOptions {
  /** Its name in tables. */
  readonly manipulation: string;
  /** The explainer it was made for. */
  readonly target: string;
  readonly results: readonly ManipulationResult[];
  /** Where a statistic counts as fooled: one interval for all explainers, or one for each by name. */
  readonly interval: FoolingInterval | Readonly<Record<string, FoolingInterval>>;
  /** What it takes, in words and numbers: points of accuracy lost, size of the perturbation. */
  readonly cost?: Readonly<Record<string, number>>;
}

const CRITERIA_OPTIONS: KindsOf<CriteriaOptions> = {
  manipulation: required(aText),
  target: required(aText),
  results: required(listOf(aManipulationResult, "manipulation results")),
  interval: required(anyObject),
  cost: anyObject,
};

/** A fooling success rate with its 95 % Wilson interval, all in [0, 1]; NaN of no samples. */
export interface FoolingRate {
  readonly fooled: number;
  /** Samples that count. */
  readonly n: number;
  readonly rate: number;
  readonly low: number;
  readonly high: number;
  /** Samples left out: the prediction was kept and the statistic has no value. */
  readonly undefined: number;
}

/** How one manipulation fares by the survey's four criteria (Heusser 2021), each a fooling success rate. */
export interface Criteria {
  readonly manipulation: string;
  readonly target: string;
  readonly cost: Readonly<Record<string, number>>;
  /** Under the explainer and on the samples it was made for, all seeds together. The interval speaks of samples, not of seeds. */
  readonly effectiveness: FoolingRate;
  /** Under each other explainer, on the samples it was made for, all seeds together. */
  readonly transferability: Readonly<Record<string, FoolingRate>>;
  /** Under the explainer and on the samples it was made for, seed by seed; smallest and largest rate. */
  readonly stability: {
    readonly seeds: readonly (FoolingRate & { readonly seed: number })[];
    readonly smallest: number;
    readonly largest: number;
  };
  /** Under the explainer it was made for, on held-out samples; undefined where there are none. */
  readonly generalisation?: FoolingRate;
}

/** From results for each sample to the survey's four criteria; a rate is Heo's fooling success rate: samples whose prediction was kept and
 *  whose statistic lies in the interval, ends included, of all that count. Sources: Heo, Joo, Moon 2019, sec. 4 (rate); Wilson 1927
 *  (interval).
 *  @throws RangeError for no results on the target, lists of different lengths, the same result twice, or an explainer without interval. */
export function manipulationCriteria(options: CriteriaOptions): Criteria {
  checkedOptions("manipulationCriteria", options, CRITERIA_OPTIONS);
  const { manipulation, target, results, cost = {} } = options;
  const seen = new Set<string>();
  for (const { explainer, seed, samples, kept, statistic } of results) {
    const name = `${explainer}, seed ${seed}, samples ${samples}`;
    if (seen.has(name)) throw new RangeError(`criteria: ${name} came twice; each result is needed once`);
    seen.add(name);
    if (kept.length !== statistic.length || kept.length === 0)
      throw new RangeError(
        `criteria: ${name}: ${kept.length} predictions and ${statistic.length} statistics; as many of both, at least one, are needed`,
      );
  }
  const rateOf = (explainer: string, chosen: readonly ManipulationResult[]): FoolingRate =>
    foolingRate(chosen, intervalOf(options.interval, explainer));
  const of = (explainer: string, samples: ManipulationResult["samples"]): ManipulationResult[] =>
    results.filter((one) => one.explainer === explainer && one.samples === samples);
  const own = of(target, "made for");
  if (own.length === 0)
    throw new RangeError(
      `criteria: no result of ${target} on samples that ${manipulation} was made for; one at least is needed`,
    );
  const others = [...new Set(results.map(({ explainer }) => explainer))].filter(
    (name) => name !== target && of(name, "made for").length > 0,
  );
  const seeds = own.map((one) => ({ seed: one.seed, ...rateOf(target, [one]) }));
  const rates = seeds.map(({ rate }) => rate).filter((rate) => !Number.isNaN(rate));
  const held = of(target, "held out");
  return {
    ...{ manipulation, target, cost },
    effectiveness: rateOf(target, own),
    transferability: Object.fromEntries(others.map((name) => [name, rateOf(name, of(name, "made for"))])),
    stability: {
      seeds,
      smallest: rates.length === 0 ? Number.NaN : Math.min(...rates),
      largest: rates.length === 0 ? Number.NaN : Math.max(...rates),
    },
    generalisation: held.length === 0 ? undefined : rateOf(target, held),
  };
}

const ENDS: readonly string[] = ["low", "high"];

function intervalOf(given: CriteriaOptions["interval"], explainer: string): FoolingInterval {
  const entries = Object.entries(given);
  const single = entries.every(([name, value]) => ENDS.includes(name) && typeof value !== "object");
  const found = single ? (given as FoolingInterval) : (given as Readonly<Record<string, FoolingInterval>>)[explainer];
  if (!found)
    throw new RangeError(
      `criteria: no interval for ${explainer}; there is one for ${entries.map(([name]) => name).join(", ")}`,
    );
  const { low = Number.NEGATIVE_INFINITY, high = Number.POSITIVE_INFINITY } = found;
  if (!(low <= high)) throw new RangeError(`criteria: interval [${low}, ${high}] of ${explainer} has nothing in it`);
  return { low, high };
}

function foolingRate(results: readonly ManipulationResult[], { low, high }: FoolingInterval): FoolingRate {
  let [fooled, n, left] = [0, 0, 0];
  for (const { kept, statistic } of results)
    for (let i = 0; i < statistic.length; i++) {
      if (kept[i] && Number.isNaN(statistic[i])) {
        left++;
        continue;
      }
      n++;
      if (kept[i] && statistic[i] >= low! && statistic[i] <= high!) fooled++;
    }
  return { fooled, n, rate: fooled / n, ...wilsonInterval(fooled, n), undefined: left };
}

const percent = (share: number): string => (Number.isNaN(share) ? "–" : `${(100 * share).toFixed(1)} %`);

function rateText({ rate, low, high, n, undefined: left }: FoolingRate): string {
  if (n === 0) return `no sample counts (${left} left out)`;
  const out = left > 0 ? `, ${left} left out` : "";
  return `${percent(rate)} (${percent(low)} to ${percent(high)}, n ${n}${out})`;
}

/** Criteria as Markdown: a table for each manipulation. */
export function criteriaMarkdown(all: readonly Criteria[]): string {
  requireArguments("criteriaMarkdown", { all: [all, listOf(aCriteria, "criteria")] });
  return all
    .map(({ manipulation, target, cost, effectiveness, transferability, stability, generalisation }) => {
      const spent = Object.entries(cost).map(([name, value]) => `${name} ${value}`);
      const { seeds, smallest, largest } = stability;
      const rows = [
        [
          "effectiveness",
          `under ${target}${spent.length > 0 ? `, at ${spent.join(", ")}` : ""}`,
          rateText(effectiveness),
        ],
        ...Object.entries(transferability).map(([name, rate]) => ["transferability", `under ${name}`, rateText(rate)]),
        ...seeds.map(({ seed, ...rate }) => ["stability", `seed ${seed}`, rateText(rate)]),
        [
          "stability",
          `${seeds.length} seed${seeds.length === 1 ? "" : "s"}`,
          `${percent(smallest)} to ${percent(largest)}`,
        ],
        ["generalisation", "on held-out samples", generalisation ? rateText(generalisation) : "–"],
      ];
      const header = ["criterion", "where", "fooling success rate (95 % interval)"];
      return `### ${markdownText(manipulation)}\n\n${markdownTable(header, rows)}\n`;
    })
    .join("\n");
}
