/** What an ensemble of attacks leaves of maps, beside what the attack leaves that aims at each measure. */
import { ENSEMBLE_MEASURES } from "../attacks/ensemble.js";
import { growsApart } from "../judge.js";
import { difference, type Quantity, select, valuesOf } from "./aggregate.js";
import type { Conditions } from "./cells.js";
import type { ReproduceConfig } from "./config.js";
import { AIMED, PASSES } from "./measuring.js";
import { basis, formatted, metricTitle, schemesIn, type TableData } from "./tables.js";
import type { Comparison } from "./verdicts.js";

export const ENSEMBLE = "ensemble";
/** The attacks of the ATEX paper's tables, under each of which it reports all measures. */
export const PAPERS_ATTACKS: readonly unknown[] = ["untargeted", "targeted"];
/** Measures that have their own column for a random change: there attacks and chance are told apart least easily. */
const WITH_CHANCE: readonly string[] = ["topK", "spearman"];

type Measure = (typeof ENSEMBLE_MEASURES)[number];

export function ofEnsembles(all: readonly Quantity[]): Quantity[] {
  return select(all, { conditions: { objective: ENSEMBLE } });
}

/** Of each measure: under its own attack, under the ensemble, under a random change. `all` is of one explainer. */
export function ensembleTable(data: string, all: readonly Quantity[], { schemes, k }: ReproduceConfig): TableData {
  const under = ofEnsembles(all);
  const [{ conditions }] = under;
  const measures = ENSEMBLE_MEASURES.filter((measure) => select(under, { metric: measure }).length > 0);
  const columns = measures.flatMap((measure): [string, string][] => {
    const title = metricTitle(measure, k);
    return [
      [`${AIMED}${measure}`, `${title}, attack on it`],
      [measure, `${title}, ensemble`],
      ...(WITH_CHANCE.includes(measure) ? [[`control ${measure}`, `${title}, random`] as [string, string]] : []),
    ];
  });
  const passes = [...new Set(select(under, { metric: PASSES }).map(({ estimate }) => estimate.mean))];
  return {
    title: `${data}: attacks on ${conditions.explainer} maps`,
    header: ["eps1", "", "accuracy, %", ...columns.map(([, title]) => title)],
    rows: valuesOf<number>(under, "eps").flatMap((eps) => {
      const here = select(under, { conditions: { eps } });
      return schemesIn(here).map((scheme) => [
        String(eps),
        schemes[scheme].title,
        formatted(accuracyOf(all, scheme, eps)),
        ...columns.map(([metric]) =>
          formatted(select(here, { scheme, metric })[0], metric.endsWith("centre") ? 2 : undefined),
        ),
      ]);
    }),
    caption:
      `${basis(select(under, { metric: measures[0] }))} Agreement of attacked with clean maps, 1 is unchanged; the centre in pixels, 0 is unchanged. Of each measure what the attack leaves that ` +
      `aims at it, what the ensemble leaves (of all attacks, image by image, the worst by that measure; ${passes.join(" or ")} maps are differentiated for an image, ` +
      `${conditions.steps} steps from each start), and a change as large without an aim. Every attacked image is correctly classified before and predicted alike after.`,
  };
}

/** The accuracy of the network that was trained for eps1, or of the one for all. */
export function accuracyOf(all: readonly Quantity[], scheme: string, eps: number): Quantity | undefined {
  const accuracies = select(all, { scheme, metric: "accuracy" });
  return accuracies.find((q) => q.conditions.eps === eps) ?? accuracies.find((q) => q.conditions.eps === undefined);
}

/** Something that an attack leaves, by which networks are compared. */
export interface Left {
  readonly label: string;
  readonly metric: string;
  readonly conditions: Conditions;
  /** Larger values say that less is left. */
  readonly reversed?: boolean;
}

const SHORT: Readonly<Record<Measure, string>> = {
  topK: "top-k",
  spearman: "Spearman",
  ssim: "SSIM",
  centre: "centre",
};

/** Some measures under the ensemble and, if wanted, under the attack on each, at every eps1. */
export function leftByEnsembles(
  all: readonly Quantity[],
  { measures = ENSEMBLE_MEASURES, aimed }: { readonly measures?: readonly Measure[]; readonly aimed: boolean },
): Left[] {
  const under = ofEnsembles(all);
  return valuesOf<number>(under, "eps").flatMap((eps) =>
    measures.flatMap((measure) =>
      [...(aimed ? [AIMED] : []), ""].flatMap((way) => {
        const metric = way + measure;
        if (select(under, { metric }).length === 0) return [];
        const conditions = { objective: ENSEMBLE, eps };
        const label = `${way === "" ? "ensemble" : "attack on it"}, eps1 ${eps}, ${SHORT[measure]}`;
        return [{ label, metric, conditions, reversed: growsApart(measure) }];
      }),
    ),
  );
}

/** What one scheme has more of than another. */
export function gains(
  all: readonly Quantity[],
  left: readonly Left[],
  [a, b]: readonly [string, string],
): Comparison[] {
  return left.map(({ label, metric, conditions, reversed }) => {
    const [p, q] = [a, b].map((scheme) => {
      const found = select(all, { scheme, metric, conditions }).sort((x, y) => x.estimate.mean - y.estimate.mean);
      return reversed ? found.at(-1) : found[0];
    });
    return { label, gain: reversed ? difference(q, p) : difference(p, q) };
  });
}
