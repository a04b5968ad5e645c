/** LIME: linear functions found exactly, and fits of the copies that were asked about; occlusion beside it. */

import { type Lime, limeImage, limeTable, occlusion, patchGroups, type Score } from "../../atex/index.js";
import {
  add,
  capture,
  checkGrads,
  cos,
  dispose,
  keep,
  mul,
  slice,
  sum,
  type Tensor,
  tensor,
} from "../../engine/index.js";
import { gpuTest, referenceTest } from "../executors.js";
import { check } from "../harness.js";
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

/** An explainer's coefficients fulfil the normal equations of the copies that it really asked about: Σ w e = 0 and Σ w e z = alpha β
 *  with errors e of the local model, for weights and features that are worked out here from the copies. */
async function isFitOf(
  lime: Lime,
  score: Score,
  x: Tensor,
  penalty: number,
  describeCopy: (copy: readonly number[]) => { z: readonly number[]; w: number },
): Promise<void> {
  const asked: Tensor[] = [];
  const { coefficients, intercept } = lime.local((copies) => {
    asked.push(keep(add(copies, 0)));
    return score(copies);
  }, x);
  const [beta, base, d] = [await list(coefficients), (await intercept.read())[0], x.size];
  const sums = Array<number>(beta.length + 1).fill(0);
  for (const copies of asked) {
    const [points, values] = [await list(copies), await list(score(copies))];
    for (const [s, value] of values.entries()) {
      const { z, w } = describeCopy(points.slice(s * d, (s + 1) * d));
      const error = value - base - z.reduce((t, v, k) => t + v * beta[k], 0);
      sums[beta.length] += w * error;
      z.forEach((v, k) => {
        sums[k] += w * error * v;
      });
    }
  }
  dispose(asked);
  check.close(sums, [...beta.map((v) => penalty * v), 0], { atol: 1e-9 });
  check.ok(beta.every((v) => Math.abs(v) > 1e-4));
}

referenceTest("pictures: copies count by the cosine distance of their switches, half of which are on", async () => {
  const x = tensor(Array<number>(16).fill(1), [1, 1, 4, 4]);
  const groups = patchGroups([1, 4, 4], 2);
  const lime = limeImage({ groups, fill: 0, samples: 50, width: 0.3, alpha: 2 });
  let on = 0;
  await isFitOf(lime, network(28, 16), x, 2, (copy) => {
    const z = [0, 2, 8, 10].map((corner) => copy[corner]);
    on += z.reduce((a, b) => a + b) / 4 / 50;
    const length = Math.hypot(...z);
    const cosine = length > 0 ? z.reduce((a, b) => a + b) / (length * 2) : 0;
    return { z, w: Math.sqrt(Math.exp(-((1 - cosine) ** 2) / 0.3 ** 2)) };
  });
  check.ok(on > 0.4 && on < 0.6, `${on} of the switches`);
});

for (const around of ["row", "data"] as const)
  for (const named of [true, false])
    referenceTest(
      `tables: copies around the ${around} count by their distance (${named ? "with" : "no"} categories)`,
      async () => {
        const [rows, x] = [peopleRows(29, 30), peopleRows(30, 1)];
        const [own, table] = [await list(x), await list(rows)];
        const deviation = own.map((_, i) => {
          const column = table.filter((_, at) => at % 6 === i);
          const mean = column.reduce((a, b) => a + b) / 30;
          return Math.sqrt(column.reduce((s, v) => s + (v - mean) ** 2, 0) / 30);
        });
        const domain = named ? people : plain(6);
        const lime = limeTable({ domain, background: rows, around, samples: 90, alpha: 0.5, width: 1.2 });
        const features = named ? people.features! : own.map((_, i) => ({ kind: "numeric", at: [i] }));
        await isFitOf(lime, network(31, 6), x, 0.5, (copy) => {
          const z = features.map(({ kind, at }) =>
            kind === "numeric"
              ? (copy[at[0]] - own[at[0]]) / deviation[at[0]]
              : Number(at.every((i) => copy[i] === own[i])),
          );
          const squares = z.reduce((t, v, f) => t + (features[f].kind === "numeric" ? v * v : 1 - v), 0);
          return { z, w: Math.sqrt(Math.exp(-squares / 1.2 ** 2)) };
        });
      },
    );

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
  check.throws(
    () => limeTable({ domain, background, around: "mean" as "row" }),
    /limeTable: around is "mean"; "data" or "row" is needed/,
  );
  check.throws(
    () => limeTable({ domain, background, select: "best" as "none" }),
    /limeTable: select is "best"; "none" or "highest" or "forward" is needed/,
  );
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
  check.throws(
    () => limeImage({ groups: patchGroups([1, 4, 4], 2), fill: Number.NaN }),
    /limeImage: fill is NaN; a number or "mean" is needed/,
  );
});
