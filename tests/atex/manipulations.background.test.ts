/** Fool SHAP: values against single rows, optimal weights, samples and tests worked out by hand, and the whole in a small world. */

import { quantities } from "../../atex/experiments/aggregate.js";
import {
  agreementOnTop,
  conditionalAnomaly,
  elementGroups,
  exactShapley,
  gridsOf,
  kolmogorovSmirnov,
  manipulationEntryOf,
  pairShapley,
  rankDistances,
  ranksOf,
  rowDistances,
  type StealthyOptions,
  stealthySample,
  stealthyWeights,
  studyManipulation,
  survivors,
  systematicSample,
  tableGroups,
  tolerantAgreement,
  waldTest,
} from "../../atex/index.js";
import { add, matmul, mul, slice, type Tensor, tensor } from "../../engine/index.js";
import { drawFrom } from "../../nn/data/integer-random.js";
import { readSettings } from "../../nn/schema.js";
import { gpuTest, onReference, referenceTest } from "../executors.js";
import { check, test } from "../harness.js";
import { likeReference, linear, list, network, numbers, people, peopleRows, samples } from "./game.js";
import { peopleWorld } from "./tablePeople.js";

referenceTest(
  "a feature's Shapley value is the weighted mean of its values against single rows, also of a category",
  async () => {
    const [groups, x, rows] = [tableGroups(people), peopleRows(1, 3), peopleRows(2, 4)];
    const weights = [0.1, 0.4, 0.2, 0.3];
    const score = network(5, 6);
    for (const [feature, at] of [
      [0, [0]],
      [1, [1, 2, 4]],
      [2, [3]],
    ] as const) {
      const pairs = await list(pairShapley(score, x, rows, { groups, feature, coalitions: 8, seed: 0, budget: 40 }));
      const found = [0, 1, 2].map((i) => weights.reduce((sum, w, j) => sum + w * pairs[3 * j + i], 0));
      const exact = await list(exactShapley({ groups, background: { rows, weights } })(score, x));
      const own = [0, 1, 2].map((i) => (at as readonly number[]).reduce((sum, e) => sum + exact[6 * i + e], 0));
      check.close(found, own, { atol: 1e-9 });
    }
  },
);

referenceTest("drawn coalitions are right for sums exactly, and for others nearly", async () => {
  const [x, rows] = [samples(1, 2, [8]), samples(2, 3, [8])];
  const how = { groups: elementGroups([8]), feature: 3, seed: 4 };
  const w = numbers(3, 8);
  const [own, other] = [await list(x), await list(rows)];
  const expected = [0, 1, 2].flatMap((j) => [0, 1].map((i) => w[3] * (own[8 * i + 3] - other[8 * j + 3])));
  check.close(await list(pairShapley(linear(w), x, rows, { ...how, coalitions: 4 })), expected, { atol: 1e-9 });
  const score = network(7, 8);
  const exact = await list(pairShapley(score, x, rows, { ...how, coalitions: 128 }));
  const drawn = await list(pairShapley(score, x, rows, { ...how, coalitions: 100 }));
  check.close(drawn, exact, { atol: 0.15 }, "a hundred draws of gains that vary by about 0.5");
});

gpuTest("on the GPU as in float64", async () => {
  const how = { groups: tableGroups(people), feature: 1, coalitions: 6, seed: 2 };
  await likeReference(() => pairShapley(network(5, 6), peopleRows(1, 3), peopleRows(2, 4), how), { atol: 1e-5 });
});

test("weights are optimal: no assignment of rows to rows costs less", () => {
  const costs = [0.9, -0.2, 0.4, 0.1];
  const distances = rowDistances([0, 0, 1, 0, 0, 2, 3, 1], 2);
  check.close(distances.subarray(0, 4), [0, 1, 2, Math.sqrt(10)], { atol: 1e-12 });
  for (const lambda of [0, 0.1, 0.3, 0.6, 5]) {
    const { weights, distance } = stealthyWeights(costs, distances, lambda);
    let least = Number.POSITIVE_INFINITY;
    for (let code = 0; code < 256; code++) {
      const to = [0, 1, 2, 3].map((i) => (code >> (2 * i)) & 3);
      least = Math.min(
        least,
        to.reduce((sum, j, i) => sum + (costs[j] + lambda * distances[4 * i + j]) / 4, 0),
      );
    }
    const value = weights.reduce((sum, w, j) => sum + w * costs[j], lambda * distance);
    check.close([value], [least], { atol: 1e-12 });
  }
  check.equal([...stealthyWeights(costs, distances, 0).weights], [0, 1, 0, 0]);
  check.equal(stealthyWeights(costs, distances, 5), { weights: new Float64Array(4).fill(0.25), distance: 0 });
  check.equal([...stealthyWeights([1, 1, 1, 1], distances, 0).weights], [0.25, 0.25, 0.25, 0.25], "no gain, no move");
  check.throws(() => stealthyWeights(costs, [1], 0), /4 costs, 1 distances/);
});

