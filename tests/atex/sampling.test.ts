/** Explainers that average over noise or baselines: each computed a second time on the host from the same draws; the certificate
 *  against a case worked out by hand and against attacks. */

import { chunksOf } from "../../atex/copies.js";
import {
  certifiedOverlap,
  certifiedTopK,
  expectedGradients,
  gradient,
  saliencyMap,
  sparsifiedSmoothGrad,
  varGrad,
} from "../../atex/index.js";
import { add, capture, checkGrads, mul, random, reshape, slice, sum, type Tensor, tensor } from "../../engine/index.js";
import { gpuTest, referenceTest } from "../executors.js";
import { check, test } from "../harness.js";
import { generator } from "../values.js";
import { likeReference, linear, list, network, numbers, samples } from "./game.js";
import { both, plane, scoreOf, slope, twoPixels } from "./quadratic.js";

both("VarGrad = the variance of the gradients at the noisy copies", async () => {
  const [key, count, sigma] = [random.key(1), 7, 0.3];
  const noise = await list(mul(random.normal(key, [count, 1, 1, 1, 2]), sigma));
  const clean = await list(twoPixels());
  const expected: number[] = [];
  for (const n of [0, 1]) {
    const slopes = Array.from({ length: count }, (_, s) =>
      slope(plane, [clean[2 * n] + noise[2 * s], clean[2 * n + 1] + noise[2 * s + 1]]),
    );
    for (const i of [0, 1]) {
      const mean = slopes.reduce((t, v) => t + v[i], 0) / count;
      expected.push(slopes.reduce((t, v) => t + (v[i] - mean) ** 2, 0) / count);
    }
  }
  for (const budget of [undefined, 12]) {
    const explain = varGrad({ samples: count, sigma, key, budget });
    check.close(await list(explain(scoreOf(plane), twoPixels())), expected, { rtol: 1e-4 });
  }
});

both("expected gradients = the definition, draw by draw", async () => {
  const [key, count, rows] = [random.key(2), 5, tensor([[[[0, 1]]], [[[0.5, 0.25]]], [[[1, 0]]]])];
  const [which, where] = random.split(key, 2);
  const [picks, alphas] = [
    await list(random.randint(which, [count], 0, 3)),
    await list(random.uniform(where, [count, 1, 1])),
  ];
  const [clean, others] = [await list(twoPixels()), await list(rows)];
  const expected = clean.map((_, at) => {
    const own = clean.slice(at - (at % 2), at - (at % 2) + 2);
    const terms = picks.map((row, s) => {
      const from = others.slice(2 * row, 2 * row + 2);
      const point = own.map((v, i) => from[i] + alphas[s] * (v - from[i]));
      return (own[at % 2] - from[at % 2]) * slope(plane, point)[at % 2];
    });
    return terms.reduce((a, b) => a + b) / count;
  });
  for (const budget of [undefined, 8]) {
    const explain = expectedGradients({ background: rows, samples: count, key, budget });
    check.close(await list(explain(scoreOf(plane), twoPixels())), expected, { atol: 1e-6 });
  }
});

referenceTest("expected gradients sum to the score less the background's, within the sampling error", async () => {
  const [score, background, x] = [network(3, 6), samples(4, 10, [6]), samples(5, 4, [6])];
  const errors: number[] = [];
  for (const count of [100, 10_000]) {
    const explain = expectedGradients({ background, samples: count, key: random.key(6) });
    const attribution = explain(score, x);
    const gap = await list(explain.gap!(score, x, attribution));
    const [own, there] = [await list(score(x)), await list(score(background))];
    const mean = there.reduce((a, b) => a + b) / 10;
    const sums = await list(sum(attribution, 1));
    check.close(
      gap,
      own.map((v, i) => Math.abs(sums[i] - (v - mean))),
      { atol: 1e-12 },
    );
    errors.push(Math.hypot(...gap) / 2);
  }
  // Ten times less is expected of a hundred times the samples.
  check.ok(errors[1] < errors[0] / 3 && errors[1] < 0.05, `errors ${errors}`);
  const exact = expectedGradients({ background: slice(background, [0, 0], [1, 6]), samples: 3, key: random.key(7) });
  const w = numbers(8, 6);
  check.close(await list(exact.gap!(linear(w), x, exact(linear(w), x))), [0, 0, 0, 0], { atol: 1e-12 });
});

