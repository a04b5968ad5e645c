/** Row 9 of audits, and the certificates it stands on; no attack of ours moves what is certified. */

import { ascend } from "../../atex/attacks/loop.js";
import {
  type AuditMeasurement,
  attackExplanation,
  auditRowOf,
  certifiedOverlap,
  certifiedPixels,
  certifiedTopK,
  classScore,
  clopperPearson,
  judgeAudit,
  l2,
  maxAbsStep,
  meanNumber,
  plainNumber,
  runAudit,
  saliencyMap,
  sparsifiedSmoothGrad,
  topKSuppression,
} from "../../atex/index.js";
import { rows } from "../../atex/metrics/metric.js";
import { argmax, mul, neg, random, sub, sum, type Tensor, tensor, topKMask } from "../../engine/index.js";
import { gpuTest, referenceTest } from "../executors.js";
import { check, test } from "../harness.js";
import { linearImages, linearTable } from "./auditWorlds.js";
import { classifier, SIDE } from "./smallNet.js";

const noStore = { load: async () => undefined, save: async () => {} };
const list = async (t: Tensor): Promise<number[]> => Array.from(await t.read());

/** P(at least k of n), term by term. */
function atLeast(k: number, n: number, p: number): number {
  let [term, total] = [(1 - p) ** n, 0];
  for (let j = 0; j <= n; j++) {
    if (j >= k) total += term;
    term *= ((n - j) / (j + 1)) * (p / (1 - p));
  }
  return total;
}

test("exact bounds are where so many or more, or so few or fewer, have half the chance", () => {
  for (const [n, alpha] of [
    [1, 0.05],
    [20, 0.05],
    [60, 1e-4],
  ] as const) {
    const { low, high } = clopperPearson(n, alpha);
    check.equal([low[0], high[n], low.length], [0, 1, n + 1]);
    for (let k = 1; k <= n; k++) {
      check.close([atLeast(k, n, low[k])], [alpha / 2], { rtol: 1e-6 }, `${k} of ${n}`);
      check.close([atLeast(n - k + 1, n, 1 - high[k - 1])], [alpha / 2], { rtol: 1e-6 }, `fewer than ${k} of ${n}`);
    }
  }
  // As R's binom.test(5, 10) gives them.
  const { low, high } = clopperPearson(10, 0.05);
  check.close([low[5], high[5]], [0.187086, 0.812914], { atol: 1e-6 });
  const many = clopperPearson(5000, 1e-5);
  check.ok(many.low[2500] > 0.46 && many.low[2500] < 0.47, `${many.low[2500]}`);
  check.throws(() => clopperPearson(0, 0.05), /clopperPearson: n is 0; an integer of at least 1/);
});

referenceTest(
  "certified radii with exact bounds, worked out by hand, are no smaller than with Hoeffding's",
  async () => {
    const map = tensor([[0.95, 0.1, 0.8, 0.2, 0.3]]);
    const options = { sigma: 0.5, samples: 200, confidence: 0.95, k: 2 };
    const { low, high } = clopperPearson(200, 0.01);
    const exact = await list(certifiedTopK(map, { ...options, bound: "clopper-pearson" }));
    const loose = await list(certifiedTopK(map, options));
    check.ok(
      exact.every((radius, i) => radius >= loose[i]),
      `${exact} against ${loose}`,
    );
    // Through the normal distribution function and back: the error function, by its series.
    const phi = (z: number): number => {
      let [term, total] = [z, z];
      for (let i = 3; i < 200; i += 2) {
        term *= (z * z) / i;
        total += term;
      }
      return 0.5 + (total * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI);
    };
    const quantile = (p: number): number => {
      let [from, to] = [-5, 5];
      for (let i = 0; i < 80; i++)
        if (phi((from + to) / 2) < p) from = (from + to) / 2;
        else to = (from + to) / 2;
      return from;
    };
    const by = (up: number, down: number): number => 0.25 * (quantile(low[up]) - quantile(high[down]));
    check.close(exact, [by(190, 40), by(160, 60)], { atol: 1e-5 });
    check.throws(
      () => certifiedTopK(map, { ...options, bound: "x" as never }),
      /bound is "x"; "hoeffding" or "clopper-pearson" is needed/,
    );
  },
);

