/** What Laberge et al. 2023 say about chosen backgrounds, judged by what was measured. */
import { difference, type Quantity, select } from "../../experiments/aggregate.js";
import type { Findings } from "../../experiments/kind.js";
import { type Claim, judged, only, reached } from "../../experiments/verdicts.js";

/** Metrics that claims are about. */
export const [SIZE, DECREASE, LEAST_P] = [
  "mean absolute attribution of the sensitive column",
  "relative decrease of the sensitive column's attribution",
  "smaller p-value of the audit's two tests",
];

/** What a sample is called that stays close in rows or in outputs. */
export const closeIn = (what: string): string => `chosen, close in ${what}`;

export function backgroundClaims({ all, experiment }: Findings): readonly Claim[] {
  const found = select(all, { metric: DECREASE });
  const of = ({ data, scheme }: Quantity, metric: string, conditions: Quantity["conditions"]): Quantity | undefined =>
    only(all, { data, scheme, metric, conditions });
  const nameOf = ({ data, conditions }: Quantity): string => `${data}, ${conditions.background}`;
  const largest = [...found].sort((a, b) => b.estimate.mean - a.estimate.mean)[0];
  return [
    judged(
      "a chosen background lowers the attribution of the sensitive column (Laberge et al. 2023, sec. 5)",
      found.map((q) => ({
        label: nameOf(q),
        gain: difference(of(q, SIZE, { background: "honest" }), of(q, SIZE, q.conditions)),
      })),
    ),
    reached(
      "the audit's tests do not notice, against rows that the attacker has not seen (Laberge et al. 2023, sec. 5)",
      found.map((q) => ({
        label: nameOf(q),
        quantity: of(q, LEAST_P, { ...q.conditions, against: "rows unseen" }),
      })),
      { least: Number(experiment.level) / 2 },
    ),
    reached(
      "by up to 90 % (Laberge et al. 2023, abstract)",
      largest ? [{ label: nameOf(largest), quantity: largest }] : [],
      { least: 0.9 },
    ),
  ];
}