for (const form of ["hard", "relaxed"] as const)
  referenceTest(`sparsified SmoothGrad (${form}) = how often and how much pixels are at the top`, async () => {
    const [key, count, sigma, shape] = [random.key(9), 6, 0.4, [2, 2, 5]];
    const [score, x] = [network(10, 20), samples(11, 2, shape)];
    const noise = mul(random.normal(key, [count, 1, ...shape]), sigma);
    const expected = Array<number>(20).fill(0);
    for (let s = 0; s < count; s++) {
      const copy = add(x, reshape(slice(noise, [s, 0, 0, 0, 0], [1, 1, ...shape]), [1, ...shape]));
      const map = await list(saliencyMap(gradient(score, copy)));
      for (const n of [0, 1]) {
        const own = map.slice(10 * n, 10 * n + 10);
        const falling = [...own].sort((a, b) => b - a);
        // The top 4 of 10, of which 2 count fully.
        own.forEach((v, p) => {
          if (v < falling[3]) return;
          expected[10 * n + p] += (form === "hard" ? 1 : Math.min(1, v / falling[1])) / count;
        });
      }
    }
    for (const budget of [undefined, 100]) {
      const explain = sparsifiedSmoothGrad({ samples: count, sigma, key, top: 0.4, full: 0.2, form, budget });
      const attribution = explain(score, x);
      check.equal(attribution.shape, [2, ...shape]);
      check.close(await list(saliencyMap(attribution)), expected, { atol: 1e-12 });
    }
  });

referenceTest("a feature without influence is never kept; the relaxed form has a slope", async () => {
  const score = linear([1, 0, 0, -2, 0]);
  const x = samples(12, 1, [5]);
  const key = random.key(13);
  const map = await list(sparsifiedSmoothGrad({ samples: 4, key, top: 0.8 })(score, x));
  check.equal(map, [1, 0, 0, 1, 0]);
  const relaxed = sparsifiedSmoothGrad({ samples: 4, key, top: 0.8, full: 0.2, form: "relaxed" });
  check.close(await list(relaxed(score, x)), [0.5, 0, 0, 1, 0], { atol: 1e-12 });
  const weights = tensor(numbers(14, 6), [1, 6]);
  const curved = sparsifiedSmoothGrad({ samples: 4, key, top: 0.8, full: 0.2, form: "relaxed" });
  const net = network(15, 6);
  await checkGrads((z: Tensor) => sum(mul(curved(net, z), weights)), [samples(16, 1, [6])], { order: 1 });
  const spread = varGrad({ samples: 5, key });
  await checkGrads((z: Tensor) => sum(mul(spread(net, z), weights)), [samples(16, 1, [6])], { order: 1 });
});

both("certified radii, worked out by hand", async () => {
  // Hoeffding's error for 5 pixels, 95 % and 4000 copies: sqrt(ln 200 / 8000) = 0.025735; map 0.975735 − error = 0.95 and so on.
  const e = Math.sqrt(Math.log(200) / 8000);
  const map = tensor([[0.95 + e, 0.1 - e, 0.8 + e, 0.2 - e, 0.3]]);
  const options = { sigma: 0.5, samples: 4000, confidence: 0.95 };
  // Quantiles of the normal distribution: Φ⁻¹(0.95) = 1.6448536, Φ⁻¹(0.8) = 0.8416212, Φ⁻¹(0.1) = −1.2815516; 0.3 + e is third.
  // Of the top 2: i = 1 against the 4th, 0.2 − e; i = 2 against the third, 0.3.
  const third = -0.451_7; // Φ⁻¹(0.3 + e) = Φ⁻¹(0.325735)
  const radii = await list(certifiedTopK(map, { ...options, k: 2 }));
  check.close(radii, [0.25 * (1.6448536 + 0.8416212), 0.25 * (0.8416212 - third)], { atol: 2e-4 });
  check.equal(await list(certifiedOverlap(certifiedTopK(map, { ...options, k: 2 }), 0.3)), [2]);
  check.equal(await list(certifiedOverlap(certifiedTopK(map, { ...options, k: 2 }), 0.5)), [1]);
  check.equal(await list(certifiedOverlap(certifiedTopK(map, { ...options, k: 2 }), 0.7)), [0]);
  // Of the top 4 of 5 three stay whatever happens, the last may be replaced.
  const four = await list(certifiedTopK(map, { ...options, k: 4 }));
  check.equal(four.slice(0, 3), Array(3).fill(Number.POSITIVE_INFINITY));
  check.ok(Number.isFinite(four[3]));
  check.equal(await list(certifiedTopK(map, { ...options, k: 5 })), Array(5).fill(Number.POSITIVE_INFINITY));
  // 0 and 1 that were seen are within the error of anything near; equal pixels are not told apart.
  const extreme = await list(certifiedTopK(tensor([[1, 0, 0, 0, 0]]), { ...options, k: 1 }));
  check.ok(extreme[0] > 0 && extreme[0] < 2);
  const even = await list(certifiedTopK(tensor([[0.5, 0.5, 0.01, 0.01, 0]]), { ...options, k: 1, samples: 10 }));
  check.equal(even, [Number.NEGATIVE_INFINITY]);
});

