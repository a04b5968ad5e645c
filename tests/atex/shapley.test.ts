/** Shapley values: a game worked out by hand, the axioms, sampling against enumeration. */

import { drawCoalitions } from "../../atex/explainers/coalitions.js";
import { kMeans } from "../../atex/explainers/kMeans.js";
import {
  elementGroups,
  exactShapley,
  kernelShap,
  patchGroups,
  type Score,
  segmentGroups,
  summariseBackground,
  tableGroups,
} from "../../atex/index.js";
import { add, capture, checkGrads, mul, reshape, slice, sum, type Tensor, tensor } from "../../engine/index.js";
import { gpuTest, referenceTest } from "../executors.js";
import { check, test } from "../harness.js";
import { generator } from "../values.js";
import { likeReference, linear, list, network, numbers, people, peopleRows, samples } from "./game.js";

/** v = a + 2ab + 3abc of three switches: a gets 1 + 1 + 1, b gets 1 + 1, c gets 1. */
const product: Score = (x) => {
  const [a, b, c] = [0, 1, 2].map((i) => reshape(slice(x, [0, i], [x.shape[0], 1]), [x.shape[0]]));
  return add(a, mul(mul(a, b), add(2, mul(c, 3))));
};

referenceTest("a game of three, worked out by hand", async () => {
  const x = tensor([[1, 1, 1]]);
  const options = { groups: elementGroups([3]), background: 0 };
  check.close(await list(exactShapley(options)(product, x)), [3, 2, 1], { atol: 1e-12 });
  check.close(await list(kernelShap(options)(product, x)), [3, 2, 1], { atol: 1e-12 });
});

for (const g of [1, 2, 3, 4, 7, 8])
  referenceTest(`with all coalitions of ${g}, KernelSHAP is exact, over a weighted background`, async () => {
    const background = { rows: samples(3, 3, [g]), weights: [0.2, 0.5, 0.3] };
    const options = { groups: elementGroups([g]), background };
    const [score, x] = [network(g, g), samples(4, 2, [g])];
    check.close(await list(kernelShap(options)(score, x)), await list(exactShapley(options)(score, x)), { atol: 1e-9 });
  });

referenceTest("exact values are the mean gain over all orders of arrival", async () => {
  const g = 5;
  const [score, x, rows] = [network(1, g), samples(2, 1, [g]), samples(3, 2, [g])];
  const [own, others] = [await list(x), await list(rows)];
  const value = new Map<number, number>();
  for (let bits = 0; bits < 2 ** g; bits++) {
    const points = [0, 1].map((r) => own.map((v, i) => ((bits >> i) & 1 ? v : others[r * g + i])));
    const scores = await list(score(tensor(points)));
    value.set(bits, (scores[0] + scores[1]) / 2);
  }
  const orders = (rest: number[]): number[][] =>
    rest.length === 0 ? [[]] : rest.flatMap((i) => orders(rest.filter((j) => j !== i)).map((o) => [i, ...o]));
  const all = orders([0, 1, 2, 3, 4]);
  const mean = Array<number>(g).fill(0);
  for (const order of all) {
    let bits = 0;
    for (const i of order) {
      mean[i] += (value.get(bits | (1 << i))! - value.get(bits)!) / all.length;
      bits |= 1 << i;
    }
  }
  check.close(await list(exactShapley({ groups: elementGroups([g]), background: { rows } })(score, x)), mean, {
    atol: 1e-12,
  });
});

referenceTest("sampled values sum to the score less the background's, exactly", async () => {
  const background = { rows: samples(5, 4, [20]) };
  const explain = kernelShap({ groups: elementGroups([20]), background, samples: 60, seed: 2 });
  const [score, x] = [network(6, 20), samples(7, 3, [20])];
  const attribution = explain(score, x);
  const [there, here] = [await list(score(background.rows)), await list(score(x))];
  const mean = there.reduce((a, b) => a + b) / there.length;
  check.close(
    await list(sum(attribution, 1)),
    here.map((v) => v - mean),
    { atol: 1e-10 },
  );
  check.close(await list(explain.gap!(score, x, attribution)), [0, 0, 0], { atol: 1e-10 });
  check.close(await list(explain.gap!(score, x, add(attribution, 0.05))), [1, 1, 1], { atol: 1e-9 });
});

