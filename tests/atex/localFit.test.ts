/** Weighted ridge regression per sample: minima of the objective, selections against a search on the host. */
import { type FitOptions, fitLocal } from "../../atex/explainers/localFit.js";
import { inverseOf, ridgeSolver } from "../../atex/explainers/solve.js";
import { tensor } from "../../engine/index.js";
import { referenceTest } from "../executors.js";
import { check, test } from "../harness.js";
import { list, numbers } from "./game.js";

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
