/** LIME: linear functions found exactly, fits that are optimal, selections against brute force; occlusion beside it. */

import { type FitOptions, fitLocal } from "../../atex/explainers/localFit.js";
import { inverseOf, ridgeSolver } from "../../atex/explainers/solve.js";
import { limeImage, limeTable, occlusion, patchGroups, type Score } from "../../atex/index.js";
import { add, capture, checkGrads, cos, mul, slice, sum, type Tensor, tensor } from "../../engine/index.js";
import { gpuTest, referenceTest } from "../executors.js";
import { check, test } from "../harness.js";
import { likeReference, linear, list, network, numbers, people, peopleRows, plain, samples } from "./game.js";

/** Small enough that a coefficient of 1 moves by less than 1e-9, large enough that the system stays regular. */
const alpha = 1e-10;

for (const around of ["row", "data"] as const)
  referenceTest(`a linear model of a table is found exactly, around the ${around}`, async () => {
    const [w, background, x] = [numbers(1, 5), samples(2, 30, [5], 3), samples(3, 2, [5])];
    const lime = limeTable({ domain: plain(5), background, around, alpha, samples: 200 });
    const { attribution, coefficients, intercept, r2 } = lime.local(linear(w), x);
    const rows = await list(background);
    const deviation = w.map((_, i) => {
      const column = rows.filter((_, at) => at % 5 === i);
      const mean = column.reduce((a, b) => a + b) / 30;
      return Math.sqrt(column.reduce((s, v) => s + (v - mean) ** 2, 0) / 30);
    });
    const expected = [0, 1].flatMap(() => w.map((v, i) => v * deviation[i]));
    check.close(await list(coefficients), expected, { atol: 1e-8 });
    check.close(await list(attribution), expected, { atol: 1e-8 });
    check.close(await list(r2), [1, 1], { atol: 1e-12 });
    check.close(await list(intercept), await list(linear(w)(x)), { atol: 1e-8 });
  });

referenceTest("categories count by whether they stay; a coefficient is shared by one-hot elements", async () => {
  // age + 3 [farm] − 2 sex: whether sex stays moves the score by −2 (2 sex − 1), and a farmer's work by 3.
  const score = linear([1, 3, 0, -2, 0, 0]);
  const x = tensor([
    [0.2, 1, 0, 1, 0, 0.5],
    [0.2, 1, 0, 0, 0, 0.5],
  ]);
  const background = peopleRows(4, 50);
  const { coefficients, attribution, r2 } = limeTable({ domain: people, background, alpha, samples: 400 }).local(
    score,
    x,
  );
  const found = await list(coefficients);
  for (const [n, sex] of [1, 0].entries()) {
    check.close(found.slice(4 * n + 1, 4 * n + 4), [3, -2 * (2 * sex - 1), 0], { atol: 1e-7 });
    check.ok(found[4 * n] > 0.3 && found[4 * n] < 0.8, "the deviation of age");
  }
  const shared = await list(attribution);
  check.close(
    [1, 2, 4].map((i) => shared[i]),
    [1, 1, 1],
    { atol: 1e-7 },
  );
  check.close(await list(r2), [1, 1], { atol: 1e-9 });
});

/** Correlated features, weights and values of two samples. */
function problem(s: number, g: number) {
  const base = numbers(5, s * g);
  const z = base.map((v, i) => (i % g > 0 ? v + 0.7 * base[i - 1] : v));
  const w = numbers(6, s).map((v) => Math.abs(v) + 0.05);
  const y = numbers(7, 2 * s, 3);
  return { z, w, y };
}

for (const solver of [true, false])
  referenceTest(`the fit is a minimum of the weighted ridge objective (${solver ? "matrix" : "ops"})`, async () => {
    const [s, g, penalty] = [40, 4, 0.7];
    const { z, w, y } = problem(s, g);
    const matrix = solver ? ridgeSolver(Float64Array.from(z), w, g, penalty) : undefined;
    const design = {
      features: tensor(z, [1, s, g]),
      weights: tensor(w, [1, s]),
      values: tensor(y, [2, s]),
      solver: matrix,
    };
    const fit = fitLocal(design, { alpha: penalty, select: "none", keep: g });
    const [beta, intercept, r2] = [await list(fit.coefficients), await list(fit.intercept), await list(fit.r2)];
    for (const n of [0, 1]) {
      const residual = (b: readonly number[], c: number, i: number): number =>
        y[n * s + i] - c - b.reduce((t, v, k) => t + v * z[i * g + k], 0);
      const cost = (b: readonly number[], c: number, a = penalty): number =>
        w.reduce((t, v, i) => t + v * residual(b, c, i) ** 2, 0) + a * b.reduce((t, v) => t + v * v, 0);
      const own = beta.slice(n * g, (n + 1) * g);
      const least = cost(own, intercept[n]);
      for (let k = 0; k <= g; k++)
        for (const step of [1e-4, -1e-4]) {
          const moved = own.map((v, i) => (i === k ? v + step : v));
          const up = cost(moved, intercept[n] + (k === g ? step : 0)) - least;
          // Quadratic: a step of 1e-4 from the minimum costs about 1e-8 of the curvature, from elsewhere also a slope.
          check.ok(up > 0 && up < 1e-6, `sample ${n}, coefficient ${k}: ${up}`);
        }
      const total = w.reduce((a, b) => a + b, 0);
      const mean = w.reduce((t, v, i) => t + (v * y[n * s + i]) / total, 0);
      const spread = w.reduce((t, v, i) => t + v * (y[n * s + i] - mean) ** 2, 0);
      check.close([r2[n]], [1 - cost(own, intercept[n], 0) / spread], { atol: 1e-10 });
    }
  });

