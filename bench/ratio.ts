/** How costs compare that were measured in turns: round by round, so that a slow spell of the machine meets both. */
import { median } from "./measure.js";
import type { Row } from "./report.js";

export interface Interval {
  readonly median: number;
  readonly low: number;
  readonly high: number;
  /** Probability that the interval covers the median of all rounds there could be. */
  readonly level: number;
}

/** The cost of `case` over that of `over`. */
export interface Ratio {
  readonly case: string;
  readonly over: string;
  readonly wait: Row["wait"];
  readonly rounds: number;
  readonly wall: Interval;
  /** On a software adapter, whose work this is. */
  readonly workerCpu?: Interval;
}

/** The median of at least one number between the innermost two order statistics that cover it with a probability of 95 %, or
 *  between the least and the greatest where these do not: with fewer than six. Source: the sign test's interval. */
export function medianInterval(values: readonly number[]): Interval {
  const sorted = [...values].sort((a, b) => a - b);
  const n = sorted.length;
  let [outside, level] = [0, 0];
  let [term, tail] = [0.5 ** n, 0.5 ** n];
  for (let k = 0; 2 * k < n - 1 && (k === 0 || 1 - 2 * tail >= 0.95); k++) {
    [outside, level] = [k, 1 - 2 * tail];
    term *= (n - k) / (k + 1);
    tail += term;
  }
  return { median: median(sorted), low: sorted[outside], high: sorted[n - 1 - outside], level };
}

/** Undefined unless both were measured. */
export function ratioOf(a: Row, b: Row, software: boolean): Ratio | undefined {
  const [mine, theirs] = [a.each ?? [], b.each ?? []];
  const rounds = Math.min(mine.length, theirs.length);
  if (rounds === 0) return undefined;
  const wall = mine.slice(0, rounds).map(({ ms }, i) => ms / theirs[i].ms);
  const cpu = mine.slice(0, rounds).map(({ cpuMs }, i) => (cpuMs ?? Number.NaN) / (theirs[i].cpuMs ?? Number.NaN));
  const counts = software && cpu.every((value) => Number.isFinite(value) && value > 0);
  return {
    ...{ case: a.case, over: b.case, wait: a.wait, rounds, wall: medianInterval(wall) },
    ...(counts && { workerCpu: medianInterval(cpu) }),
  };
}
