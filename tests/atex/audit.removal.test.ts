/** Row 4 of audits, and what it stands on: blur, imputers, curves of removal. */

import { advantage, isAbove, isBelow, kendallTau, leastTau } from "../../atex/audit/beside.js";
import { mapsOf } from "../../atex/audit/maps.js";
import { partCounts } from "../../atex/audit/parts.js";
import {
  type AuditMeasurement,
  auditRowOf,
  CONTROLS,
  judgeAudit,
  meanNumber,
  runAudit,
  tableCandidate,
} from "../../atex/index.js";
import { gaussianBlur } from "../../atex/metrics/blur.js";
import { groupsOf } from "../../atex/metrics/groups.js";
import {
  blurImputer,
  constantImputer,
  type Imputer,
  marginalImputer,
  noisyLinearImputer,
  rowImputer,
} from "../../atex/metrics/imputers.js";
import { removalCurve, shuffledOrder } from "../../atex/metrics/removal.js";
import { full, neg, random, sum, type Tensor, tensor } from "../../engine/index.js";
import { sampleTensor } from "../../nn/index.js";
import { gpuTest, onReference, referenceTest } from "../executors.js";
import { check, test } from "../harness.js";
import { generator } from "../values.js";
import { impostor, linearImages, linearTable } from "./auditWorlds.js";

const noStore = { load: async () => undefined, save: async () => {} };
const list = async (t: Tensor): Promise<number[]> => Array.from(await t.read());

referenceTest("a blurred point is the Gaussian, a blurred constant stays, and channels keep apart", async () => {
  const point = tensor([[[[0, 0, 0, 1, 0, 0, 0]]]]);
  const g = [0, 1, 2, 3].map((d) => Math.exp(-(d * d) / 2));
  // Each pixel's own weights sum to 1: near the ends there are fewer.
  const total = (at: number): number =>
    [0, 1, 2, 3, 4, 5, 6].reduce((s, i) => s + (Math.abs(i - at) <= 3 ? g[Math.abs(i - at)] : 0), 0);
  check.close(
    await list(gaussianBlur(point, 1)),
    [0, 1, 2, 3, 4, 5, 6].map((i) => g[Math.abs(i - 3)] / total(i)),
    { atol: 1e-7 },
  );
  check.close(await list(gaussianBlur(full([2, 3, 4, 5], 0.7), 2)), Array(120).fill(0.7), { atol: 1e-6 });
  check.throws(() => gaussianBlur(point, 0), /gaussianBlur: sigma 0 came/);
});

/** The system of equations of ROAD, solved by elimination: an image [h][w], 1 where removed. */
function solved(image: readonly number[][], removed: readonly number[][]): number[] {
  const [h, w] = [image.length, image[0].length];
  const matrix: number[][] = [];
  for (let y = 0; y < h; y++)
    for (let x = 0; x < w; x++) {
      const row = Array<number>(h * w + 1).fill(0);
      row[y * w + x] = 1;
      if (removed[y][x]) {
        let total = 0;
        for (const [dy, dx] of [-1, 0, 1].flatMap((a) => [-1, 0, 1].map((b) => [a, b])))
          if ((dy || dx) && image[y + dy]?.[x + dx] !== undefined) total += dy && dx ? 1 / 12 : 1 / 6;
        for (const [dy, dx] of [-1, 0, 1].flatMap((a) => [-1, 0, 1].map((b) => [a, b])))
          if ((dy || dx) && image[y + dy]?.[x + dx] !== undefined)
            row[(y + dy) * w + x + dx] = -(dy && dx ? 1 / 12 : 1 / 6) / total;
      } else row[h * w] = image[y][x];
      matrix.push(row);
    }
  for (let i = 0; i < h * w; i++) {
    const pivot = matrix
      .slice(i)
      .reduce((best, row, k) => (Math.abs(row[i]) > Math.abs(matrix[best][i]) ? k + i : best), i);
    [matrix[i], matrix[pivot]] = [matrix[pivot], matrix[i]];
    for (let k = 0; k < h * w; k++) {
      if (k === i) continue;
      const factor = matrix[k][i] / matrix[i][i];
      for (let j = i; j <= h * w; j++) matrix[k][j] -= factor * matrix[i][j];
    }
  }
  return matrix.map((row, i) => row[h * w] / row[i]);
}

