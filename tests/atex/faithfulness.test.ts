/** Faithfulness of maps of a quadratic score, computed a second time on the host; gradients, refusals, the table of metrics. */
import {
  aopc,
  aopcCurves,
  averageStability,
  deletionAuc,
  gradient,
  infidelity,
  insertionAuc,
  linf,
  METRICS,
  maxSensitivity,
  metricTable,
  noisePerturbation,
  relevanceMass,
  type Score,
  signStep,
  squareRemoval,
  worstCaseStability,
} from "../../atex/index.js";
import {
  checkGrads,
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
import { both, copiesOf, dot, images, plane, type Quadratic, scoreOf, twoPixels, value } from "./quadratic.js";

for (const scaled of [false, true])
  both(`infidelity ${scaled ? "with optimal scaling" : "as it comes"} = the definition, draw by draw`, async () => {
    const key = random.key(5);
    const x = twoPixels();
    const attribution = tensor(Float32Array.of(1, -0.5, 2, 1), x.shape);
    const phi = await images(attribution);
    const terms: [number, number][][] = [[], []];
    const perturbation = noisePerturbation(0.3);
    for (const [copies, k] of copiesOf(x, key, [5, 2]))
      for (const [i, taken] of (await images(perturbation(k, copies))).entries()) {
        const clean = (await images(x))[i % 2];
        const there = clean.map((v, j) => v - taken[j]);
        terms[i % 2].push([dot(taken, phi[i % 2]), value(plane, clean) - value(plane, there)]);
      }
    const expected = terms.map((t) => {
      const beta = scaled ? t.reduce((s, [u, d]) => s + u * d, 0) / t.reduce((s, [u]) => s + u * u, 0) : 1;
      return t.reduce((s, [u, d]) => s + (beta * u - d) ** 2, 0) / t.length;
    });
    const options = { perturbation, samples: 7, chunk: 5, key, scaled };
    check.close(await infidelity(options)(scoreOf(plane), x, attribution).read(), expected, { rtol: 1e-4 });
  });

both("square removal takes whole squares, everywhere in the image", async () => {
  const [h, w, side, m] = [5, 4, 2, 60];
  const x = random.uniform(random.key(6), [m, 1, h, w], { low: 0.5, high: 1 });
  const corners = new Set<number>();
  const [clean, taken] = [await images(x), await images(squareRemoval(side)(random.key(7), x))];
  for (let i = 0; i < m; i++) {
    const at = taken[i].findIndex((v) => v !== 0);
    corners.add(at);
    for (let p = 0; p < h * w; p++) {
      const [down, across] = [Math.floor(p / w) - Math.floor(at / w), (p % w) - (at % w)];
      const inside = down >= 0 && down < side && across >= 0 && across < side;
      check.is(taken[i][p], inside ? clean[i][p] : 0);
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
  const noise = await images(random.uniform(random.split(key, 2)[0], x.shape));
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
      const now = pictures[n].map((v, p) => (gone.has(regionOf(p)) ? noise[n][p] : v));
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
  check.throws(() => aopc({ region: 3, key })(score, x, map), /aopc: .* regions of 3×3 of f32\[2,1,4,4\]/);
  check.throws(() => deletionAuc()(score, x, x), /deletionAuc: images f32\[2,1,4,4\] with maps f32\[2,1,4,4\]/);
  check.throws(() => squareRemoval(5)(key, x), /squareRemoval: side 5 in images of 4×4; 1 to 4/);
});

referenceTest("the table names every metric once, with a sound range", () => {
  const lines = metricTable().split("\n");
  check.is(lines.length, METRICS.length + 2);
  check.is(new Set(METRICS.map((m) => m.name)).size, METRICS.length);
  for (const [i, { name, range, perfect, source }] of METRICS.entries()) {
    check.is(lines[i + 2].split("|").length, lines[0].split("|").length, name);
    check.ok(range[0] < range[1] && source.length > 0, name);
    check.ok(typeof perfect === "string" || (perfect >= range[0] && perfect <= range[1]), name);
  }
});