referenceTest("the error of sampling falls with the samples", async () => {
  const options = { groups: elementGroups([11]), background: { rows: samples(8, 3, [11]) } };
  const [score, x] = [network(9, 11), samples(10, 4, [11])];
  const exact = await list(exactShapley(options)(score, x));
  const errors: number[] = [];
  for (const count of [64, 256, 1024, 2046]) {
    const found = await list(kernelShap({ ...options, samples: count, seed: 1 })(score, x));
    errors.push(Math.hypot(...found.map((v, i) => v - exact[i])) / Math.hypot(...exact));
  }
  check.ok(errors[0] < 0.2 && errors[1] < errors[0] / 1.5 && errors[2] < errors[1] / 1.5, `errors ${errors}`);
  check.close([errors[3]], [0], { atol: 1e-9 });
});

referenceTest("axioms: symmetry, dummy, linearity", async () => {
  // Features 0 and 1 count alike, 3 not at all.
  const [w, rows] = [numbers(11, 4), [0.5, 0.5, -0.25, 0.75]];
  const score: Score = (x) => {
    const of = (i: number): Tensor => slice(x, [0, i], [x.shape[0], 1]);
    const z = reshape(mul(add(of(0), of(1)), of(2)), [x.shape[0]]);
    return mul(z, z);
  };
  const x = tensor([[0.8, 0.8, 0.3, -0.9]]);
  const options = { groups: elementGroups([4]), background: { rows: tensor([rows]) } };
  const exact = await list(exactShapley(options)(score, x));
  check.close([exact[0] - exact[1]], [0], { atol: 1e-14 });
  check.ok(Math.abs(exact[0]) > 0.01);
  check.is(Math.abs(exact[3]), 0);
  for (const explain of [
    exactShapley(options),
    kernelShap(options),
    kernelShap({ ...options, samples: 10, seed: 4 }),
  ]) {
    const other = linear(w);
    const both: Score = (z) => add(mul(score(z), 2), other(z));
    const [a, b, ab] = await Promise.all([score, other, both].map((s) => list(explain(s, x))));
    check.close(
      ab,
      a.map((v, i) => 2 * v + b[i]),
      { atol: 1e-12 },
    );
  }
});

referenceTest("of a linear model: w (x − mean of the background), however few coalitions", async () => {
  const [w, weights] = [numbers(12, 12), [0.1, 0.6, 0.3]];
  const [x, rows] = [samples(13, 2, [12]), samples(14, 3, [12])];
  const [own, others] = [await list(x), await list(rows)];
  const expected = own.map(
    (v, i) => w[i % 12] * (v - weights.reduce((s, p, r) => s + p * others[r * 12 + (i % 12)], 0)),
  );
  const options = { groups: elementGroups([12]), background: { rows, weights } };
  check.close(await list(exactShapley(options)(linear(w), x)), expected, { atol: 1e-12 });
  check.close(await list(kernelShap({ ...options, samples: 24 })(linear(w), x)), expected, { atol: 1e-12 });
});

test("coalitions: pairs of complements, all different, small sizes whole, weights those of the kernel", () => {
  const g = 10;
  const { members, weights, complete } = drawCoalitions(g, 300, 3);
  check.is(complete, false);
  check.is(members.length, 300);
  check.is(new Set(members.map((m) => m.join())).size, 300);
  for (let i = 0; i < 300; i += 2) {
    check.equal(
      [...members[i], ...members[i + 1]].sort((a, b) => a - b),
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    );
    check.is(weights[i], weights[i + 1]);
  }
  const ofSize = (s: number): number[] => members.flatMap((m, i) => (m.length === s ? [i] : []));
  check.is(ofSize(1).length, 10);
  check.is(ofSize(8).length, 45);
  check.ok(ofSize(5).length > 0 && ofSize(5).length < 252);
  // The kernel of the paper, (g − 1) / (C(g,s) s (g − s)).
  for (const i of ofSize(1)) check.close([weights[i]], [9 / (10 * 1 * 9)], { rtol: 1e-12 });
  for (const i of ofSize(2)) check.close([weights[i]], [9 / (45 * 2 * 8)], { rtol: 1e-12 });
  const all = drawCoalitions(g, 5000, 3);
  check.is(all.complete && all.members.length, 1022);
  const total = (w: readonly number[]): number => w.reduce((a, b) => a + b, 0);
  check.close([total(weights)], [total(all.weights)], { rtol: 1e-12 });
  check.equal(drawCoalitions(g, 300, 3), { members, weights, complete });
  check.ok(drawCoalitions(g, 300, 4).members.join(";") !== members.join(";"));
});