/** The weighted least squares fit of some features on the host: what it leaves, and its ridge coefficients. */
function fitSome(
  problemOf: ReturnType<typeof problem>,
  n: number,
  g: number,
  some: readonly number[],
  penalty: number,
) {
  const { z, w, y } = problemOf;
  const s = w.length;
  const part = Float64Array.from(
    { length: s * some.length },
    (_, i) => z[Math.floor(i / some.length) * g + some[i % some.length]],
  );
  const matrix = ridgeSolver(part, w, some.length, penalty)!;
  const total = w.reduce((a, b) => a + b, 0);
  const beta = some.map((_, k) =>
    Array.from({ length: s }, (_, i) => matrix[k * s + i] * y[n * s + i]).reduce((a, b) => a + b),
  );
  const raw = Array.from(
    { length: s },
    (_, i) => y[n * s + i] - beta.reduce((t, v, k) => t + v * part[i * some.length + k], 0),
  );
  const mean = raw.reduce((t, v, i) => t + (v * w[i]) / total, 0);
  return { beta, left: raw.reduce((t, v, i) => t + w[i] * (v - mean) ** 2, 0) };
}

for (const select of ["forward", "highest"] as const)
  referenceTest(`selection "${select}" keeps what a search on the host keeps`, async () => {
    const [s, g, keep, penalty] = [60, 6, 3, 0.5];
    const data = problem(s, g);
    const design = {
      features: tensor(data.z, [1, s, g]),
      weights: tensor(data.w, [1, s]),
      values: tensor(data.y, [2, s]),
    };
    const options: FitOptions = { alpha: penalty, select, keep };
    const found = await list(fitLocal(design, options).coefficients);
    for (const n of [0, 1]) {
      const all = [0, 1, 2, 3, 4, 5];
      let chosen: number[] = [];
      if (select === "forward")
        for (let k = 0; k < keep; k++) {
          const free = all.filter((i) => !chosen.includes(i));
          const left = free.map((i) => fitSome(data, n, g, [...chosen, i], 0).left);
          chosen.push(free[left.indexOf(Math.min(...left))]);
        }
      else {
        const { beta } = fitSome(data, n, g, all, penalty);
        chosen = all.sort((i, j) => Math.abs(beta[j]) - Math.abs(beta[i])).slice(0, keep);
      }
      const { beta } = fitSome(data, n, g, chosen, penalty);
      const expected = Array.from({ length: g }, (_, i) => (chosen.includes(i) ? beta[chosen.indexOf(i)] : 0));
      check.close(found.slice(n * g, (n + 1) * g), expected, { atol: 1e-10 });
    }
  });

test("an inverse times its matrix is the identity; what has none is told", () => {
  const g = 6;
  const root = numbers(8, g * g);
  const a = Float64Array.from({ length: g * g }, (_, at) =>
    root.slice(0, g).reduce((t, _, k) => t + root[Math.floor(at / g) * g + k] * root[(at % g) * g + k], 0),
  );
  const inverse = inverseOf(a, g)!;
  for (let i = 0; i < g; i++)
    for (let j = 0; j < g; j++) {
      let v = 0;
      for (let k = 0; k < g; k++) v += a[i * g + k] * inverse[k * g + j];
      check.close([v], [i === j ? 1 : 0], { atol: 1e-9 });
    }
  check.is(inverseOf(Float64Array.of(1, 1, 1, 1), 2), undefined);
  check.is(inverseOf(Float64Array.of(1, 2, 2, 1), 2), undefined);
});

