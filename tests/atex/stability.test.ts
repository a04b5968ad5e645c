/** Stability of explanations of a quadratic score, against exhaustive search and draws repeated on the host. */
import {
  adamStep,
  averageStability,
  gradient,
  infidelity,
  l2,
  linf,
  localLipschitz,
  maxSensitivity,
  noisePerturbation,
  type Score,
  signStep,
  worstCaseStability,
} from "../../atex/index.js";
import { mul, random, type Tensor } from "../../engine/index.js";
import { check } from "../harness.js";
import { both, dot, images, length, plane, type Quadratic, scoreOf, slope, twoPixels } from "./quadratic.js";

/** The largest value of a function on a fine grid of the L-inf ball around x. */
function onGrid(x: readonly number[], radius: number, f: (z: number[]) => number): number {
  let best = 0;
  for (let i = -100; i <= 100; i++)
    for (let j = -100; j <= 100; j++)
      if (i !== 0 || j !== 0) best = Math.max(best, f([x[0] + (i * radius) / 100, x[1] + (j * radius) / 100]));
  return best;
}

both("worst-case stability finds the maximum of an exhaustive search", async () => {
  const radius = 0.2;
  const metric = worstCaseStability({
    explainer: gradient,
    ball: linf(radius),
    rule: signStep(radius / 4),
    steps: 12,
    restarts: 8,
    key: random.key(1),
  });
  const found = await metric(scoreOf(plane), twoPixels()).read();
  for (const [i, x] of (await images(twoPixels())).entries()) {
    const clean = slope(plane, x);
    const expected = onGrid(x, radius, (z) => {
      const phi = slope(plane, z);
      const gamma = Math.max(0, dot(phi, clean) / dot(clean, clean));
      return length(phi.map((v, k) => v - gamma * clean[k]));
    });
    check.close([found[i]], [expected], { rtol: 1e-3 });
  }
});

both("the local Lipschitz estimate finds the largest stretch of the map, for both balls", async () => {
  // A's singular values are |½ ± √7.25|.
  const expected = 0.5 + Math.sqrt(7.25);
  for (const ball of [linf(0.2), l2(0.2)]) {
    const search = { explainer: gradient, ball, rule: adamStep(0.02), steps: 40, restarts: 2, key: random.key(2) };
    for (const v of await localLipschitz(search)(scoreOf(plane), twoPixels()).read()) {
      check.ok(v <= expected * (1 + 1e-4), `${v} is more than ${expected}`);
      check.ok(v >= expected * 0.99, `${v} is much less than ${expected}`);
    }
  }
});

both("average-case stability and max-sensitivity are the mean and the maximum of the draws", async () => {
  const ball = linf(0.2);
  const key = random.key(3);
  const options = { explainer: gradient, ball, samples: 10, chunk: 4, key };
  const x = twoPixels();
  const draws: number[][] = [[], []];
  for (const k of random.split(key, 10))
    for (const [i, z] of (await images(ball.sample(k, x, true))).entries()) {
      const clean = slope(plane, (await images(x))[i]);
      draws[i].push(length(slope(plane, z).map((v, j) => v - clean[j])));
    }
  const mean = draws.map((d) => d.reduce((a, b) => a + b) / 10);
  check.close(await averageStability(options)(scoreOf(plane), x).read(), mean, { rtol: 1e-4 });
  check.close(
    await maxSensitivity(options)(scoreOf(plane), x).read(),
    draws.map((d) => Math.max(...d)),
    { rtol: 1e-4 },
  );
});

both("a draw for all samples is one change, inside each sample's own ball", async () => {
  const x = twoPixels();
  for (const ball of [linf, l2]) {
    const clean = await images(x);
    const moved = await images(ball([0.2, 0.1]).sample(random.key(6), x, true));
    const [a, b] = moved.map((z, i) => z.map((v, j) => v - clean[i][j]));
    check.close(
      a,
      b.map((v) => 2 * v),
      { rtol: 1e-4, atol: 1e-6 },
    );
    check.ok(length(a) > 0.01, `moved by ${a}`);
  }
});

both("tiny and huge maps have the stability of their shape", async () => {
  const ball = linf(0.2);
  const draws = { ball, samples: 4, key: random.key(3) };
  const search = { ball, rule: signStep(0.05), steps: 3, restarts: 2, key: random.key(3) };
  const x = twoPixels();
  for (const factor of [1e-25, 1e25]) {
    const explainer = Object.assign((score: Score, z: Tensor) => mul(gradient(score, z), factor), {
      info: gradient.info,
    });
    for (const [one, scaled] of [
      [maxSensitivity({ ...draws, explainer: gradient }), maxSensitivity({ ...draws, explainer })],
      [worstCaseStability({ ...search, explainer: gradient }), worstCaseStability({ ...search, explainer })],
      [localLipschitz({ ...search, explainer: gradient }), localLipschitz({ ...search, explainer })],
    ]) {
      const expected = (await images(one(scoreOf(plane), x))).flat();
      const found = (await images(scaled(scoreOf(plane), x))).flat();
      check.close(
        found.map((v) => v / factor),
        expected,
        { rtol: 1e-4 },
      );
      check.ok(Math.min(...expected) > 0.1, `${one.info.name}: ${expected}`);
    }
  }
});

both("a linear score has maps that never change, and that are perfectly faithful", async () => {
  const linear: Quadratic = { A: plane.A.map((row) => row.map(() => 0)), b: plane.b };
  const [score, x, key] = [scoreOf(linear), twoPixels(), random.key(4)];
  const search = { explainer: gradient, ball: linf(0.1), rule: signStep(0.05), steps: 3, key };
  const draws = { explainer: gradient, ball: linf(0.1), key };
  for (const metric of [
    worstCaseStability(search),
    localLipschitz(search),
    averageStability(draws),
    maxSensitivity(draws),
  ])
    check.close(await metric(score, x).read(), [0, 0], { atol: 1e-6 });
  const phi = gradient(score, x);
  const perturbation = noisePerturbation(0.5);
  check.close(await infidelity({ perturbation, key })(score, x, phi).read(), [0, 0], { atol: 1e-9 });
  const twice = await infidelity({ perturbation, key })(score, x, mul(phi, 2)).read();
  check.ok(Math.min(...twice) > 0.1, `a map twice too large: ${twice}`);
  check.close(await infidelity({ perturbation, key, scaled: true })(score, x, mul(phi, 2)).read(), [0, 0], {
    atol: 1e-9,
  });
});
