/** What Anders et al. 2020 say, judged by what was measured. */
import { difference, type Quantity, select } from "../../experiments/aggregate.js";
import type { Findings } from "../../experiments/kind.js";
import { type Claim, judged, reached } from "../../experiments/verdicts.js";

/** Pearson correlation from which on the picture is there, and up to which it is not. */
const [THERE, GONE] = [0.5, 0.3];

export function fairwashingClaims({ name, all }: Findings): Claim[] {
  return [...new Set(all.map(({ data }) => data))].flatMap((data) =>
    claimsOn(`${name}, ${data}`, select(all, { data })),
  );
}

function claimsOn(where: string, all: readonly Quantity[]): Claim[] {
  const of = (metric: string, conditions = {}): Quantity | undefined => select(all, { metric, conditions })[0];
  const student = (metric: string, map: string): Quantity | undefined => of(metric, { network: "student", map });
  const teacher = (metric: string, map: string): Quantity | undefined => of(metric, { network: "teacher", map });
  const [picture, column, alike] = [
    "correlation with the picture",
    "relevance of the column",
    "Spearman of teacher's and student's maps",
  ];
  const pictured = of(picture) !== undefined;
  return [
    pictured
      ? reached(
          `${where}: the map shows the chosen picture, on test samples (Anders et al. 2020)`,
          [{ label: picture, quantity: student(picture, "plain") }],
          { least: THERE },
        )
      : judged(`${where}: the map shows less of the sensitive column than the honest one (Anders et al. 2020)`, [
          { label: column, gain: difference(teacher(column, "plain"), student(column, "plain")) },
        ]),
    reached(
      `${where}: the student is as accurate as the teacher to 2 points (Anders et al. 2020)`,
      [{ label: "accuracy lost", quantity: of("accuracy lost") }],
      { most: 0.02 },
    ),
    pictured
      ? reached(
          `${where}: the tangent-projected map does not show it (Anders et al. 2020)`,
          [{ label: picture, quantity: student(picture, "tangent") }],
          { most: GONE },
        )
      : judged(`${where}: the tangent-projected map shows the column again (Anders et al. 2020)`, [
          { label: column, gain: difference(student(column, "tangent"), student(column, "plain")) },
        ]),
    judged(
      `${where}: projecting on the tangent space brings the maps of teacher and student together, more than random directions do (Anders et al. 2020)`,
      ["plain", "random"].map((map) => ({
        label: `Spearman, tangent less ${map}`,
        gain: difference(of(alike, { map: "tangent" }), of(alike, { map })),
      })),
    ),
  ];
}
