/** What Dimanov et al. 2020 say, judged by what was measured. */
import { difference, type Quantity, select, valuesOf } from "../../experiments/aggregate.js";
import type { Findings } from "../../experiments/kind.js";
import { type Claim, judged, reached } from "../../experiments/verdicts.js";

/** Rows that a share has to rest on, in every seed. */
const ENOUGH = 5;

export function concealmentClaims({ name, all }: Findings): Claim[] {
  return [...new Set(all.map(({ data }) => data))].flatMap((data) =>
    claimsOn(`${name}, ${data}`, select(all, { data })),
  );
}

function claimsOn(where: string, all: readonly Quantity[]): Claim[] {
  const of = (metric: string, conditions = {}): Quantity[] => select(all, { metric, conditions });
  const explainers = valuesOf<string>(of("mean rank"), "explainer");
  const rank = (network: string, explainer: string): Quantity | undefined => of("mean rank", { network, explainer })[0];
  return [
    firstRank(
      where,
      of("left the first rank", { network: "concealed" }),
      of("share of rows", { network: "honest", rank: 1 }),
    ),
    reached(
      `${where}: concealing costs at most 2 points of accuracy (Dimanov et al. 2020)`,
      of("accuracy lost").map((quantity) => ({ label: "share of test rows", quantity })),
      { most: 0.02 },
    ),
    judged(
      `${where}: the column ranks later than in the honest network under every explainer (Dimanov et al. 2020)`,
      explainers.map((explainer) => ({
        label: `mean rank under ${explainer}`,
        gain: difference(rank("concealed", explainer), rank("honest", explainer)),
      })),
    ),
  ];
}

/** "Leaves the first rank" says something only where the column was first. */
function firstRank(where: string, left: readonly Quantity[], firsts: readonly Quantity[]): Claim {
  const paper = `${where}: under at least two explainers the column leaves the first rank in at least 90 % of the rows where the honest network shows it first (Dimanov et al. 2020)`;
  const judgeable = left
    .filter(({ count }) => count >= ENOUGH)
    .sort((a, b) => b.estimate.mean - a.estimate.mean)
    .map((quantity) => ({ label: `${quantity.conditions.explainer}, ${quantity.count} rows`, quantity }));
  if (judgeable.length >= 2) return reached(paper, judgeable.slice(0, 2), { least: 0.9 });
  const shares = firsts.map(({ conditions, estimate }) => `${estimate.mean.toFixed(3)} (${conditions.explainer})`);
  return {
    paper,
    verdict: "not measured",
    measured: `the honest network shows the column first in too few rows, a share of ${shares.join(", ")}; ${ENOUGH} rows under two explainers are needed`,
  };
}
