/** What Heo, Joo, Moon 2019 say about fooling by further training, judged by what was measured. */
import { difference, type Quantity, select, valuesOf } from "../../experiments/aggregate.js";
import type { Findings } from "../../experiments/kind.js";
import { type Claim, judged, reached } from "../../experiments/verdicts.js";
import { FOOLED_MAPS, HONEST_MAPS } from "./stillUsed.js";

/** The explainer that averages over noise. */
const RESISTS = "smoothgrad";

export function foolingClaims({ name, all }: Findings): Claim[] {
  const fooled = select(all, { metric: "fooled", conditions: { samples: "made for" } });
  const own = String(fooled[0]?.conditions.explainer);
  const others = valuesOf<string>(fooled, "explainer").filter((one) => one !== own);
  const under = (metric: string, explainer: string): Quantity | undefined =>
    select(all, { metric, conditions: { samples: "made for", explainer } })[0];
  const labelled = (metric: string, samples: string) =>
    select(all, { metric, conditions: { samples, explainer: own } }).map((quantity) => ({ label: own, quantity }));
  const lost = difference(select(all, { metric: "accuracy before" })[0], select(all, { metric: "accuracy" })[0]);
  const before = select(all, { metric: "accuracy before" })[0];
  const aopc = (network: string, order: string): Quantity | undefined =>
    select(all, { metric: "AOPC", conditions: { network, order } })[0];
  const claims = [
    reached(
      `${name}: at least 80 % of images that it was not trained on are fooled under ${own}, predictions kept (survey sec. 4.2)`,
      labelled("fooled", "held out"),
      { least: 0.8 },
    ),
    reached(
      `${name}: at most 2 points of accuracy are lost`,
      [{ label: "accuracy lost", quantity: lost && before && { ...before, estimate: lost } }],
      { most: 0.02 },
    ),
    judged(
      `${name}: fooling carries over to other explainers in part: more is fooled than of the untouched network`,
      others.map((explainer) => ({
        label: explainer,
        gain: difference(under("fooled", explainer), under("fooled before", explainer)),
      })),
    ),
    judged(
      `${name}: least to SmoothGrad`,
      others
        .filter((one) => one !== RESISTS)
        .map((explainer) => ({
          label: `${explainer} − ${RESISTS}`,
          gain: difference(under("fooled", explainer), under("fooled", RESISTS)),
        })),
    ),
    judged(`${name}: the network still uses what its maps hide (AOPC along the honest maps)`, [
      { label: "honest maps − random order", gain: difference(aopc("fooled", HONEST_MAPS), aopc("fooled", "random")) },
      {
        label: "honest maps − fooled maps",
        gain: difference(aopc("fooled", HONEST_MAPS), aopc("fooled", FOOLED_MAPS)),
      },
    ]),
  ];
  return claims.filter(({ verdict }) => verdict !== "not measured");
}