referenceTest("single pixels are certain by their own counts", async () => {
  const { low, high } = clopperPearson(100, 0.05 / 4);
  const map = tensor([[1, 0.6, 0.5, 0.02]]);
  const { kept, left, radius } = certifiedPixels(map, {
    sigma: 0.2,
    samples: 100,
    share: 0.75,
    bound: "clopper-pearson",
  });
  check.equal(
    [await list(kept), await list(left)],
    [
      [1, 0, 0, 0],
      [0, 0, 0, 1],
    ],
  );
  check.ok(low[100] > 0.75 && low[60] < 0.75 && high[2] < 0.25);
  check.close([radius], [0.2 * 0.6744897501960817], { rtol: 1e-9 });
  check.throws(() => certifiedPixels(map, { sigma: 0.2, samples: 100, share: 0.4 }), /share 0.4 came/);
});

gpuTest(
  "no attack of ours moves a certified pixel inside its radius, nor more of the top than is certified",
  async () => {
    const [sigma, copies, top, k, tau] = [0.3, 3000, 0.15, 9, 0.6];
    const net = classifier(5);
    const x = random.uniform(random.key(8), [4, 1, SIDE, SIDE]);
    const score = classScore(net, argmax(net(x), 1));
    const hard = (seed: number) => sparsifiedSmoothGrad({ samples: copies, sigma, key: random.key(seed), top });
    const mapAt = (z: Tensor, seed: number): Tensor => rows(saliencyMap(hard(seed)(score, z)));
    const map = mapAt(x, 1);
    const options = { sigma, samples: copies, bound: "clopper-pearson" as const };
    const { kept, left, radius } = certifiedPixels(map, { ...options, share: tau });
    const radii = certifiedTopK(map, { ...options, k });
    const [isKept, isLeft, own] = [await list(kept), await list(left), await list(topKMask(map, k))];
    const total = (all: number[]): number => all.reduce((a, b) => a + b, 0);
    check.ok(total(isKept) >= 4 && total(isLeft) > 4 * 30, `${total(isKept)} kept, ${total(isLeft)} left out`);
    const relaxed = (seed: number) =>
      sparsifiedSmoothGrad({ samples: 48, sigma, key: random.key(seed), top, full: top, form: "relaxed" });
    const ball = (r: number) => ({ ball: l2(r), rule: maxAbsStep(r / 4), steps: 8, restarts: 1 });
    // The attack on explanations, which keeps the prediction; and ascent on the very counts, which need not.
    const attacks: ((r: number) => Tensor)[] = [
      (r) =>
        attackExplanation({ ...ball(r), explainer: relaxed(3), objective: topKSuppression(k) })({
          ...{ classifier: net, x, key: random.key(4) },
        }).images,
      (r) => {
        const soft = relaxed(6);
        const objective = (z: Tensor): Tensor => {
          const there = rows(saliencyMap(soft(score, z)));
          return sub(sum(mul(there, left), 1), sum(mul(there, kept), 1));
        };
        return ascend(x, { ...ball(r), objective, key: random.key(7) }).images;
      },
      (r) =>
        ascend(x, {
          ...ball(r),
          objective: (z) => neg(sum(mul(rows(saliencyMap(relaxed(9)(score, z))), topKMask(map, k)), 1)),
          key: random.key(10),
        }).images,
    ];
    // Four deviations of a mean of fresh copies near one half.
    const error = 4 * Math.sqrt(0.25 / copies);
    const overlaps = (there: number[]): number[] =>
      [0, 1, 2, 3].map((n) => own.slice(64 * n, 64 * n + 64).reduce((s, v, i) => s + v * there[64 * n + i], 0));
    let moved = 0;
    for (const [a, attack] of attacks.entries()) {
      const near = await list(mapAt(attack(radius), 20 + a));
      for (const [i, h] of near.entries()) {
        if (isKept[i]) check.ok(h > 0.5 - error, `attack ${a}: a pixel that is certain to be kept is kept by ${h}`);
        if (isLeft[i]) check.ok(h < 0.5 + error, `attack ${a}: a pixel that is certain to be left out is kept by ${h}`);
      }
      for (const r of [0.05]) {
        const certain = await list(certifiedOverlap(radii, r));
        const stay = overlaps(await list(topKMask(mapAt(attack(r), 30 + a), k)));
        check.ok(
          stay.every((v, n) => v >= certain[n]),
          `attack ${a}, radius ${r}: ${stay} stay, ${certain} certified`,
        );
        check.ok(total(certain) > 4, `radius ${r}: ${certain} certified`);
      }
      if (a === 0) moved = total(overlaps(await list(topKMask(mapAt(attack(4), 40), k))));
    }
    check.ok(moved < 0.8 * 4 * k, `the same attack leaves ${moved} of ${4 * k} when it may go far`);
  },
);

