/** Which coalitions of features KernelSHAP asks the score about, and how much each counts. */
import { type Draw, drawFrom } from "../../nn/data/integer-random.js";
import { RefusalError } from "../refusal.js";
import { inverseOf } from "./solve.js";

export interface Coalitions {
  /** Members of each coalition, in rising order. None is empty, none has all features. */
  readonly members: readonly (readonly number[])[];
  readonly weights: readonly number[];
  /** Whether these are all there are. */
  readonly complete: boolean;
}

/** At most `samples` coalitions of g features, each followed by its complement. Sizes 1 and g − 1, 2 and g − 2, ... are taken whole as
 *  long as what is left of the budget, spread over the remaining sizes by their weight, would draw all of their coalitions; the
 *  rest is drawn without repetition from the remaining sizes, in proportion to their weight. Source: Lundberg, Lee 2017,
 *  theorem 2 (weights); the order of sizes is that of the authors' package; pairs: Covert, Lee 2021, sec. 3.3. */
export function drawCoalitions(g: number, samples: number, seed: number): Coalitions {
  const half = Math.floor(g / 2);
  // Of each size s up to half: pairs of a coalition and its complement, and the weight of all of them together,
  // C(g,s) times the kernel (g − 1) / (C(g,s) s (g − s)) for either side.
  const sizes = Array.from({ length: half }, (_, i) => i + 1);
  const pairs = sizes.map((s) => (2 * s === g ? binomial(g, s) / 2 : binomial(g, s)));
  const weight = sizes.map((s) => ((2 * s === g ? 1 : 2) * (g - 1)) / (s * (g - s)));
  const members: (readonly number[])[] = [];
  const weights: number[] = [];
  const take = (coalition: readonly number[], each: number): void => {
    const inside = new Set(coalition);
    members.push(
      coalition,
      Array.from({ length: g }, (_, i) => i).filter((i) => !inside.has(i)),
    );
    weights.push(each / 2, each / 2);
  };

  let left = Math.floor(samples / 2);
  let at = 0;
  let rest = weight.reduce((a, b) => a + b, 0);
  for (; at < half && (left * weight[at]) / rest >= pairs[at] * (1 - 1e-9); at++) {
    for (const coalition of choices(g, sizes[at], 2 * sizes[at] === g)) take(coalition, weight[at] / pairs[at]);
    left -= pairs[at];
    rest -= weight[at];
  }
  const complete = at === half;
  if (!complete) for (const coalition of drawn(g, left, sizes, weight, at, rest, seed)) take(coalition, rest / left);
  return { members, weights, complete };
}

/** `count` coalitions of the sizes from the `at`-th on, all different. Sizes come in even steps through their weights, so that their
 *  shares vary by less than one coalition. */
function* drawn(
  g: number,
  count: number,
  sizes: readonly number[],
  weight: readonly number[],
  at: number,
  rest: number,
  seed: number,
): Generator<readonly number[]> {
  const draw = drawFrom(seed, 0x5368, g);
  const offset = draw.between(0, 1);
  const seen = new Set<string>();
  let below = 0;
  for (let i = 0; i < count; i++) {
    const place = ((i + offset) / count) * rest;
    while (at < sizes.length - 1 && place >= below + weight[at]) below += weight[at++];
    for (;;) {
      const coalition = choose(g, sizes[at], draw);
      const name = coalition.join();
      if (seen.has(name)) continue;
      seen.add(name);
      yield coalition;
      break;
    }
  }
}

/** A random set of s of g features, in rising order; of the two halves of an even split, the one with feature 0. */
function choose(g: number, s: number, draw: Draw): readonly number[] {
  const all = Array.from({ length: g }, (_, i) => i);
  for (let i = 0; i < s; i++) {
    const j = i + draw.below(g - i);
    [all[i], all[j]] = [all[j], all[i]];
  }
  const side = 2 * s === g && !all.slice(0, s).includes(0) ? all.slice(s) : all.slice(0, s);
  return side.sort((a, b) => a - b);
}

/** All sets of s of g features; only those with feature 0 where `withFirst`. */
function* choices(g: number, s: number, withFirst: boolean): Generator<readonly number[]> {
  const at = Array.from({ length: s }, (_, i) => i);
  for (;;) {
    yield at.slice();
    let i = s - 1;
    while (i >= 0 && at[i] === g - s + i) i--;
    if (i < 0 || (withFirst && i === 0)) return;
    at[i]++;
    for (let j = i + 1; j < s; j++) at[j] = at[j - 1] + 1;
  }
}

export function binomial(n: number, k: number): number {
  let v = 1;
  for (let i = 1; i <= k; i++) v = (v * (n - k + i)) / i;
  return Math.round(v);
}

/**
 * The attribution as a linear function of the scores: [g, 1 + coalitions], to be applied to the scores less that of the empty
 * coalition, of all features first. Least squares under the constraint that attributions sum to that first one, v:
 * with A = Z'WZ and u = A⁻¹1, φ = A⁻¹(b − 1 (1'A⁻¹b − v) / 1'u) = (A⁻¹ − uu' / 1'u) b + v u / 1'u.
 * Source: Covert, Lee 2021, eq. 7. @throws RefusalError when the coalitions do not determine it.
 */
export function shapleySolver(g: number, { members, weights }: Coalitions): Float64Array {
  if (g === 1) return Float64Array.of(1);
  const a = new Float64Array(g * g);
  members.forEach((coalition, s) => {
    for (const i of coalition) for (const j of coalition) a[i * g + j] += weights[s];
  });
  const inverse = inverseOf(a, g);
  if (!inverse)
    throw new RefusalError(
      `kernelShap: ${members.length} coalitions do not tell ${g} features apart; draw more samples or take larger patches`,
    );
  const u = Float64Array.from({ length: g }, (_, i) => inverse.subarray(i * g, (i + 1) * g).reduce((x, y) => x + y, 0));
  const total = u.reduce((x, y) => x + y, 0);
  const columns = 1 + members.length;
  const solver = new Float64Array(g * columns);
  for (let i = 0; i < g; i++) solver[i * columns] = u[i] / total;
  members.forEach((coalition, s) => {
    let share = 0;
    for (const j of coalition) share += u[j];
    for (let i = 0; i < g; i++) {
      let v = (-share * u[i]) / total;
      for (const j of coalition) v += inverse[i * g + j];
      solver[i * columns + s + 1] = v * weights[s];
    }
  });
  return solver;
}
