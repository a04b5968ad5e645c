/** Faithfulness of maps of a quadratic score, computed a second time on the host; gradients, refusals. */
import {
  aopc,
  aopcCurves,
  averageStability,
  deletionAuc,
  gradient,
  infidelity,
  insertionAuc,
  linf,
  maxSensitivity,
  noisePerturbation,
  relevanceMass,
  type Score,
  signStep,
  squareRemoval,
  worstCaseStability,
} from "../../atex/index.js";
import {
  checkGrads,
  concat,
  less,
  matmul,
  mul,
  random,
  reshape,
  square,
  sum,
  type Tensor,
  tanh,
  tensor,
} from "../../engine/index.js";
import { referenceTest } from "../executors.js";
import { check } from "../harness.js";
import { both, dot, images, plane, type Quadratic, scoreOf, twoPixels, value } from "./quadratic.js";

for (const scaled of [false, true])
  both(`infidelity ${scaled ? "with optimal scaling" : "as it comes"} = the definition, draw by draw`, async () => {
    const key = random.key(5);
    const x = twoPixels();
    const attribution = tensor(Float32Array.of(1, -0.5, 2, 1), x.shape);
    const phi = await images(attribution);
    const terms: [number, number][][] = [[], []];
    const perturbation = noisePerturbation(0.3);
    for (const k of random.split(key, 7)) {
      const [taken] = await images(perturbation(k, x));
      for (const [i, clean] of (await images(x)).entries()) {
        const there = clean.map((v, j) => v - taken[j]);
        terms[i].push([dot(taken, phi[i]), value(plane, clean) - value(plane, there)]);
      }
    }
    const expected = terms.map((t) => {
      const beta = scaled ? t.reduce((s, [u, d]) => s + u * d, 0) / t.reduce((s, [u]) => s + u * u, 0) : 1;
      return t.reduce((s, [u, d]) => s + (beta * u - d) ** 2, 0) / t.length;
    });
    const options = { perturbation, samples: 7, chunk: 5, key, scaled };
    check.close(await infidelity(options)(scoreOf(plane), x, attribution).read(), expected, { rtol: 1e-4 });
  });

both("square removal takes whole squares, everywhere in the image", async () => {
  const [h, w, side, m] = [5, 4, 2, 200];
  const x = random.uniform(random.key(6), [1, 1, h, w], { low: 0.5, high: 1 });
  const corners = new Set<number>();
  const places = random.split(random.key(7), m);
  const [clean, taken] = [await images(x), await images(concat(places.map((k) => squareRemoval(side)(k, x))))];
  for (let i = 0; i < m; i++) {
    const at = taken[i].findIndex((v) => v !== 0);
    corners.add(at);
    for (let p = 0; p < h * w; p++) {
      const [down, across] = [Math.floor(p / w) - Math.floor(at / w), (p % w) - (at % w)];
      const inside = down >= 0 && down < side && across >= 0 && across < side;
      check.is(taken[i][p], inside ? clean[0][p] : 0);
    }
  }
  check.is(corners.size, (h - side + 1) * (w - side + 1));
});

/** Four by four pixels, all weights different. */
const weights: Quadratic = {
  A: Array.from({ length: 16 }, () => Array<number>(16).fill(0)),
  b: Array.from({ length: 16 }, (_, i) => ((i * 7) % 16) / 120),
};
const picture = (): Tensor => random.uniform(random.key(8), [2, 1, 4, 4], { low: 0.5, high: 1 });

/** Positions by falling value, the first of equals first. */
const falling = (v: readonly number[]): number[] => v.map((_, i) => i).sort((i, j) => v[j] - v[i]);

