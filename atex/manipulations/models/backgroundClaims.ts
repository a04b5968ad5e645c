/** What Laberge et al. 2023 say about chosen backgrounds, judged by what was measured. */
import { type Quantity, select } from "../../experiments/aggregate.js";
import type { Findings } from "../../experiments/kind.js";
import { type Claim, judged, only, reached } from "../../experiments/verdicts.js";

/** Metrics that claims are about. */
export const [SIZE, DECREASE, NOTICED] = [
  "mean absolute attribution of the sensitive column",
  "relative decrease of the sensitive column's attribution",
  "the audit notices (1) or not (0)",
];

/** What a sample is called that stays close in rows or in outputs. */
export const closeIn = (what: string): string => `chosen, close in ${what}`;

export function backgroundClaims({ all }: Findings): readonly Claim[] {
  const found = select(all, { metric: DECREASE });
  const of = ({ data, scheme }: Quantity, metric: string, conditions: Quantity["conditions"]): Quantity | undefined =>
    only(all, { data, scheme, metric, conditions });
  const nameOf = ({ data, conditions }: Quantity): string => `${data}, ${conditions.background}`;
  const largest = [...found].sort((a, b) => b.estimate.mean - a.estimate.mean)[0];
  return [
    judged(
      "a chosen background lowers the attribution of the sensitive column (Laberge et al. 2023, sec. 5)",
      found.map((q) => ({ label: nameOf(q), gain: q.estimate })),
    ),
    reached(
      "the audit's tests do not notice in any of the runs, against rows that the attacker has not seen (Laberge et al. 2023, sec. 5)",
      found.map((q) => ({
        label: nameOf(q),
        quantity: of(q, NOTICED, { ...q.conditions, against: "rows unseen" }),
      })),
      { most: 0.05 },
    ),
    reached(
      "the attribution of the sensitive column falls by up to 90 % (Laberge et al. 2023, abstract)",
      largest ? [{ label: nameOf(largest), quantity: largest }] : [],
      { least: 0.9 },
    ),
  ];
}
