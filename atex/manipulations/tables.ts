/** What was measured of one manipulation, as tables. */

import { listOf } from "../../engine/kinds.js";
import { requireArguments } from "../../engine/options.js";
import { type Quantity, select, valuesOf } from "../experiments/aggregate.js";
import { targetOf } from "../experiments/overview.js";
import { basis, formatted, schemesIn, type TableData } from "../experiments/tables.js";
import { aQuantity, aWords } from "./kinds.js";

export interface Words {
  /** Of the first table. */
  readonly title: string;
  /** What the network of a scheme is called. */
  readonly networkTitle: (scheme: string) => string;
}

/** Effect, transfer, costs, detectors: those of which something was measured. */
export function manipulationTables(all: readonly Quantity[], words: Words): TableData[] {
  requireArguments("manipulationTables", { all: [all, listOf(aQuantity, "quantities")], words: [words, aWords] });
  return [
    effectTable(all, words),
    ...transferTable(all, words),
    ...otherTable(all, words),
    ...detectorTable(all, words),
  ];
}

const share = (q: Quantity | undefined): string => formatted(q, 2);

/** How well it worked, and on what it was not made for. */
function effectTable(all: readonly Quantity[], { title, networkTitle }: Words): TableData {
  const of = (scheme: string, samples: string, metric: string): Quantity | undefined =>
    select(all, { scheme, metric, conditions: { samples } })[0];
  const made = (scheme: string, samples: string, metric: string): Quantity | undefined =>
    select(all, { scheme, metric, conditions: { samples } }).find(
      (q) => q.conditions.explainer === targetOf(select(all, { scheme })),
    );
  const rows = schemesIn(all).flatMap((scheme) =>
    valuesOf<string>(all, "samples").map((samples) => [
      networkTitle(scheme),
      samples,
      share(of(scheme, samples, "prediction as wanted")),
      formatted(of(scheme, samples, "change of probabilities")),
      formatted(of(scheme, samples, "largest change of the input")),
      share(made(scheme, samples, "fooled")),
      share(made(scheme, samples, "fooled before")),
      formatted(made(scheme, samples, "statistic")),
      formatted(made(scheme, samples, "spearman")),
      formatted(made(scheme, samples, "topK")),
    ]),
  );
  return {
    title,
    header: [
      ...["network", "samples", "prediction as wanted", "change of probabilities", "largest change of the input"],
      ...["fooling success rate", "with nothing done", "statistic", "Spearman", "top-k"],
    ],
    rows,
    caption: `${basis(select(all, { metric: "fooled" }))} Under ${targetOf(select(all, { scheme: schemesIn(all)[0] }))}, which it was made for; Spearman and top-k compare the explanation before with the one after.`,
  };
}

/** How far it carries over to other explainers. */
function transferTable(all: readonly Quantity[], { networkTitle }: Words): TableData[] {
  const here = select(all, { conditions: { samples: "made for" } });
  const explainers = valuesOf<string>(select(here, { metric: "fooled" }), "explainer");
  if (explainers.length < 2) return [];
  const schemes = schemesIn(here);
  return [
    {
      title: "Under other explainers",
      header: [
        "explainer",
        ...schemes.flatMap((scheme) => {
          const title = networkTitle(scheme);
          return [`fooled, ${title}`, `with nothing done, ${title}`, `statistic, ${title}`, `Spearman, ${title}`];
        }),
      ],
      rows: explainers.map((explainer) => [
        explainer,
        ...schemes.flatMap((scheme) =>
          ["fooled", "fooled before", "statistic", "spearman"].map((metric) =>
            formatted(select(here, { scheme, metric, conditions: { explainer } })[0], 2),
          ),
        ),
      ]),
      caption: basis(select(here, { metric: "fooled" })),
    },
  ];
}

/** Numbers that are neither about samples nor about explainers alone: costs, and what is special about the manipulation. */
function otherTable(all: readonly Quantity[], { networkTitle }: Words): TableData[] {
  const special = all.filter(({ conditions }) => conditions.detector === undefined && conditions.samples === undefined);
  if (special.length === 0) return [];
  const schemes = schemesIn(special);
  const nameOf = ({ metric, conditions }: Quantity): string =>
    [metric, ...Object.entries(conditions).map(([name, value]) => `${name} ${value}`)].join(", ");
  return [
    {
      title: "Cost, and what else was measured",
      header: ["", ...schemes.map((scheme) => networkTitle(scheme))],
      rows: [...new Set(special.map(nameOf))].map((name) => [
        name,
        ...schemes.map((scheme) => formatted(special.find((q) => q.scheme === scheme && nameOf(q) === name))),
      ]),
      caption: `${special.some(({ values }) => values.size > 1) ? "Mean and 95 % interval over seeds." : "From one seed."} Accuracies in percent.`,
    },
  ];
}

/** What noticed or undid it. */
function detectorTable(all: readonly Quantity[], { networkTitle }: Words): TableData[] {
  const detectors = valuesOf<string>(all, "detector");
  if (detectors.length === 0) return [];
  return [
    {
      title: "What notices or undoes it",
      header: ["detector", "network", "noticed (AUROC)", "fooled in spite of it", "Spearman restored"],
      rows: detectors.flatMap((detector) =>
        schemesIn(all).map((scheme) => [
          detector,
          networkTitle(scheme),
          ...["noticed (AUROC)", "fooled in spite of it", "Spearman restored"].map((metric) =>
            formatted(select(all, { scheme, metric, conditions: { detector } })[0], 2),
          ),
        ]),
      ),
      caption: "AUROC 0.5 is guessing; 1 tells every manipulated explanation from every clean one.",
    },
  ];
}