referenceTest("a linear network cannot be moved at all; tables are measured in units of their columns", async () => {
  const settings = { sigmas: [0.2], copies: 60, radii: [0.02, 0.1], confidence: 0.9 };
  for (const world of [linearImages(2), linearTable(2)]) {
    const plan = { rows: [{ row: "certificate", settings }], explainers: [], controls: [] };
    const measured = await runAudit(world, plan, noStore);
    const [finding] = judgeAudit(plan, measured);
    const { numbers, plots } = measured.get("certificate")!;
    const top = numbers.filter(({ name }) => name === "certified share of the top");
    check.equal(
      top.map(({ setting }) => setting),
      ["noise 0.2, radius 0.02", "noise 0.2, radius 0.1"],
    );
    // Gradients do not depend on the input: the same pixels are the largest in every copy.
    check.close(
      top.map(({ value }) => value),
      [1, 1],
      { atol: 1e-6 },
    );
    check.is(finding.verdict, "holds");
    check.is(plots![0].series[0].points.length, 2);
  }
  // The widest column has the largest slope in units of its range: 5 against 2 of weight.
  const wide = linearTable(2);
  const range = { low: [-2, -20, -2, -2, 0, 0, 0], high: [2, 20, 2, 2, 1, 1, 1] };
  const plan = { rows: [{ row: "certificate", settings: { ...settings, top: 0.15 } }], explainers: [], controls: [] };
  const found = await runAudit({ ...wide, domain: { ...wide.domain, range } }, plan, noStore);
  check.ok(found.get("certificate")!.numbers[0].value === 1);
});

test("judged from numbers alone: the first noise and radius decide, and what it is not about is told", () => {
  const top = "certified share of the top";
  const of = (near: number, far: number): AuditMeasurement => ({
    numbers: [
      meanNumber(top, [near, near], "noise 0.2, radius 0.1"),
      meanNumber(top, [far, far], "noise 0.2, radius 0.3"),
      meanNumber(top, [0.9, 0.9], "noise 0.1, radius 0.1"),
      meanNumber(top, [0.8, 0.8], "noise 0.1, radius 0.3"),
      meanNumber("share of the pixels certain to be kept", [0.05, 0.05], "noise 0.2"),
      meanNumber("share of the pixels certain to be left out", [0.6, 0.6], "noise 0.2"),
      plainNumber("radius of the certificates of single pixels", 0.1349, 2, "noise 0.2"),
      plainNumber("elements of a sample", 100, 2),
    ],
  });
  const row = auditRowOf("certificate");
  const settings = { sigmas: [0.2, 0.1], radii: [0.1, 0.3], share: 0.5, confidence: 0.95 };
  const held = row.judge(of(0.7, 0.2), {}, settings);
  check.is(held.verdict, "holds");
  check.match(held.sentence, /within a length of 0.1, at least 70 % of the top .* further out 20 % at 0.3/);
  check.match(held.caveats[0], /not the raw gradient/);
  check.match(held.caveats[1], /each of 100 elements by 0.010 at once/);
  check.match(held.caveats[2], /within 0.13: 5 % .* 60 %/);
  check.match(held.caveats[3], /with noise 0.1, another smoothed map, 90 %/);
  const lost = row.judge(of(0.4, 0), {}, settings);
  check.is(lost.verdict, "does not hold");
  check.match(lost.caveats.at(-1)!, /a certificate that is missing is no attack/);
});
