/** The four criteria by hand. */

import { wilsonInterval } from "../../atex/experiments/index.js";
import { criteriaMarkdown, type ManipulationResult, manipulationCriteria } from "../../atex/index.js";
import { check, test } from "../harness.js";

test("Wilson's interval by hand", () => {
  // 8 of 10 with z = 1.96: (0.8 + 0.19208) / 1.38416 ± 1.96 / 1.38416 · sqrt(0.016 + 0.009604)
  const { low, high } = wilsonInterval(8, 10);
  check.close([low, high], [0.49016, 0.94332], { atol: 2e-5 });
  // None of n: 0 to z² / (n + z²).
  check.close(Object.values(wilsonInterval(0, 10)), [0, 3.841459 / 13.841459], { atol: 1e-6 });
  check.close(Object.values(wilsonInterval(10, 10)), [10 / 13.841459, 1], { atol: 1e-6 });
  check.ok(Object.values(wilsonInterval(0, 0)).every(Number.isNaN));
  check.throws(() => wilsonInterval(3, 2), /3 of 2/);
});

const result = (
  explainer: string,
  seed: number,
  samples: ManipulationResult["samples"],
  kept: number[],
  statistic: number[],
): ManipulationResult => ({ explainer, seed, samples, kept, statistic });

const results = [
  // Fooled: the first two; the third lost its prediction, the fourth lies outside.
  result("gradient", 0, "made for", [1, 1, 0, 1], [0.5, 0.7, 0.6, 0.4]),
  // All four; the end of the interval counts.
  result("gradient", 1, "made for", [1, 1, 1, 1], [0.5, 0.9, 0.6, 0.7]),
  // A kept one without value is left out, a lost one counts: 1 of 3.
  result("LRP", 0, "made for", [1, 1, 0, 1], [0.6, Number.NaN, Number.NaN, 0.1]),
  result("gradient", 0, "held out", [1, 1], [0.6, 0.2]),
];

test("effectiveness, transferability, stability, generalisation by hand", () => {
  const options = { manipulation: "location", target: "gradient", results, cost: { "points of accuracy": 1.5 } };
  const found = manipulationCriteria({ ...options, interval: { low: 0.5 } });
  const { effectiveness, transferability, stability, generalisation } = found;
  check.equal([effectiveness.fooled, effectiveness.n, effectiveness.rate], [6, 8, 0.75]);
  check.close([effectiveness.low, effectiveness.high], Object.values(wilsonInterval(6, 8)), { atol: 1e-12 });
  const { fooled, n, undefined: left } = transferability.LRP;
  check.equal([fooled, n, left], [1, 3, 1]);
  check.equal(
    stability.seeds.map(({ seed, rate }) => [seed, rate]),
    [
      [0, 0.5],
      [1, 1],
    ],
  );
  check.equal([stability.smallest, stability.largest], [0.5, 1]);
  check.is(generalisation?.rate, 0.5);
  const text = criteriaMarkdown([found, { ...found, manipulation: "top-k" }]);
  check.equal(text.match(/^### .*$/gm), ["### location", "### top-k"]);
  check.match(
    text,
    /\| effectiveness \| under gradient, at points of accuracy 1\.5 \| 75\.0 % \(40\.9 % to 92\.9 %, n 8\) \|/,
  );
  check.match(text, /\| transferability \| under LRP \| 33\.3 % \(.*, n 3, 1 left out\) \|/);
  check.match(text, /\| stability \| 2 seeds \| 50\.0 % to 100\.0 % \|/);

  const each = manipulationCriteria({ ...options, interval: { gradient: { low: 0.65 }, LRP: { high: 0.2 } } });
  check.equal([each.effectiveness.fooled, each.transferability.LRP.fooled], [3, 1]);
});

test("what makes no sense is refused", () => {
  const options = { manipulation: "location", target: "gradient", results, interval: {} };
  const of = (changes: object) => () => manipulationCriteria({ ...options, ...changes });
  check.throws(of({ target: "LIME" }), /no result of LIME/);
  check.throws(of({ results: [results[0], results[0]] }), /gradient, seed 0, samples made for came twice/);
  check.throws(of({ interval: { gradient: {} } }), /no interval for LRP; there is one for gradient/);
  check.throws(of({ interval: { low: 1, high: 0 } }), /\[1, 0\] of gradient has nothing in it/);
  check.throws(of({ results: [result("gradient", 0, "made for", [1], [])] }), /1 predictions and 0 statistics/);
});