test("a systematic sample takes each row as often as its weight says, rounded down or up", () => {
  for (let seed = 0; seed < 20; seed++) {
    const weights = [0.33, 0, 0.05, 0.62];
    const places = systematicSample(weights, 10, drawFrom(seed));
    check.is(places.length, 10);
    const counts = weights.map((_, i) => places.filter((j) => j === i).length);
    check.ok(
      counts.every((n, i) => Math.abs(n - 10 * weights[i]) < 1),
      `${counts}`,
    );
  }
  check.is(systematicSample([0.5, 0.5 - 1e-12, 0], 2, drawFrom(1)).includes(2), false);
});

test("p-values of Kolmogorov and Smirnov, and of Wald", () => {
  const [low, high] = [0, 1].map((k) => Array.from({ length: 10 }, (_, i) => i + 10 * k));
  check.is(kolmogorovSmirnov(low, low), 1);
  // Apart: D = 1 at an effective size of 5, of which two terms of the series are left.
  const x = Math.sqrt(5) + 0.12 + 0.11 / Math.sqrt(5);
  check.close([kolmogorovSmirnov(low, high)], [2 * Math.exp(-2 * x * x) - 2 * Math.exp(-8 * x * x)], { rtol: 1e-9 });
  // D = 0.5 with ties: three of four below 2, against one of four.
  const t = 0.5 * (Math.sqrt(2) + 0.12 + 0.11 / Math.sqrt(2));
  const series = [1, 2, 3, 4, 5, 6].reduce((s, k) => s + 2 * (k % 2 ? 1 : -1) * Math.exp(-2 * k * k * t * t), 0);
  check.close([kolmogorovSmirnov([1, 1, 1, 2], [1, 2, 2, 2])], [series], { rtol: 1e-9 });
  // z = 0.98 / (1 / √4) = 1.96
  check.close([waldTest([0.98, 0.98, 0.98, 0.98], [-1, 1])], [0.04999579], { atol: 1e-7 });
  check.is(waldTest([3], [3, 3]), 1);
  check.is(waldTest([4], [3, 3]), 0);
  check.throws(() => waldTest([], [1]), /0 and 1 numbers came/);
});

test("distances of outputs go by their order, equal ones are at no distance", () => {
  check.close(
    rankDistances([5, -1, 5]),
    [0, 2, 0, 2, 0, 2, 0, 2, 0].map((v) => v / 6),
    { atol: 1e-12 },
  );
});

const draw = drawFrom(3);
const rows = Array.from({ length: 120 }, () => draw.between(0, 1));
const options: StealthyOptions = {
  contributions: Float64Array.from({ length: 240 }, () => draw.between(0, 1)),
  distances: rankDistances(rows),
  outputs: rows,
  ...{ rows: 60, caution: 0.2, lambdas: 20, draws: 2, seed: 1 },
};

test("a sample hides a feature and passes both tests; with outputs that tell on it, it cannot hide it as well", () => {
  const { before, after, places } = stealthySample(options);
  check.ok(after < 0.6 * before, `${after} of ${before}`);
  const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b) / values.length;
  const sizes = [0, 1].map((i) => mean(places.map((j) => options.contributions[2 * j + i])));
  check.close([after], [mean(sizes)], { atol: 1e-12 });
  const shown = places.map((j) => rows[j]);
  check.ok(kolmogorovSmirnov(shown, rows) >= 0.2 && waldTest(shown, rows) >= 0.2);
  const telling = stealthySample({ ...options, contributions: rows.flatMap((v) => [v, v]) });
  check.ok(telling.after > 0.85 * telling.before, `${telling.after} of ${telling.before}`);
});

test("where nothing passes, rows are drawn alike", () => {
  const { weights, lambda } = stealthySample({ ...options, caution: 1.01 });
  check.equal([...new Set(weights)], [1 / 120]);
  check.is(lambda, Number.POSITIVE_INFINITY);
});

