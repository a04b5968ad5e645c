/** What Slack et al. 2020 and the survey say about scaffolds, judged by what was measured. */
import { difference, type Quantity, select } from "../../experiments/aggregate.js";
import type { Findings } from "../../experiments/kind.js";
import { type Claim, judged, only, reached } from "../../experiments/verdicts.js";

/** "Nearly all" rows. */
const NEARLY_ALL = 0.95;

export function scaffoldingClaims({ all }: Findings): readonly Claim[] {
  const places = [...new Map(select(all, { metric: "rank 1" }).map((q) => [`${q.data} ${q.scheme}`, q])).values()];
  const first = ({ data, scheme }: Quantity, column: string, explainer: string, model: string): Quantity | undefined =>
    only(all, { data, scheme, metric: "rank 1", conditions: { column, explainer, model } });
  const under = (column: string, model: string, explainers: readonly string[]) =>
    places.flatMap((place) =>
      explainers.map((explainer) => ({
        label: `${place.data}, ${explainer}`,
        quantity: first(place, column, explainer, model),
      })),
    );
  const both = ["lime", "kernel-shap"];
  return [
    reached(
      "the sensitive column is first in nearly all rows of the biased model (Slack et al. 2020, fig. 2)",
      under("sensitive", "honest", both),
      { least: NEARLY_ALL },
    ),
    reached(
      "in at most 2 % of rows of the scaffolded model under LIME (survey; 0.002 on COMPAS)",
      under("sensitive", "scaffolded", ["lime"]),
      { most: 0.02 },
    ),
    reached(
      "the unrelated column takes its place under LIME in nearly all rows (Slack et al. 2020; 99.7 % on COMPAS in their printed run)",
      under("unrelated", "scaffolded", ["lime"]),
      { least: NEARLY_ALL },
    ),
    judged(
      "it works less well under SHAP: the unrelated column is first less often than under LIME (Slack et al. 2020, sec. 4.2)",
      places.map((place) => ({
        label: place.data,
        gain: difference(
          first(place, "unrelated", "lime", "scaffolded"),
          first(place, "unrelated", "kernel-shap", "scaffolded"),
        ),
      })),
    ),
    reached(
      "on real rows the scaffolded model predicts as the biased one does (Slack et al. 2020, sec. 4.2)",
      select(all, { metric: "fidelity on test rows" }).map((quantity) => ({
        label: `${quantity.data}, ${quantity.conditions.explainer}`,
        quantity,
      })),
      { least: NEARLY_ALL },
    ),
  ];
}
