/** Whether two samples of numbers look as if they came from the same population. */

import { numbers } from "../../engine/kinds.js";
import { requireArguments } from "../../engine/options.js";
import { mean } from "../experiments/statistics.js";

/** p-value of the two-sample Kolmogorov-Smirnov test, by the asymptotic distribution with Stephens' correction for few samples. a and b hold
 *  at least one number each. Source: Stephens 1970; Press et al. 2007, Numerical Recipes, sec. 14.3.3. */
export function kolmogorovSmirnov(a: ArrayLike<number>, b: ArrayLike<number>): number {
  requireArguments("kolmogorovSmirnov", { a: [a, numbers], b: [b, numbers] });
  requireSome("Kolmogorov-Smirnov", a, b);
  const [p, q] = [a, b].map((values) => Float64Array.from(values).sort());
  let [i, j, distance] = [0, 0, 0];
  while (i < p.length && j < q.length) {
    const at = Math.min(p[i], q[j]);
    while (i < p.length && p[i] <= at) i++;
    while (j < q.length && q[j] <= at) j++;
    distance = Math.max(distance, Math.abs(i / p.length - j / q.length));
  }
  const n = Math.sqrt((p.length * q.length) / (p.length + q.length));
  return kolmogorovTail((n + 0.12 + 0.11 / n) * distance);
}

/** P(K > x) = 2 Σ (−1)^(k−1) exp(−2 k² x²). */
function kolmogorovTail(x: number): number {
  // Below, the series converges too slowly, and what it converges to is 1 to ten digits.
  if (x < 0.2) return 1;
  let sum = 0;
  for (let k = 1; k <= 100; k++) sum += (k % 2 === 1 ? 2 : -2) * Math.exp(-2 * k * k * x * x);
  return Math.min(1, Math.max(0, sum));
}

/** p-value of Wald's test that `sample` has the mean of `population`, two-sided: z = (mean − population's mean) / (population's deviation /
 *  √sample size). 1 where nothing varies and the means agree. Source: Laberge et al. 2023, sec. 3.2. */
export function waldTest(sample: ArrayLike<number>, population: ArrayLike<number>): number {
  requireArguments("waldTest", { sample: [sample, numbers], population: [population, numbers] });
  requireSome("Wald", sample, population);
  const centre = mean(population);
  const variance = mean(Array.from(population, (v) => (v - centre) ** 2));
  const apart = Math.abs(mean(sample) - centre);
  return apart === 0 ? 1 : twoSidedNormal(apart / Math.sqrt(variance / sample.length));
}

/** P(|Z| > z) of a standard normal variable. Source: Abramowitz, Stegun 1964, 26.2.11. */
function twoSidedNormal(z: number): number {
  if (z > 7) return 0;
  let [term, sum] = [z, z];
  for (let k = 3; term > 1e-17 * sum; k += 2) {
    term *= (z * z) / k;
    sum += term;
  }
  return Math.max(0, 1 - Math.sqrt(2 / Math.PI) * Math.exp((-z * z) / 2) * sum);
}

function requireSome(name: string, a: ArrayLike<number>, b: ArrayLike<number>): void {
  if (a.length === 0 || b.length === 0)
    throw new RangeError(`${name} test: ${a.length} and ${b.length} numbers came; at least one of each is needed`);
}