referenceTest("no attack inside the radius moves more of the top than the certificate allows", async () => {
  const [d, k, sigma, count, top] = [12, 4, 0.5, 4000, 0.3];
  const [score, x] = [network(17, d, 6), samples(18, 1, [d])];
  const explain = (seed: number) => sparsifiedSmoothGrad({ samples: count, sigma, key: random.key(seed), top });
  const map = explain(19)(score, x);
  const radii = certifiedTopK(map, { k, sigma, samples: count });
  const finite = (await list(radii)).filter((r) => r > 0);
  check.ok(finite.length >= 2, `certified radii ${await list(radii)}`);
  const topOf = (values: readonly number[]): number[] =>
    values
      .map((_, i) => i)
      .sort((i, j) => values[j] - values[i] || i - j)
      .slice(0, k);
  const own = topOf(await list(map));
  const next = generator(20);
  // Against the map: the gradient of what lifts the others over the top, in a form that has one.
  const against = (t: number): Tensor => {
    const soft = sparsifiedSmoothGrad({
      samples: 200,
      sigma,
      key: random.key(21 + t),
      top,
      full: top,
      form: "relaxed",
    });
    const signs = tensor([Array.from({ length: d }, (_, i) => (own.includes(i) ? -1 : 1))]);
    return gradient((z) => sum(mul(soft(score, z), signs), 1), x);
  };
  const attacked = async (radius: number, direction: readonly number[], seed: number): Promise<number> => {
    const length = Math.hypot(...direction);
    const moved = add(x, tensor([direction.map((v) => (v * radius) / length)]));
    const there = topOf(await list(explain(seed)(score, moved)));
    return own.filter((i) => there.includes(i)).length;
  };
  for (const radius of finite.map((r) => r * 0.999)) {
    const certain = (await list(certifiedOverlap(radii, radius)))[0];
    check.ok(certain >= 1);
    for (let t = 0; t < 12; t++) {
      const chosen = t % 2 ? Array.from({ length: d }, () => 2 * next() - 1) : await list(against(t));
      const overlap = await attacked(radius, chosen, 100 + t);
      check.ok(overlap >= certain, `radius ${radius}: ${overlap} stay, ${certain} certified`);
    }
  }
  // The same attacks do move the top when they may go further.
  const far = await Promise.all([0, 2, 4].map(async (t) => attacked(4, await list(against(t)), 200 + t)));
  check.ok(Math.min(...far) < k, `overlaps ${far} at a distance of 4`);
});

test("chunks cover all copies, of nearly equal size, never empty", () => {
  for (const [total, elements, budget, most] of [
    [10, 3, 9, 3],
    [7, 100, 9, 1],
    [1, 1, 1, 1],
    [1000, 1, 300, 300],
  ] as const) {
    const chunks = chunksOf(total, elements, budget);
    let at = 0;
    for (const { start, count } of chunks) {
      check.is(start, at);
      check.ok(count >= 1 && count <= most, `${count} of at most ${most}`);
      at += count;
    }
    check.is(at, total);
    check.ok(new Set(chunks.slice(0, -1).map(({ count }) => count)).size <= 1, "all but the last are of one size");
  }
});

gpuTest("sampling explainers on the GPU as in float64, and captured as not", async () => {
  const shape = [1, 4, 4];
  const key = () => random.key(22);
  const makers = [
    () => varGrad({ samples: 20, key: key() }),
    () => expectedGradients({ background: samples(23, 5, shape), samples: 30, key: key() }),
    () => sparsifiedSmoothGrad({ samples: 20, key: key(), form: "relaxed", top: 0.5, full: 0.25 }),
  ];
  for (const make of makers) {
    // Gradients of size 3 at copies whose noise agrees to rounding.
    await likeReference(() => make()(network(24, 16), samples(25, 3, shape)), { atol: 2e-5, rtol: 1e-4 });
    const explain = make();
    check.identical(
      await list(explain(network(24, 16), samples(25, 3, shape))),
      await list(explain(network(24, 16), samples(25, 3, shape))),
    );
    using step = capture((z: Tensor) => explain(network(24, 16), z));
    await step.verify(samples(25, 3, shape));
  }
});

referenceTest("options that make no sense are refused", () => {
  const [key, map] = [random.key(1), tensor([[0.5, 0.2]])];
  check.throws(() => varGrad({ key, samples: 1 }), /varGrad: samples 1/);
  check.throws(() => expectedGradients({ key, background: map, samples: 0 }), /expectedGradients: 0 samples/);
  check.throws(() => sparsifiedSmoothGrad({ key, top: 0 }), /sparsifiedSmoothGrad: .* top 0/);
  check.throws(() => sparsifiedSmoothGrad({ key, top: 0.1, full: 0.2 }), /full 0.2/);
  check.throws(() => certifiedTopK(map, { k: 3, sigma: 1, samples: 5 }), /certifiedTopK: the top 3 of 2 pixels/);
  check.throws(() => certifiedTopK(map, { k: 1, sigma: 0, samples: 5 }), /sigma 0/);
  check.throws(() => certifiedTopK(map, { k: 1, sigma: 1, samples: 5, confidence: 1 }), /confidence 1/);
  check.throws(() => certifiedOverlap(map, -1), /certifiedOverlap: radius -1/);
});