both("AOPC = regions replaced one by one, with a random order beside it", async () => {
  const key = random.key(9);
  const x = picture();
  const map = reshape(mul(x, tensor(Float64Array.from(weights.b), [1, 1, 4, 4])), [2, 4, 4]);
  const options = { region: 2, key };
  const [noise] = await images(random.uniform(random.split(key, 2)[0], [1, 1, 4, 4]));
  const found = aopcCurves(options)(scoreOf(weights), x, map);
  const curve = await found.map.read();
  const chance = await found.random.read();
  const regionOf = (p: number): number => 2 * Math.floor(p / 8) + Math.floor((p % 4) / 2);
  const [pictures, maps] = [await images(x), await images(map)];
  const areas: number[] = [];
  for (let n = 0; n < 2; n++) {
    const relevance = [0, 1, 2, 3].map((r) => maps[n].reduce((s, v, p) => s + (regionOf(p) === r ? v : 0), 0));
    const order = falling(relevance);
    const drops = [0, 1, 2, 3, 4].map((k) => {
      const gone = new Set(order.slice(0, k));
      const now = pictures[n].map((v, p) => (gone.has(regionOf(p)) ? noise[p] : v));
      return value(weights, pictures[n]) - value(weights, now);
    });
    check.close(
      drops.map((_, k) => curve[k * 2 + n]),
      drops,
      { atol: 1e-5 },
    );
    check.close([chance[n], chance[8 + n]], [0, drops[4]], { atol: 1e-5 });
    areas.push(drops.reduce((a, b) => a + b) / 5);
  }
  check.close(await aopc(options)(scoreOf(weights), x, map).read(), areas, { atol: 1e-5 });
});

both("insertion and deletion = pixels replaced one by one, ties in reading order", async () => {
  const x = picture();
  const pictures = await images(x);
  // Many ties.
  const map = tensor(
    Float32Array.from({ length: 32 }, (_, i) => Math.floor(weights.b[i % 16] * 40)),
    [2, 4, 4],
  );
  const order = falling(weights.b.map((v) => Math.floor(v * 40)));
  for (const [steps, baseline] of [
    [16, 0],
    [5, 0.25],
  ]) {
    const expected = (insert: boolean): number[] =>
      pictures.map((clean) => {
        const scores = Array.from({ length: steps + 1 }, (_, k) => {
          const changed = new Set(order.slice(0, Math.round((k * 16) / steps)));
          return value(
            weights,
            clean.map((v, p) => (changed.has(p) === insert ? v : baseline)),
          );
        });
        return scores.slice(1).reduce((s, v, k) => s + (v + scores[k]) / 2, 0) / steps;
      });
    const given = [scoreOf(weights), x, map] as const;
    check.close(await insertionAuc({ steps, baseline })(...given).read(), expected(true), { rtol: 1e-5 });
    check.close(await deletionAuc({ steps, baseline })(...given).read(), expected(false), { rtol: 1e-5 });
  }
});

both("the true map deletes faster and inserts faster than its opposite", async () => {
  const x = picture();
  const map = reshape(mul(x, tensor(Float64Array.from(weights.b), [1, 1, 4, 4])), [2, 4, 4]);
  const score = scoreOf(weights);
  for (const [metric, sign] of [
    [deletionAuc(), -1],
    [insertionAuc(), 1],
  ] as const) {
    const [right, wrong] = [await metric(score, x, map).read(), await metric(score, x, mul(map, -1)).read()];
    for (let n = 0; n < 2; n++) check.ok(sign * (right[n] - wrong[n]) > 0.01, `${metric.info.name}: ${right} ${wrong}`);
  }
});

