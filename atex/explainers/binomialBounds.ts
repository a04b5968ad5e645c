import { aCount, aNumber } from "../../engine/kinds.js";
import { requireArguments } from "../../engine/options.js";
/** Exact bounds of a probability from how often something happened. */

export interface BinomialBounds {
  /** By the count, from 0 to n. */
  readonly low: Float64Array;
  readonly high: Float64Array;
}

/** For each count of n independent trials the interval in which the probability lies, but for a chance of at most `alpha`: low where so
 *  many or more would come about with chance alpha / 2, high where so many or fewer would. Source: Clopper, Pearson 1934.
 *  @throws RangeError unless alpha is in (0, 1). */
export function clopperPearson(n: number, alpha: number): BinomialBounds {
  requireArguments("clopperPearson", { n: [n, aCount], alpha: [alpha, aNumber] });
  if (!(alpha > 0 && alpha < 1)) throw new RangeError(`clopperPearson: alpha ${alpha} came; 0 < alpha < 1 is needed`);
  const logs = logFactorials(n);
  const low = Float64Array.from({ length: n + 1 }, (_, k) => (k === 0 ? 0 : lowest(k, n, alpha / 2, logs)));
  return { low, high: low.map((_, k) => 1 - low[n - k]) };
}

/** p with P(at least k of n) = chance, by halving; rounded down. */
function lowest(k: number, n: number, chance: number, logs: Float64Array): number {
  let [from, to] = [0, k / n];
  for (let i = 0; i < 50; i++) {
    const middle = (from + to) / 2;
    if (upperTail(k, n, middle, logs) < chance) from = middle;
    else to = middle;
  }
  return from;
}

/** P(at least k of n) for p at most k / n, where the terms of the sum fall from the first on. */
function upperTail(k: number, n: number, p: number, logs: Float64Array): number {
  if (p === 0) return 0;
  let term = Math.exp(logs[n] - logs[k] - logs[n - k] + k * Math.log(p) + (n - k) * Math.log1p(-p));
  let total = 0;
  for (let j = k; j <= n && term > total * 1e-17; j++) {
    total += term;
    term *= ((n - j) / (j + 1)) * (p / (1 - p));
  }
  return total;
}

/** ln 0! to ln n! */
function logFactorials(n: number): Float64Array {
  const logs = new Float64Array(n + 1);
  for (let i = 2; i <= n; i++) logs[i] = logs[i - 1] + Math.log(i);
  return logs;
}