referenceTest(
  "noisy linear imputation solves its equations, on the border too, and adds noise to what was removed",
  async () => {
    const next = generator(4);
    const [h, w] = [9, 8];
    const image = Array.from({ length: h }, () => Array.from({ length: w }, () => next()));
    const removed = image.map((row, y) => row.map((_, x) => Number((y < 7 && x < 6) || next() < 0.3)));
    const exact = solved(image, removed);
    const [x, mask] = [tensor([[image]]), tensor([[removed]])];
    const of = (rounds: number, noise: number) =>
      list(noisyLinearImputer({ rounds, noise }).fill(random.key(1), x, mask));
    check.close(await of(600, 0), exact, { atol: 1e-6 });
    // A block of 42 pixels without any known one inside: 60 rounds are near enough for a picture.
    check.close(await of(60, 0), exact, { atol: 0.02 });
    const [still, noisy] = [await of(60, 0), await of(60, 0.5)];
    const noise = noisy.map((v, i) => v - still[i]);
    const gone = removed.flat();
    check.ok(noise.every((v, i) => (gone[i] ? v !== 0 : v === 0)));
    const deviation = Math.hypot(...noise) / Math.sqrt(gone.reduce((a, b) => a + b, 0));
    check.ok(deviation > 0.35 && deviation < 0.65, `noise of deviation ${deviation}, 0.5 asked for`);
    const nothing = await list(noisyLinearImputer({ noise: 0 }).fill(random.key(1), x, full([1, 1, h, w], 1)));
    const mean = image.flat().reduce((a, b) => a + b, 0) / (h * w);
    check.close(nothing, Array(h * w).fill(mean), { atol: 1e-6 });
    check.throws(
      () => noisyLinearImputer().fill(random.key(1), tensor([[1, 2]]), tensor([[1, 0]])),
      /a table has no neighbours/,
    );
  },
);

referenceTest("tables are filled from the background: one row, or each feature from a row of its own", async () => {
  const background = tensor(Array.from({ length: 50 }, (_, i) => [i, i, i, i]));
  const [x, mask] = [
    tensor([
      [-1, -1, -1, -1],
      [-2, -2, -2, -2],
    ]),
    tensor([
      [1, 0, 1, 1],
      [1, 1, 1, 0],
    ]),
  ];
  const row = await list(rowImputer(background).fill(random.key(3), x, mask));
  check.equal([row[1], row[7]], [-1, -2]);
  check.is(new Set([row[0], row[2], row[3], row[4], row[5], row[6]]).size, 1);
  const features = [
    { name: "a", kind: "numeric" as const, at: [0] },
    { name: "b", kind: "categorical" as const, at: [1, 2, 3] },
  ];
  const own = await list(marginalImputer(background, features).fill(random.key(3), x, mask));
  check.equal([own[1], own[7]], [-1, -2]);
  check.equal([own[3], own[0], own[6]], [own[2], own[4], own[2]]);
  check.ok(own[0] !== own[2], "features are drawn by themselves");
});

referenceTest("the curve of a sum falls by what is removed, point by point, and is a mean over draws", async () => {
  const [x, map] = [
    tensor([
      [5, 1, 3],
      [2, 4, 8],
    ]),
    tensor([
      [5, 1, 3],
      [2, 4, 8],
    ]),
  ];
  const groups = groupsOf("test", x, map);
  const options = { imputer: constantImputer("zero", 0), counts: [1, 2], key: random.key(1) };
  const score = (z: Tensor): Tensor => sum(z, 1);
  check.equal(await list(removalCurve(score, x, groups, groups.values, options)), [4, 6, 1, 2]);
  check.equal(await list(removalCurve(score, x, groups, neg(groups.values), options)), [8, 12, 5, 8]);
  const background = tensor([
    [10, 10, 10],
    [20, 20, 20],
  ]);
  const drawn = { ...options, imputer: rowImputer(background, 400), counts: [3] };
  check.close(await list(removalCurve(score, x, groups, groups.values, drawn)), [45, 45], { atol: 3 });
});

