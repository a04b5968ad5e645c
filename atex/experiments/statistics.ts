/** Means over seeds and how sure they are. */

export interface Estimate {
  readonly mean: number;
  /** Half the width of the 95 % interval of the mean, Student's t; NaN from one value. */
  readonly half: number;
  /** Values it comes from. */
  readonly n: number;
}

/** NaN of nothing. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
}

/** The mean with its 95 % interval, m ± t₀.₉₇₅(n − 1) s / √n. @throws RangeError for no values. */
export function estimate(values: readonly number[]): Estimate {
  const n = values.length;
  if (n === 0) throw new RangeError("estimate: no values given; at least one is needed");
  const mean = values.reduce((a, b) => a + b, 0) / n;
  if (n === 1) return { mean, half: Number.NaN, n };
  const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (n - 1);
  return { mean, half: studentQuantile(0.975, n - 1) * Math.sqrt(variance / n), n };
}

/** The p-quantile of Student's t, p in (0.5, 1), whole degrees of freedom. */
export function studentQuantile(p: number, degrees: number): number {
  let [low, high] = [0, 1];
  while (studentCentral(high, degrees) < 2 * p - 1) high *= 2;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (studentCentral(middle, degrees) < 2 * p - 1) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** P(|T| < t), a finite sum for whole degrees of freedom. Source: Abramowitz, Stegun 1964, 26.7.3 and 26.7.4. */
function studentCentral(t: number, degrees: number): number {
  const angle = Math.atan(t / Math.sqrt(degrees));
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
  const odd = degrees % 2 === 1;
  let term = odd ? cosine : 1;
  let sum = degrees === 1 ? 0 : term;
  for (let k = odd ? 3 : 2; k < degrees; k += 2) {
    term *= (cosine ** 2 * (k - 1)) / k;
    sum += term;
  }
  return odd ? (2 / Math.PI) * (angle + sine * sum) : sine * sum;
}

/** The 95 % interval of a share, from successes among n independent trials; NaN from none. In [0, 1] also where all or none succeed.
 *  Source: Wilson 1927. @throws RangeError unless 0 <= successes <= n, whole numbers. */
export function wilsonInterval(successes: number, n: number): { readonly low: number; readonly high: number } {
  if (![successes, n].every(Number.isInteger) || successes < 0 || successes > n)
    throw new RangeError(`wilsonInterval: ${successes} of ${n}; whole numbers with 0 <= successes <= n are needed`);
  if (n === 0) return { low: Number.NaN, high: Number.NaN };
  const z = 1.959963984540054;
  const share = successes / n;
  const middle = (share + z ** 2 / (2 * n)) / (1 + z ** 2 / n);
  const half = (z / (1 + z ** 2 / n)) * Math.sqrt((share * (1 - share)) / n + z ** 2 / (4 * n ** 2));
  // At the ends the formula gives 0 and 1 exactly, but for rounding.
  return { low: successes === 0 ? 0 : middle - half, high: successes === n ? 1 : middle + half };
}