for (const fill of ["mean", 0.25] as const)
  referenceTest(`a linear model of pictures is found exactly, switched to ${fill}`, async () => {
    const shape = [2, 4, 6];
    const [w, x] = [numbers(9, 48), samples(10, 2, shape)];
    const pixels = await list(x);
    const lime = limeImage({ groups: patchGroups(shape, 2), fill, alpha, samples: 120 });
    const { attribution, r2 } = lime.local(linear(w), x);
    const at = (n: number, c: number, y: number, z: number): number => n * 48 + c * 24 + y * 6 + z;
    const expected = pixels.map((_, i) => {
      const [n, top, left] = [Math.floor(i / 48), Math.floor((i % 24) / 12) * 2, Math.floor((i % 6) / 2) * 2];
      let sum = 0;
      for (const c of [0, 1]) {
        const own = [0, 1].flatMap((y) => [0, 1].map((z) => at(n, c, top + y, left + z)));
        const off = fill === "mean" ? own.reduce((t, p) => t + pixels[p] / 4, 0) : fill;
        sum += own.reduce((t, p) => t + w[p % 48] * (pixels[p] - off), 0);
      }
      return sum;
    });
    check.close(await list(attribution), expected, { atol: 1e-8 });
    check.close(await list(r2), [1, 1], { atol: 1e-12 });
  });

referenceTest("the same seed gives the same bits, whatever else is in the batch; R² tells a poor fit", async () => {
  const [background, x] = [peopleRows(11, 40), peopleRows(12, 3)];
  const rough: Score = (z) => sum(cos(mul(z, tensor([30, 0, 0, 0, 0, 30]))), 1);
  for (const around of ["row", "data"] as const)
    for (const domain of [people, plain(6)]) {
      const make = (seed: number, budget?: number) =>
        limeTable({ domain, background, around, samples: 150, seed, budget });
      const score = network(13, 6);
      const first = await list(make(5)(score, x));
      check.identical(await list(make(5)(score, x)), first);
      check.ok((await list(make(6)(score, x))).some((v, i) => v !== first[i]));
      check.close(await list(make(5, 100)(score, x)), first, { atol: 1e-12 });
      check.close(await list(make(5)(score, slice(x, [1, 0], [1, 6]))), first.slice(6, 12), { atol: 1e-12 });
      const [good, poor] = [score, rough].map((s) => make(5).local(s, x).r2);
      check.ok(Math.min(...(await list(good))) > 0.5, `good ${await list(good)}`);
      check.ok(Math.max(...(await list(poor))) < 0.2, `poor ${await list(poor)}`);
    }
});

referenceTest("LIME and occlusion have derivatives", async () => {
  const [score, background, x] = [network(14, 6), peopleRows(15, 20), peopleRows(16, 2)];
  const weights = tensor(numbers(17, 12), [2, 6]);
  const [domain, few] = [plain(6), { background, samples: 30 }];
  for (const explain of [
    limeTable({ domain, ...few }),
    limeTable({ domain, ...few, around: "data" }),
    limeTable({ domain, ...few, select: "forward", keep: 2 }),
    occlusion({ domain: people, background: { rows: background } }),
  ])
    await checkGrads((z: Tensor) => sum(mul(explain(score, z), weights)), [x], { order: 1 });
  // Where a category stays or goes the score jumps; the numeric features have slopes.
  const mixed = limeTable({ domain: people, ...few });
  const put = (age: Tensor): Tensor =>
    sum(mul(mixed(score, add(mul(age, tensor([1, 0, 0, 0, 0, 0])), mul(x, tensor([0, 1, 1, 1, 1, 1])))), weights));
  await checkGrads(put, [slice(x, [0, 0], [2, 1])], { order: 1 });
  check.ok(true, "checkGrads throws when a derivative is wrong");
});

referenceTest("occlusion of a linear score: the window's drop, shared; overlaps by their mean", async () => {
  const shape = [2, 5, 4];
  const [w, x] = [numbers(18, 40), samples(19, 2, shape)];
  const pixels = await list(x);
  const domain = { shape, range: { low: -1, high: 1 } };
  for (const [patch, stride, tops, lefts] of [
    [2, 2, [0, 2, 3], [0, 2]],
    [3, 1, [0, 1, 2], [0, 1]],
    [1, 1, [0, 1, 2, 3, 4], [0, 1, 2, 3]],
  ] as const) {
    const expected = pixels.map((_, i) => {
      const [n, y, z] = [Math.floor(i / 40), Math.floor((i % 20) / 4), i % 4];
      const drops: number[] = [];
      for (const top of tops)
        for (const left of lefts) {
          if (y < top || y >= top + patch || z < left || z >= left + patch) continue;
          let drop = 0;
          for (let c = 0; c < 2; c++)
            for (let a = top; a < top + patch; a++)
              for (let b = left; b < left + patch; b++) {
                const at = c * 20 + a * 4 + b;
                drop += w[at] * (pixels[n * 40 + at] - 0.125);
              }
          drops.push(drop / (2 * patch * patch));
        }
      return drops.reduce((s, v) => s + v, 0) / drops.length;
    });
    for (const budget of [undefined, 100]) {
      const explain = occlusion({ domain, patch, stride, background: 0.125, budget });
      check.close(await list(explain(linear(w), x)), expected, { atol: 1e-12 });
    }
  }
});

