/** Fairness metrics by hand. */
import {
  demographicParity,
  disparateImpact,
  equalOpportunity,
  fairness,
  type Treated,
  theilIndex,
} from "../../atex/index.js";
import { check, test } from "../harness.js";

/** Group 1: four people, two deserving, of whom one gets it; group 0: five, three deserving, of whom two get it, and one who does not. */
const treated: Treated = {
  groups: [1, 1, 1, 1, 0, 0, 0, 0, 0],
  labels: [1, 1, 0, 0, 1, 1, 1, 0, 0],
  predictions: [1, 0, 0, 0, 1, 1, 0, 1, 0],
};

test("demographic parity, equal opportunity and disparate impact by hand", () => {
  check.close([demographicParity(treated)], [1 / 4 - 3 / 5], { rtol: 1e-12 });
  check.close([equalOpportunity(treated)], [1 / 2 - 2 / 3], { rtol: 1e-12 });
  check.close([disparateImpact(treated)], [1 / 4 / (3 / 5)], { rtol: 1e-12 });
});

test("the Theil index by hand: benefits 1 0 1 1 1 1 0 2 1", () => {
  const mean = 8 / 9;
  const term = (b: number): number => (b / mean) * Math.log(b / mean);
  check.close([theilIndex(treated)], [(6 * term(1) + term(2)) / 9], { rtol: 1e-12 });
  check.is(theilIndex({ ...treated, predictions: treated.labels }), 0);
});

test("groups and favourable class changed over: signs turn and ratios invert", () => {
  const turned = { ...treated, groups: Array.from(treated.groups, (g) => 1 - g) };
  check.close([demographicParity(turned)], [-demographicParity(treated)], { rtol: 1e-12 });
  check.close([disparateImpact(turned)], [1 / disparateImpact(treated)], { rtol: 1e-12 });
  const other = { ...treated, favourable: 0 };
  check.close([demographicParity(other)], [-demographicParity(treated)], { rtol: 1e-12 });
  // Of the undeserving, both of group 1 and one of two of group 0 are told so.
  check.close([equalOpportunity(other)], [1 - 1 / 2], { rtol: 1e-12 });
  // Of more classes all others are one.
  const more = Array.from(treated.predictions, (c) => (c === 0 ? 2 : c));
  check.is(demographicParity({ ...treated, predictions: more }), demographicParity(treated));
});

test("an empty group, or nobody who gets anything, has no answer", () => {
  const alone = { ...treated, groups: treated.predictions, predictions: treated.groups };
  check.ok(Number.isFinite(demographicParity(alone)));
  const one = { predictions: [1, 0], labels: [1, 1], groups: [1, 1] };
  for (const metric of [demographicParity, equalOpportunity, disparateImpact])
    check.ok(Number.isNaN(metric(one)), metric.name);
  check.ok(Number.isFinite(theilIndex(one)));
  const none = { predictions: [0, 0], labels: [1, 1], groups: [1, 0] };
  check.ok(Number.isNaN(disparateImpact(none)) && Number.isNaN(theilIndex(none)));
  check.is(disparateImpact({ ...none, predictions: [1, 0] }), Number.POSITIVE_INFINITY);
  check.ok(Object.values(fairness({ predictions: [], labels: [], groups: [] })).every(Number.isNaN));
  check.equal(Object.keys(fairness(treated)).length, 4);
});

test("lists of different lengths and third groups are refused in one sentence", () => {
  check.match(
    check.throws(() => demographicParity({ ...treated, labels: [1] }), RangeError).message,
    /^demographicParity: 9 predictions, 1 labels and 9 groups given; as many of each are needed$/,
  );
  check.match(
    check.throws(() => theilIndex({ predictions: [1], labels: [1], groups: [2] }), RangeError).message,
    /^theilIndex: a sample of group 2 was given; groups are 0 and 1$/,
  );
});