test("k-means finds separated clusters and their shares; the weighted mean is kept", () => {
  const next = generator(15);
  const middles = [
    [0, 0],
    [10, 0],
    [0, 10],
    [10, 10],
  ];
  const of = Array.from({ length: 100 }, (_, i) => (i < 40 ? 0 : i < 70 ? 1 : i < 90 ? 2 : 3));
  const points = of.flatMap((c) => middles[c].map((v) => v + next() - 0.5));
  const { centres, shares } = kMeans(points, 100, { clusters: 4, seed: 1 });
  check.equal(
    [...shares].sort((a, b) => a - b).map((s) => Math.round(s * 100)),
    [10, 20, 30, 40],
  );
  for (let c = 0; c < 4; c++) {
    const nearest = middles.map(([a, b]) => Math.hypot(a - centres[2 * c], b - centres[2 * c + 1]));
    check.ok(Math.min(...nearest) < 0.3, `centre ${c}`);
  }
  const mean = [0, 1].map((k) => points.reduce((s, v, i) => s + (i % 2 === k ? v / 100 : 0), 0));
  check.close(
    [0, 1].map((k) => shares.reduce((s, p, c) => s + p * centres[2 * c + k], 0)),
    mean,
    { atol: 1e-12 },
  );
  check.equal(kMeans(points, 100, { clusters: 4, seed: 1 }), { centres, shares });
  // Three distinct points are three clusters.
  check.is(kMeans([1, 1, 2, 2, 2, 5], 6, { clusters: 5, seed: 0 }).shares.length, 3);
  check.throws(() => kMeans([], 0, { clusters: 2, seed: 0 }), /kMeans: 2 clusters of 0 points/);
});

referenceTest("a background summarised: its rows explain a linear model as the whole does", async () => {
  const [w, rows, x] = [numbers(16, 5), samples(17, 60, [5]), samples(18, 2, [5])];
  const summary = await summariseBackground(rows, { clusters: 6, seed: 2 });
  check.equal(summary.rows.shape, [6, 5]);
  const groups = elementGroups([5]);
  const whole = await list(exactShapley({ groups, background: { rows } })(linear(w), x));
  check.close(await list(exactShapley({ groups, background: summary })(linear(w), x)), whole, { atol: 1e-12 });
});

referenceTest("groups: one-hot elements go together, patches and segments share their value", async () => {
  const [score, rows, x] = [network(19, 6), peopleRows(20, 5), peopleRows(21, 3)];
  const table = await list(exactShapley({ groups: tableGroups(people), background: { rows } })(score, x));
  for (let n = 0; n < 3; n++) check.is(new Set([1, 2, 4].map((i) => table[6 * n + i])).size, 1);

  const shape = [2, 4, 6];
  const [picture, image] = [network(22, 48), samples(23, 2, shape)];
  const squares = exactShapley({ groups: patchGroups(shape, 2), background: 0 })(picture, image);
  const halves = Int32Array.from({ length: 48 }, (_, i) => (i < 24 ? Math.floor((i % 6) / 2) : Math.floor(i / 6) % 4));
  const segments = { labels: halves, shape: [2, 4, 6] as const, count: 4 };
  const parts = exactShapley({ groups: segmentGroups(shape, segments), background: 0 })(picture, image);
  const [a, b] = [await list(squares), await list(parts)];
  for (let i = 0; i < 96; i++) {
    const [n, y, z] = [Math.floor(i / 48), Math.floor((i % 24) / 6), i % 6];
    check.is(a[i], a[n * 48 + 6 * (y - (y % 2)) + z - (z % 2)]);
    check.is(b[i], b[n * 48 + halves.indexOf(halves[n * 24 + (i % 24)], n * 24) - n * 24]);
  }
  const gains = [squares, parts].map((t) => sum(reshape(t, [2, 48]), 1));
  const empty = (await list(picture(tensor(Array<number>(48).fill(0), [1, ...shape]))))[0];
  for (const gain of gains)
    check.close(
      await list(gain),
      (await list(picture(image))).map((v) => v - empty),
      { atol: 1e-10 },
    );
  // The second image alone, with its own segments, and two copies of the batch.
  const second = { labels: halves.slice(24), shape: [1, 4, 6] as const, count: 4 };
  const alone = exactShapley({ groups: segmentGroups(shape, second), background: 0 });
  check.identical(await list(alone(picture, slice(image, [1, 0, 0, 0], [1, ...shape]))), b.slice(48));
  const twice = tensor([...(await list(image)), ...(await list(image))], [4, ...shape]);
  const tiled = exactShapley({ groups: segmentGroups(shape, segments), background: 0 })(picture, twice);
  check.identical(await list(tiled), [...b, ...b]);
});

