/** What Noppel, Peter, Wressnegger 2023 say about backdoors in explanations, judged by what was measured. */
import { difference, type Quantity, select } from "../../experiments/aggregate.js";
import type { Findings } from "../../experiments/kind.js";
import { type Claim, reached } from "../../experiments/verdicts.js";

/** Bounds in numbers are ours; the paper speaks of success in nearly all cases at nearly the same accuracy. */
export function backdoorClaims({ name, all }: Findings): Claim[] {
  const of = (metric: string, conditions: Readonly<Record<string, string>>): Quantity | undefined =>
    select(all, { metric, conditions })[0];
  const [before, after] = ["accuracy before", "accuracy"].map((metric) => of(metric, {}));
  const lost = difference(before, after);
  const plain = { network: "manipulated", input: "without trigger" };
  const one = (label: string, quantity: Quantity | undefined) => [{ label, quantity }];
  const claims = [
    reached(
      `${name}: under the trigger nearly all predictions of held-out images are as wanted (at least 90 %)`,
      one("with trigger", of("prediction as wanted", { samples: "held out" })),
      { least: 0.9 },
    ),
    reached(
      `${name}: under the trigger at least 80 % of held-out images show the wanted map besides`,
      one("with trigger", of("fooled", { samples: "held out" })),
      { least: 0.8 },
    ),
    reached(
      `${name}: at most 2 points of accuracy are lost`,
      one("accuracy lost", lost && before && { ...before, estimate: lost }),
      { most: 0.02 },
    ),
    reached(
      `${name}: without the trigger maps are those of the honest network (correlation at least 0.5)`,
      one("without trigger", of("Pearson with the honest map", plain)),
      { least: 0.5 },
    ),
    reached(
      `${name}: without the trigger the picture does not show (at most 5 % of held-out images)`,
      one("without trigger", of("shows the picture", plain)),
      { most: 0.05 },
    ),
  ];
  return claims.filter(({ verdict }) => verdict !== "not measured");
}
