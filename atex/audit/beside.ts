/** How an explainer stands beside the controls. */
import { studentQuantile } from "../experiments/statistics.js";
import type { AuditMeasurement, AuditNumber } from "./audit.js";
import { numberOf, pairedDifference } from "./numbers.js";

/** By how much a candidate's number is larger than another's, sample by sample; undefined where either was not measured. */
export function advantage(
  own: AuditMeasurement,
  other: AuditMeasurement,
  name: string,
  setting?: string,
): AuditNumber | undefined {
  const [a, b] = [numberOf(own, name, setting), numberOf(other, name, setting)];
  return a && b && pairedDifference(a, b);
}

/** Whether a difference is clear: its 95 % interval is on the side that is wanted. Where one of several `tests` is enough, the interval is wider,
 *  by Bonferroni's correction, so that chance passes them together no more often. NaN is never clear. */
export const isAbove = (difference: AuditNumber | undefined, tests = 1): boolean =>
  difference !== undefined && difference.value - halfOf(difference, tests) > 0;
export const isBelow = (difference: AuditNumber | undefined, tests = 1): boolean =>
  difference !== undefined && difference.value + halfOf(difference, tests) < 0;

function halfOf({ value, high, n }: AuditNumber, tests: number): number {
  const half = high - value;
  if (tests === 1 || n < 2) return half;
  return (half * studentQuantile(1 - 0.025 / tests, n - 1)) / studentQuantile(0.975, n - 1);
}

/** Kendall's τ_a of two lists of equal length: pairs in the same order minus pairs in opposite order, over all pairs. From -1 to 1, NaN for
 *  fewer than two. Source: Kendall 1938. */
export function kendallTau(a: readonly number[], b: readonly number[]): number {
  let [sum, pairs] = [0, 0];
  for (let i = 0; i < a.length; i++)
    for (let j = 0; j < i; j++) {
      sum += Math.sign(a[i] - a[j]) * Math.sign(b[i] - b[j]);
      pairs++;
    }
  return sum / pairs;
}

/** The smallest τ between any two of several lists: 1 where all have the same order. */
export function leastTau(lists: readonly (readonly number[])[]): number {
  return Math.min(...lists.flatMap((a, i) => lists.slice(0, i).map((b) => kendallTau(a, b))));
}

/** "1.2 (0.9 to 1.5)" */
export function withInterval({ value, low, high }: AuditNumber, digits = 2): string {
  return `${value.toFixed(digits)} (${low.toFixed(digits)} to ${high.toFixed(digits)})`;
}
