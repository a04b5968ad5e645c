/** What Ghorbani, Abid, Zou 2019 say of their attacks, and what was measured. */
import { difference, type Quantity, select, valuesOf } from "../../experiments/aggregate.js";
import type { Findings } from "../../experiments/kind.js";
import type { Estimate } from "../../experiments/statistics.js";
import { type Claim, type Comparison, judged } from "../../experiments/verdicts.js";

export function ghorbaniClaims({ all, experiment }: Findings): Claim[] {
  const explainers = valuesOf<string>(select(all, { metric: "fooled when attacked" }), "explainer");
  // Random signs alone attack nothing.
  if (explainers.length === 0) return [];
  return [
    judged(
      "Integrated gradients and SmoothGrad resist longer than the plain gradient (Ghorbani et al. 2019, sec. 3; Dombrowski et al. 2019)",
      ["integrated-gradients", "smoothgrad"].flatMap((name) => compared(all, name, explainers)),
    ),
    judged(
      "Random sign noise of the same size, even the best of as many draws as an attack has steps, does much less than an attack (Ghorbani et al. 2019, fig. 3, of one draw)",
      perScheme(all).flatMap(([label, own]) =>
        explainers.map(
          (explainer): Comparison => ({
            label: `${explainer}, ${label}`,
            gain: further(statistic(own, explainer, ATTACKED), statistic(own, explainer, RANDOM)),
          }),
        ),
      ),
    ),
  ];

  function compared(of: readonly Quantity[], name: string, names: readonly string[]): Comparison[] {
    if (!names.includes(name) || !names.includes("gradient")) return [];
    return perScheme(of).map(([label, own]) => ({
      label: `${name}, ${label}`,
      gain: further(statistic(own, "gradient", ATTACKED), statistic(own, name, ATTACKED)),
    }));
  }

  /** How much further the first map was moved than the second: a top lost, a centre moved, a region filled. */
  function further(one: Quantity | undefined, other: Quantity | undefined): Estimate | undefined {
    return experiment.objective === "top-k" ? difference(other, one) : difference(one, other);
  }
}

const ATTACKED = " when attacked";
const RANDOM = " under random signs";

function statistic(all: readonly Quantity[], explainer: string, way: string): Quantity | undefined {
  return all.find(
    ({ metric, conditions }) =>
      metric.endsWith(way) && !metric.startsWith("fooled") && conditions.explainer === explainer,
  );
}

/** What there is of each data set and scheme. */
export function perScheme(all: readonly Quantity[]): (readonly [label: string, all: readonly Quantity[]])[] {
  const labels = [...new Set(all.map(({ data, scheme }) => `${data}, ${scheme}`))];
  return labels.map((label) => [label, all.filter(({ data, scheme }) => `${data}, ${scheme}` === label)]);
}