referenceTest("attributions have derivatives, and depend on neither chunks nor batch", async () => {
  const [score, x, rows] = [network(24, 5), samples(25, 3, [5]), samples(26, 2, [5])];
  for (const make of [exactShapley, kernelShap]) {
    const options = { groups: elementGroups([5]), background: { rows } };
    const weights = tensor(numbers(27, 15), [3, 5]);
    await checkGrads((z: Tensor) => sum(mul(make(options)(score, z), weights)), [x], { order: 2 });
    const whole = await list(make(options)(score, x));
    check.close(await list(make({ ...options, budget: 40 })(score, x)), whole, { atol: 1e-13 });
    const one = make(options)(score, slice(x, [1, 0], [1, 5]));
    check.close(await list(one), whole.slice(5, 10), { atol: 1e-13 });
  }
});

gpuTest("on the GPU as in float64, and captured as not", async () => {
  for (const make of [exactShapley, kernelShap]) {
    const explain = (budget?: number): Tensor => {
      const rows = samples(28, 3, [9]);
      const options = { groups: elementGroups([9]), background: { rows, weights: [0.5, 0.25, 0.25] }, budget };
      return make(options)(network(29, 9), samples(30, 4, [9]));
    };
    // Sums of 512 gains of size 1 with weights that sum to 1: a few roundings of scores of size 5.
    await likeReference(explain, { atol: 1e-5 });
    await likeReference(() => explain(500), { atol: 1e-5 });
    check.identical(await list(explain()), await list(explain()));
  }
  const rows = samples(28, 3, [9]);
  const explain = kernelShap({ groups: elementGroups([9]), background: { rows }, samples: 100, budget: 1000 });
  using step = capture((x: Tensor) => explain(network(29, 9), x));
  await step.verify(samples(30, 4, [9]));
});

referenceTest("what cannot be explained is refused", () => {
  const groups = elementGroups([13]);
  check.throws(() => exactShapley({ groups, background: 0 }), /13 features came, with 2\^13 coalitions; at most 12/);
  check.throws(
    () => kernelShap({ groups, background: 0, samples: 20 }),
    /20 samples with seed 0 for 13 features; at least 26/,
  );
  const explain = kernelShap({ groups, background: { rows: samples(1, 2, [12]) } });
  check.throws(() => explain(network(1, 13), samples(1, 2, [13])), /kernelShap, background: samples of shape \[12\]/);
  check.throws(() => explain(network(1, 13), samples(1, 2, [4])), /kernelShap: samples of shape \[4\] came/);
  const wrong = kernelShap({ groups, background: { rows: samples(1, 2, [13]), weights: [0.5, 0.6] } });
  check.throws(() => wrong(network(1, 13), samples(1, 2, [13])), /2 rows with 2 weights of sum 1.1/);
  check.throws(() => patchGroups([3, 4, 4], 5), /patches: side 5 in images of 4×4/);
  check.throws(() => patchGroups([4], 1), /patches: samples of shape \[4\] came/);
  const segments = { labels: new Int32Array(16), shape: [1, 4, 4] as const, count: 3 };
  check.throws(
    () => segmentGroups([1, 5, 4], segments),
    /segments: 16 labels of \[1,4,4\] came for images of \[1,5,4\]/,
  );
  const strange = { ...segments, labels: new Int32Array(16).fill(3) };
  check.throws(() => segmentGroups([1, 4, 4], strange), /label 3 at position 0; 0 to 2/);
  const [age, work] = people.features!;
  check.throws(() => tableGroups({ ...people, features: [age, work] }), /element 3 belongs to no feature/);
  check.throws(
    () => tableGroups({ ...people, features: [age, { ...work, at: [0, 1] }] }),
    /"work" has element 0, which "age" has too/,
  );
});