referenceTest("occlusion of a table takes each feature from the background in turn", async () => {
  const [score, rows, x] = [network(20, 6), peopleRows(21, 3), peopleRows(22, 1)];
  const [own, others] = [await list(x), await list(rows)];
  const expected = Array<number>(6).fill(0);
  for (const { at } of people.features!) {
    const points = [0, 1, 2].map((r) => own.map((v, i) => (at.includes(i) ? others[r * 6 + i] : v)));
    const there = (await list(score(tensor(points)))).reduce((a, b) => a + b) / 3;
    for (const i of at) expected[i] = ((await list(score(x)))[0] - there) / at.length;
  }
  check.close(await list(occlusion({ domain: people, background: { rows } })(score, x)), expected, { atol: 1e-12 });
});

gpuTest("LIME and occlusion on the GPU as in float64, and captured as not", async () => {
  const shape = [1, 8, 8];
  const picture = { shape, range: { low: 0, high: 1 } };
  const rows = () => peopleRows(23, 40);
  const table = { samples: 120, seed: 3 };
  const makers: [make: () => (score: Score, x: Tensor) => Tensor, x: () => Tensor, d: number][] = [
    [() => limeTable({ domain: people, background: rows(), ...table }), () => peopleRows(24, 4), 6],
    [() => limeTable({ domain: plain(6), background: rows(), ...table }), () => peopleRows(24, 4), 6],
    [() => limeTable({ domain: plain(6), background: rows(), around: "data", ...table }), () => peopleRows(24, 4), 6],
    [
      () => limeTable({ domain: people, background: rows(), select: "forward", keep: 2, ...table }),
      () => peopleRows(24, 4),
      6,
    ],
    [
      () => limeTable({ domain: people, background: rows(), select: "highest", keep: 2, ...table }),
      () => peopleRows(24, 4),
      6,
    ],
    [() => limeImage({ groups: patchGroups(shape, 2), samples: 200 }), () => samples(25, 3, shape), 64],
    [() => occlusion({ domain: picture, patch: 3, stride: 2 }), () => samples(25, 3, shape), 64],
    [() => occlusion({ domain: people, background: { rows: rows() } }), () => peopleRows(24, 4), 6],
  ];
  for (const [make, x, d] of makers) {
    // Coefficients of size 1 from scores of size 5, over systems whose condition is below 10: about 20 roundings.
    await likeReference(() => make()(network(26, d), x()), { atol: 3e-5, rtol: 3e-5 });
    const explain = make();
    check.identical(await list(explain(network(26, d), x())), await list(explain(network(26, d), x())));
    using step = capture((z: Tensor) => explain(network(26, d), z));
    await step.verify(x());
  }
});

referenceTest("options that make no sense are refused", () => {
  const [background, domain] = [peopleRows(27, 5), plain(6)];
  check.throws(() => limeTable({ domain, background, samples: 1 }), /lime: samples 1, .* at least 2 samples/);
  check.throws(() => limeTable({ domain, background, width: 0 }), /width 0/);
  check.throws(
    () => limeTable({ domain, background, samples: 4, alpha: 0 }),
    /lime: 4 copies do not tell 6 features apart/,
  );
  check.throws(() => limeTable({ domain, background, around: "mean" as "row" }), /lime: around "mean" came/);
  check.throws(() => limeTable({ domain, background, select: "best" as "none" }), /lime: selection "best" came/);
  check.throws(() => limeTable({ domain: plain(5), background }), /lime, background: samples of shape \[6\] came/);
  const double = {
    ...people,
    features: [...people.features!.slice(1), { name: "age", kind: "numeric" as const, at: [0, 5] }],
  };
  check.throws(
    () =>
      limeTable({ domain: { ...double, features: double.features.filter((f) => f.name !== "income") }, background }),
    /"age" has 2 elements/,
  );
  check.throws(() => limeImage({ groups: patchGroups([1, 4, 4], 2), fill: Number.NaN }), /lime: fill NaN came/);
  const image = { shape: [1, 4, 6], range: { low: 0, high: 1 } };
  check.throws(() => occlusion({ domain: image, patch: 5 }), /occlusion: squares of 5 every 3 pixels in images of 4×6/);
  check.throws(() => occlusion({ domain: image, patch: 2, stride: 3 }), /a stride of 1 to the side/);
  check.throws(
    () => occlusion({ domain: image, budget: 0 })(network(1, 24), samples(1, 1, [1, 4, 6])),
    /an element budget of 0 came/,
  );
});