referenceTest("gradients reach the maps and the images, to second order", async () => {
  const key = random.key(11);
  const mix = random.normal(key, [4, 5]);
  // Curved, so that its explanation changes with the image in ways that change themselves.
  const score: Score = (z) => sum(tanh(matmul(reshape(z, [-1, 4]), mix)), 1);
  const x = random.uniform(random.key(12), [2, 1, 2, 2]);
  const attribution = random.normal(random.key(13), x.shape);
  const draws = { explainer: gradient, ball: linf(0.2), samples: 3, key };
  for (const metric of [averageStability(draws), maxSensitivity(draws)])
    await checkGrads((z: Tensor) => sum(metric(score, z)), [x], { order: 2 });
  for (const scaled of [false, true]) {
    const metric = infidelity({ perturbation: noisePerturbation(0.3), samples: 3, key, scaled });
    await checkGrads((z: Tensor, map: Tensor) => sum(metric(score, z, map)), [x, attribution], { order: 2 });
  }
  const mask = tensor(Float32Array.of(1, 0, 1, 1, 0, 0, 1, 0), [2, 2, 2]);
  await checkGrads((map: Tensor) => sum(relevanceMass(square(map), mask)), [reshape(attribution, [2, 2, 2])], {
    order: 2,
  });
  check.ok(true, "checkGrads throws when a derivative is wrong");
});

referenceTest("metrics that cannot be computed are refused", () => {
  const [score, x, key] = [scoreOf(weights), picture(), random.key(1)];
  const map = reshape(x, [2, 4, 4]);
  const search = { explainer: gradient, ball: linf(0.1), rule: signStep(0.1), steps: 1, key };
  check.throws(() => worstCaseStability({ ...search, restarts: 0 }), /steps 1, restarts 0 given; at least 1 and 1/);
  check.throws(() => infidelity({ perturbation: noisePerturbation(1), samples: 0, key }), /infidelity: samples 0/);
  const flat = reshape(x, [2, 16]);
  check.throws(() => aopc({ region: 5, key })(score, x, map), /aopc: regions of 5×5 of f32\[2,1,4,4\]/);
  check.throws(() => aopc({ region: 2, steps: 5, key })(score, x, map), /aopc: 5 of 4 parts of f32\[2,1,4,4\]; 1 to 4/);
  check.throws(() => aopc({ key })(score, flat, flat), /aopc: no range for inputs f32\[2,16\]; give the valid range/);
  check.throws(() => aopc({ region: 2, key })(score, flat, flat), /aopc: regions of 2×2 of f32\[2,16\]; images/);
  check.throws(() => deletionAuc()(score, x, x), /deletionAuc: images f32\[2,1,4,4\] with maps f32\[2,1,4,4\]/);
  check.throws(() => deletionAuc()(score, flat, map), /deletionAuc: inputs f32\[2,16\] with maps f32\[2,4,4\]/);
  check.throws(() => deletionAuc({ steps: 17 })(score, x, map), /deletionAuc: 17 steps for 16 parts of f32\[2,1,4,4\]/);
  check.throws(
    () => squareRemoval()(key, flat),
    /squareRemoval: inputs are f32\[2,16\]; images \[n,c,h,w\] are needed/,
  );
  check.throws(
    () => infidelity({ perturbation: noisePerturbation(1), key })(score, x, map),
    /infidelity: inputs f32\[2,1,4,4\] with attributions f32\[2,4,4\]/,
  );
  const features = [{ name: "a", kind: "numeric", at: [0, 1] }] as const;
  check.throws(() => deletionAuc({ features })(score, flat, flat), /deletionAuc: element 2 belongs to no feature/);
  const twice = [features[0], { name: "b", kind: "numeric", at: [1] }] as const;
  check.throws(
    () => deletionAuc({ features: twice })(score, flat, flat),
    /feature "b" has element 1 of 16, which is another/,
  );
  check.throws(() => squareRemoval(5)(key, x), /squareRemoval: side 5 in images of 4×4; 1 to 4/);
});

