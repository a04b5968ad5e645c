import { requireArguments } from "../../engine/options.js";
import { aTreated } from "./kinds.js";
/** How differently a classifier treats two groups of people. Plain numbers in, one number out; NaN where a group that is asked about is
 *  empty. Signs and ratios are of group 1 against group 0: below 0, resp. below 1, means that group 1 gets the favourable class less often. */

export interface Treated {
  /** Predicted classes. */
  readonly predictions: ArrayLike<number>;
  /** True classes. */
  readonly labels: ArrayLike<number>;
  /** 0 or 1 of each sample: the group in question is 1. */
  readonly groups: ArrayLike<number>;
  /** The class that is good to get; default 1. All others count as one. */
  readonly favourable?: number;
}

/** Checked, as zeros and ones: whether each prediction and each label is the favourable one. */
function read(
  name: string,
  { predictions, labels, groups, favourable = 1 }: Treated,
): { predicted: number[]; deserved: number[]; groups: number[] } {
  const n = predictions.length;
  if (labels.length !== n || groups.length !== n)
    throw new RangeError(
      `${name}: ${n} predictions, ${labels.length} labels and ${groups.length} groups given; as many of each are needed`,
    );
  const stranger = Array.from(groups).find((group) => group !== 0 && group !== 1);
  if (stranger !== undefined)
    throw new RangeError(`${name}: a sample of group ${stranger} was given; groups are 0 and 1`);
  const is = (classes: ArrayLike<number>): number[] => Array.from(classes, (c) => Number(c === favourable));
  return { predicted: is(predictions), deserved: is(labels), groups: Array.from(groups) };
}

/** Share of favourable predictions among the samples that count. */
function share(predicted: readonly number[], counts: (i: number) => boolean): number {
  const chosen = predicted.filter((_, i) => counts(i));
  return chosen.reduce((sum, v) => sum + v, 0) / chosen.length;
}

/** Demographic parity: P(ŷ = favourable | group 1) − P(ŷ = favourable | group 0), in [−1, 1]; 0 is parity.
 *  Source: Dwork et al. 2012 (statistical parity); Calders, Verwer 2010. @throws RangeError for lists of different lengths or other groups. */
export function demographicParity(treated: Treated): number {
  requireArguments("demographicParity", { treated: [treated, aTreated] });
  const { predicted, groups } = read("demographicParity", treated);
  return share(predicted, (i) => groups[i] === 1) - share(predicted, (i) => groups[i] === 0);
}

/** Equal opportunity: the same among those whose true class is the favourable one, in [−1, 1]; 0 is equality.
 *  Source: Hardt, Price, Srebro 2016, def. 2.2. @throws as `demographicParity`. */
export function equalOpportunity(treated: Treated): number {
  requireArguments("equalOpportunity", { treated: [treated, aTreated] });
  const { predicted, deserved, groups } = read("equalOpportunity", treated);
  const of = (group: number): number => share(predicted, (i) => groups[i] === group && deserved[i] === 1);
  return of(1) - of(0);
}

/** Disparate impact: P(ŷ = favourable | group 1) / P(ŷ = favourable | group 0), at least 0; 1 is parity, below 0.8 is what the
 *  "80 % rule" objects to. Infinite where only group 1 gets the favourable class, NaN where nobody does.
 *  Source: Feldman et al. 2015, def. 1.1. @throws as `demographicParity`. */
export function disparateImpact(treated: Treated): number {
  requireArguments("disparateImpact", { treated: [treated, aTreated] });
  const { predicted, groups } = read("disparateImpact", treated);
  return share(predicted, (i) => groups[i] === 1) / share(predicted, (i) => groups[i] === 0);
}

/** Theil index of the benefits b = ŷ − y + 1 (favourable 1): 1/n Σ (b/μ) ln (b/μ), at least 0; 0 where all benefit alike. It asks
 *  about everybody, not about groups, which are only checked. NaN of no samples and where nobody benefits.
 *  Source: Speicher et al. 2018 (generalised entropy index with alpha 1). @throws as `demographicParity`. */
export function theilIndex(treated: Treated): number {
  requireArguments("theilIndex", { treated: [treated, aTreated] });
  const { predicted, deserved } = read("theilIndex", treated);
  const benefits = predicted.map((v, i) => v - deserved[i] + 1);
  const n = benefits.length;
  const mean = benefits.reduce((sum, b) => sum + b, 0) / n;
  // b ln b tends to 0 with b.
  const terms = benefits.map((b) => (b === 0 ? 0 : (b / mean) * Math.log(b / mean)));
  return mean > 0 ? terms.reduce((sum, v) => sum + v, 0) / n : Number.NaN;
}

/** All four by name. @throws as `demographicParity`. */
export function fairness(treated: Treated): Readonly<Record<string, number>> {
  requireArguments("fairness", { treated: [treated, aTreated] });
  return {
    "demographic parity": demographicParity(treated),
    "equal opportunity": equalOpportunity(treated),
    "disparate impact": disparateImpact(treated),
    "Theil index": theilIndex(treated),
  };
}
