/** What Dombrowski et al. 2019 say of target maps, and what was measured. */
import { difference, type Quantity, select, valuesOf } from "../../experiments/aggregate.js";
import type { Findings } from "../../experiments/kind.js";
import { type Claim, judged, reached } from "../../experiments/verdicts.js";
import { perScheme } from "./ghorbaniClaims.js";

export function targetMapClaims({ all }: Findings): Claim[] {
  const each = (metric: string): { label: string; quantity: Quantity }[] =>
    perScheme(all).flatMap(([label, own]) =>
      select(own, { metric }).map((quantity) => ({
        label: [quantity.conditions.explainer, label].filter(Boolean).join(", "),
        quantity,
      })),
    );
  const betas = valuesOf<number>(select(all, { metric: "smoothed: Pearson with target" }), "beta");
  const bluntest = Math.min(...betas);
  return [
    reached(
      "The map shows the target: a Pearson correlation above 0.8 under every explainer (Dombrowski et al. 2019, sec. 2.2)",
      each("Pearson with target"),
      { least: 0.8 },
    ),
    reached("where there was next to none before", each("Pearson with target, before"), { most: 0.4 }),
    reached("and no probability changes by 0.01", each("output change, largest"), { most: 0.01 }),
    judged(
      `Beta-smoothing undoes it: smoothed with beta ${bluntest}, the map is more like the clean one than like the target (sec. 4)`,
      perScheme(all).flatMap(([label, own]) =>
        select(own, { metric: "smoothed: Pearson with clean", conditions: { beta: bluntest } }).map((clean) => ({
          label: `${clean.conditions.explainer}, ${label}`,
          gain: difference(
            clean,
            select(own, { metric: "smoothed: Pearson with target", conditions: clean.conditions })[0],
          ),
        })),
      ),
    ),
    reached(
      "On a level set the gradient turns no farther than the largest curvature times the way (theorem 1)",
      each("level set: share within the bound").map(({ label, quantity }) => ({
        label: [quantity.conditions.beta && `beta ${quantity.conditions.beta}`, label].filter(Boolean).join(", "),
        quantity,
      })),
      { least: 1 },
    ),
  ];
}