both("features of a table are replaced as one, and so are maps of one value per feature", async () => {
  const x = random.uniform(random.key(14), [2, 16], { low: 0.5, high: 1 });
  const rowsOfX = await images(x);
  const groups = [[0, 5], [1, 2, 3], [4], Array.from({ length: 10 }, (_, i) => i + 6)];
  const features = groups.map((at, i) => ({ name: `f${i}`, kind: "categorical", at }) as const);
  const map = random.normal(random.key(15), [2, 16]);
  const elements = await images(map);
  const perFeature = elements.map((m) => groups.map((at) => at.reduce((s, i) => s + m[i], 0)));
  const curve = (n: number): number[] => {
    const order = falling(perFeature[n]);
    return [0, 1, 2, 3, 4].map((k) => {
      const gone = new Set(order.slice(0, k).flatMap((g) => groups[g]));
      return value(
        weights,
        rowsOfX[n].map((v, i) => (gone.has(i) ? 0.25 : v)),
      );
    });
  };
  const expected = [0, 1].map((n) => {
    const c = curve(n);
    return c.slice(1).reduce((s, v, k) => s + (v + c[k]) / 2, 0) / 4;
  });
  const deletion = deletionAuc({ features, baseline: 0.25 });
  check.close(await deletion(scoreOf(weights), x, map).read(), expected, { rtol: 1e-5 });
  const folded = tensor(Float32Array.from(perFeature.flat()), [2, 4]);
  check.close(await deletion(scoreOf(weights), x, folded).read(), expected, { rtol: 1e-5 });
  // AOPC with a range of one value is the same curve.
  const drops = aopcCurves({ features, range: { low: 0.25, high: Array<number>(16).fill(0.25) }, key: random.key(1) });
  const found = await drops(scoreOf(weights), x, map).map.read();
  for (let n = 0; n < 2; n++) {
    const c = curve(n);
    check.close(
      c.map((_, k) => found[2 * k + n]),
      c.map((v) => c[0] - v),
      { atol: 1e-5 },
    );
  }
});

both(
  "AOPC takes images whose sides are no multiple of a region, and replaces within the range that is given",
  async () => {
    const x = random.uniform(random.key(16), [1, 2, 5, 3], { low: 2, high: 3 });
    const map = random.uniform(random.key(17), [1, 5, 3]);
    const [pixels] = await images(map);
    const regionOf = (p: number): number => 2 * Math.floor(p / 6) + Math.floor((p % 3) / 2);
    const order = falling(
      [0, 1, 2, 3, 4, 5].map((r) => pixels.reduce((s, v, p) => s + (regionOf(p) === r ? v : 0), 0)),
    );
    // What is left of the input counts, what replaces it does not: it is above 10.
    const score: Score = (z) => sum(mul(reshape(z, [-1, 30]), less(reshape(z, [-1, 30]), 10)), 1);
    const [clean] = await images(x);
    const total = (gone: ReadonlySet<number>): number =>
      clean.reduce((s, v, i) => s + (gone.has(regionOf(i % 15)) ? 0 : v), 0);
    const found = await aopcCurves({ region: 2, range: { low: 10, high: 12 }, key: random.key(2) })(
      score,
      x,
      map,
    ).map.read();
    const expected = [0, 1, 2, 3, 4, 5, 6].map((k) => total(new Set()) - total(new Set(order.slice(0, k))));
    check.close(found, expected, { rtol: 1e-5, atol: 1e-4 });
  },
);

both(
  "infidelity with scaling of a map of zeros is the mean square of what happened, of a tiny map that of its shape",
  async () => {
    const x = twoPixels();
    const options = { perturbation: noisePerturbation(0.3), samples: 5, key: random.key(5), scaled: true };
    const metric = infidelity(options);
    const score = scoreOf(plane);
    const zero = mul(gradient(score, x), 0);
    const expected = await infidelity({ ...options, scaled: false })(score, x, zero).read();
    check.close(await metric(score, x, zero).read(), expected, { rtol: 1e-6 });
    check.ok(Math.min(...expected) > 1e-3, `${expected}`);
    const clean = await metric(score, x, gradient(score, x)).read();
    check.close(await metric(score, x, mul(gradient(score, x), 1e-28)).read(), clean, { rtol: 1e-4 });
  },
);