test("lists that do not go together are refused with both lengths", () => {
  const wrong: [call: () => unknown, message: RegExp][] = [
    [
      () => stealthySample({ ...options, contributions: Array.from(options.contributions).slice(0, 200) }),
      /^stealthySample: contributions holds 200 numbers for the 120 rows of the outputs; as many for each row, /,
    ],
    [() => stealthySample({ ...options, contributions: [] }), /contributions holds 0 numbers for the 120 rows/],
    [
      () => stealthySample({ ...options, distances: [0, 1] }),
      /^stealthySample: distances holds 2 numbers; 14400, one for each two of 120 rows, are needed$/,
    ],
    [() => stealthySample({ ...options, outputs: [] }), /^stealthySample: no outputs came; /],
    [() => stealthySample({ ...options, outputs: rows.slice(1) }), /distances holds 14400 numbers; 14161, /],
    [
      () => rowDistances([1, 2, 3], 2),
      /^rowDistances: rows holds 3 numbers; whole rows of 2, at least one, are needed$/,
    ],
    [() => systematicSample([0, 0], 3, drawFrom(1)), /^systematicSample: none of 2 weights is above 0; /],
    [() => ranksOf([1, 2, 3], 2, 0), /^ranksOf: importance holds 3 numbers; whole rows of 2, /],
    [() => ranksOf([1, 2], 2, 2), /^ranksOf: feature 2 of 2; 0 to 1 is needed$/],
    [() => survivors([1, 2, 3], 2, 1), /^survivors: values holds 3 numbers; whole rows of 2, /],
    [() => gridsOf(new Float32Array(3), 2), /^gridsOf: rows holds 3 numbers; whole rows of 2, /],
    [
      () => tolerantAgreement([1, 2], [1, 2, 3, 4], 1, [2, 2]),
      /^tolerantAgreement: a holds 2 numbers; 4, one for each of 2×2 pixels, are needed$/,
    ],
    [
      () => agreementOnTop({ importance: [1, 2], signed: [1, 2] }, { importance: [1], signed: [1] }, 1),
      /^agreementOnTop: b.importance holds 1 numbers; 2, as many as a.importance, are needed$/,
    ],
    [
      () => conditionalAnomaly({ rows: [1, 2], answers: [1] }, { rows: [1, 2], answers: [1, 2] }, { width: 1, k: 1 }),
      /^conditionalAnomaly: 2 answers for 2 reference rows and 1 for 2 rows asked; as many for each row are needed$/,
    ],
  ];
  for (const [call, message] of wrong) check.throws(call, message);
});

const entry = manipulationEntryOf("background");
const settings = { candidates: 60, rows: 40, coalitions: 16, lambdas: 12, draws: 1 };
/** Race counts for the left-handed; of the others' race, who are the background, nothing shows in their outputs. */
const picky = (x: Tensor): Tensor => {
  const of = (i: number): Tensor => slice(x, [0, i], [x.shape[0], 1]);
  const side = add(mul(mul(of(1), of(5)), 2), add(mul(of(0), 0.3), mul(of(4), 0.5)));
  return matmul(side, tensor([[-1, 1]]));
};

referenceTest(
  "in a small world the attribution of the sensitive column shrinks; model and rows are untouched",
  async () => {
    const world = peopleWorld({ classifier: picky });
    const made = await entry.run(readSettings({ name: "background", options: entry.options }, settings), world);
    check.is(made.madeFor.clean.classifier, made.madeFor.manipulated.classifier);
    check.is(made.madeFor.clean.x, made.madeFor.manipulated.x);
    check.ok(
      (await list(slice(made.madeFor.clean.x, [0, 1], [made.madeFor.clean.x.shape[0], 1]))).every((v) => v === 1),
    );
    const { measurements, results } = await studyManipulation(made, world, { explainers: [], detectors: [] });
    const of = (metric: string, background: string): number =>
      measurements.find((one) => one.metric === metric && one.conditions?.background === background)!.value;
    const size = "mean absolute attribution of the sensitive column";
    const [honest, chosen] = [of(size, "honest"), of(size, "chosen, close in outputs")];
    check.ok(chosen < 0.7 * honest, `${chosen} of ${honest}`);
    check.close(
      [of("relative decrease of the sensitive column's attribution", "chosen, close in outputs")],
      [1 - chosen / honest],
      {
        atol: 1e-9,
      },
    );
    check.ok(Array.from(results[0].statistic).every((left) => left >= 0));
    check.equal(made.tensors!.background.shape, [40, 6]);
  },
);

test("worlds that it cannot be made in are refused", () =>
  onReference(async () => {
    const own = readSettings({ name: "background", options: entry.options }, settings);
    const { sensitive: _, ...without } = peopleWorld();
    await check.rejects(() => entry.run(own, without as never), /no sensitive column; one is needed/);
    await check.rejects(() => entry.run(own, { ...peopleWorld(), samples: [] }), /0 explained samples/);
  }));

test("claims follow the numbers: what is lost in every run, and an audit that notices once", () => {
  const conditions = { background: "chosen, close in rows" };
  const outcomes = [0.5, 0.52, 0.48].map((value, seed) => ({
    cell: { id: `${seed}`, experiment: "e", data: "compas" as const, seed },
    measurements: [
      { metric: "relative decrease of the sensitive column's attribution", value, conditions },
      { metric: "the audit notices (1) or not (0)", value: 1, conditions: { ...conditions, against: "rows unseen" } },
    ].map((one) => ({ scheme: "normal", count: 1, ...one })),
  }));
  const verdicts = entry.claims!({ all: quantities(outcomes) } as never).map(({ verdict }) => verdict);
  check.equal(verdicts, ["holds", "does not hold", "does not hold"]);
});