referenceTest("equal values are removed in random order, others by size", async () => {
  const values = tensor([[0, 0, 7, 0, 0, 0, 9, 0]]);
  const places = await Promise.all([1, 2, 3].map((seed) => list(shuffledOrder(random.key(seed), values))));
  for (const place of places) {
    check.equal([...place].sort(), [0, 1, 2, 3, 4, 5, 6, 7]);
    check.equal([place[6], place[2]], [0, 1]);
  }
  check.ok(new Set(places.map(String)).size > 1);
});

test("a difference is clear where its whole interval is on one side, and was measured", () => {
  const of = (values: number[]): AuditMeasurement => ({ numbers: [meanNumber("x", values, "s")] });
  const by = (values: number[]) => advantage(of(values), of([0, 0, 0]), "x", "s");
  check.equal([by([1, 1.1, 1.2]), by([-1, 1, 3]), by([-1, -1.1, -1.2])].map(isAbove), [true, false, false]);
  check.equal([by([1, 1.1, 1.2]), by([1, -1, -3]), by([-1, -1.1, -1.2])].map(isBelow), [false, false, true]);
  check.equal([isAbove(by([1])), isBelow(by([-1]))], [false, false]);
  // Student's t of two degrees: 4.303 at 0.975, 7.649 at 1 − 0.025 / 3; the mean is 6 standard errors from 0.
  const six = by([-1, 0, 1].map((v) => v + 6 / Math.sqrt(3)));
  check.equal([isAbove(six), isAbove(six, 3)], [true, false]);
  const eight = by([-1, 0, 1].map((v) => -v - 8 / Math.sqrt(3)));
  check.equal([isBelow(eight, 3), isBelow(eight, 4)], [true, false]);
  check.is(advantage(of([1]), of([0]), "y"), undefined);
  check.is(isAbove(undefined) || isBelow(undefined), false);
});

test("orders of candidates are compared pair by pair, and counts leave something", () => {
  check.close([kendallTau([1, 2, 3], [1, 3, 2])], [1 / 3], { rtol: 1e-12 });
  check.is(
    leastTau([
      [1, 2],
      [3, 4],
      [2, 1],
    ]),
    -1,
  );
  check.equal(partCounts(5, [0.01, 0.2, 0.5, 1]), [1, 3, 4]);
});

referenceTest("a control is drawn anew for each sample, and the same again", async () => {
  const world = linearImages(3);
  const x = sampleTensor(world.test, world.samples);
  const batch = { x, classes: tensor(Int32Array.of(0, 0, 0)), from: 0 };
  const [a, b] = [
    await list(await mapsOf(world, CONTROLS[0], batch)),
    await list(await mapsOf(world, CONTROLS[0], batch)),
  ];
  check.equal(a, b);
  check.ok(a[0] !== a[36] && a[36] !== a[72]);
});

const audited = async (world: Parameters<typeof runAudit>[0], settings = {}) => {
  const plan = {
    rows: [{ row: "removal", settings }],
    ...{ explainers: [tableCandidate("gradient-x-input", "x"), impostor], controls: CONTROLS },
  };
  const measured = await runAudit(world, plan, noStore);
  return { measured, findings: judgeAudit(plan, measured) };
};

referenceTest("images: what a linear network adds up is faithful by removal, noise is not", async () => {
  const settings = { shares: [0.1, 0.3, 0.6] };
  for (const world of [linearImages(10, 3, 5)]) {
    const { measured, findings } = await audited(world, settings);
    check.equal(
      findings.map(({ verdict }) => verdict),
      ["holds", "does not hold"],
    );
    check.match(findings[0].sentence, /with all 3 ways to fill the gaps: together by at least \d/);
    const { plots, numbers } = measured.get("removal/gradient-x-input")!;
    check.equal(
      plots!.map(({ series }) => series[0].points.length),
      [3, 3, 3],
    );
    check.equal([...new Set(numbers.map(({ setting }) => setting))], ["noisy linear", "blur", "data mean"]);
  }
});

referenceTest("tables: the same, and features of one category go together", async () => {
  const { measured, findings } = await audited(linearTable());
  check.equal(
    findings.map(({ verdict }) => verdict),
    ["holds", "does not hold"],
  );
  const { numbers, plots } = measured.get("removal/gradient-x-input")!;
  check.equal([...new Set(numbers.map(({ setting }) => setting))], ["data mean", "another row", "marginal draws"]);
  check.equal(
    plots![0].series[0].points.map(({ x }) => x),
    [0.2, 0.4, 0.6, 0.8],
  );
  check.ok(!measured.get("removal/edges")?.numbers.length, "a table has no edges");
});

referenceTest("the fall is that of a linear network by hand", async () => {
  const world = linearImages(4);
  const plan = {
    rows: [{ row: "removal", settings: { shares: [0.25] } }],
    ...{ explainers: [tableCandidate("gradient", "x")], controls: [] },
  };
  const { numbers } = (await runAudit(world, plan, noStore)).get("removal/gradient")!;
  const x = sampleTensor(world.test, world.samples);
  const [values, centre] = [await list(x), await list(world.explaining.background)];
  const mean = Array.from(
    { length: 36 },
    (_, i) => centre.reduce((s, v, at) => (at % 36 === i ? s + v : s), 0) / (centre.length / 36),
  );
  const quarters = [0, 1, 2, 3].map((q) =>
    [...Array(36).keys()].filter((i) => 2 * Number(i >= 18) + Number(i % 6 >= 3) === q),
  );
  const weights = await list(
    world.classifier(
      tensor(
        new Float32Array(36 * 36).map((_, at) => Number(at % 37 === 0)),
        [36, 1, 6, 6],
      ),
    ),
  );
  // The nine pixels that count are a quarter of all: first they go, last they stay.
  const fall = [0, 1, 2, 3].map((n) =>
    quarters[n].reduce((s, i) => s + weights[4 * i + n] * (values[36 * n + i] - mean[i]), 0),
  );
  const of = (name: string) => numbers.find((one) => one.name === name && one.setting === "data mean")!.values!;
  check.close(of("fall, most relevant first"), fall, { rtol: 1e-5 });
  check.close(of("fall, least relevant first"), [0, 0, 0, 0], { atol: 1e-5 });
});

test("judged from numbers alone: every way to fill counts, controls and blurred copies are told", () => {
  const measured = (gains: Record<string, number>, blurred = -1): AuditMeasurement => ({
    numbers: Object.entries(gains).flatMap(([imputer, gain]) => [
      meanNumber("fall, most relevant first", [gain + 1, gain + 1.1, gain + 1.2], imputer),
      meanNumber(
        "fall, least relevant first",
        [1.1, 1.2, 1.3].map((v) => v - gain),
        imputer,
      ),
      meanNumber("gain of the order", [2 * gain, 2 * gain + 0.01, 2 * gain - 0.01], imputer),
      meanNumber("gain of the order, blurred copy of the map", [blurred, blurred, blurred], imputer),
    ]),
  });
  const row = auditRowOf("removal");
  const settings = { output: "logit" };
  const chance = measured({ a: 0, b: 0, c: 0 });
  const held = row.judge(
    measured({ a: 1, b: 2, c: 3 }),
    { random: chance, input: measured({ a: 0.5, b: 2, c: 1 }) },
    settings,
  );
  check.is(held.verdict, "holds");
  check.match(held.sentence, /by at least 2.00 .* of the logit more than a random order, with a/);
  check.equal(held.caveats.slice(0, 1), ['the control "input" is as good with b']);
  check.match(held.caveats[1], /Kendall's tau down to/);
  const partly = row.judge(measured({ a: 1, b: -1, c: 3 }, 9), { random: chance }, settings);
  check.is(partly.verdict, "does not hold");
  check.match(partly.sentence, /With 1 of 3 ways to fill the gaps \(b\)/);
  check.match(partly.caveats[0], /blurred copy of the map, which knows less, is at least as good with a, b, c/);
  check.is(row.judge(measured({ a: 1 }), {}, settings).verdict, "not tested");
});

gpuTest("imputers on the GPU as in float64", async () => {
  const fill = (make: () => Imputer) => {
    const image = sampleTensor(linearImages(3, 2, 7).test, [0, 1, 2]);
    const mask = tensor(
      Float32Array.from({ length: 3 * 49 }, (_, i) => Number(i % 3 !== 0)),
      [3, 1, 7, 7],
    );
    return list(make().fill(random.key(2), image, mask));
  };
  for (const make of [() => noisyLinearImputer(), () => blurImputer()])
    check.close(await fill(make), await onReference(() => fill(make)), { atol: 1e-5 });
});
