/** What the paper claims, beside what was measured. The cells of its tables are not available, so claims are in words. */
import { type Quantity, select, type Wanted } from "./aggregate.js";
import type { Estimate } from "./statistics.js";

/** Whether all comparisons of a claim are clear, i.e. the 95 % interval of the difference lies on one side. */
export type Verdict = "holds" | "does not hold" | "undecided" | "not measured";

export interface Claim {
  /** What the paper says, and where. */
  readonly paper: string;
  readonly verdict: Verdict;
  readonly measured: string;
}

/** A difference that the claim wants to be positive. */
export interface Comparison {
  readonly label: string;
  readonly gain: Estimate | undefined;
}

/** The result of the attack that left least, where several were tried. */
export function strongest(all: readonly Quantity[], wanted: Wanted): Quantity | undefined {
  return [...select(all, wanted)].sort((a, b) => a.estimate.mean - b.estimate.mean)[0];
}

export function only(all: readonly Quantity[], wanted: Wanted): Quantity | undefined {
  const found = select(all, wanted);
  if (found.length > 1) throw new Error(`internal: ${found.length} quantities for ${JSON.stringify(wanted)}`);
  return found[0];
}

/** Which side of 0 the 95 % interval lies on. */
export function clear({ mean, half }: Estimate): Verdict {
  if (!(Math.abs(mean) > half)) return "undecided";
  return mean > 0 ? "holds" : "does not hold";
}

/** A claim holds if all its comparisons do, and not if one clearly goes the other way. */
export function judged(paper: string, comparisons: readonly Comparison[]): Claim {
  const made = comparisons.flatMap(({ label, gain }) => (gain ? [{ label, gain, verdict: clear(gain) }] : []));
  if (made.length === 0) return { paper, verdict: "not measured", measured: "" };
  const having = (verdict: Verdict) => made.filter((c) => c.verdict === verdict);
  const [held, failed, open] = [having("holds"), having("does not hold"), having("undecided")];
  const sorted = [...made].sort((a, b) => a.gain.mean - b.gain.mean);
  const ends = sorted.length === 1 ? sorted : [sorted[0], sorted[sorted.length - 1]];
  const range = ends.map(({ label, gain }) => `${signed(gain)} (${label})`).join(" to ");
  const positive = made.filter(({ gain }) => gain.mean > 0).length;
  const tally = `${positive} of ${made.length} differences are positive, ${held.length} clearly so; ${failed.length} are clearly negative`;
  return {
    paper,
    verdict: failed.length > 0 ? "does not hold" : open.length > 0 ? "undecided" : "holds",
    measured: made.length === 1 ? `difference ${range}` : `${tally}; from ${range}`,
  };
}

/** A claim about numbers themselves: each is at least, or at most, what the paper says. It holds where all intervals lie on the right side,
 *  and not where one lies on the wrong side; a number of one seed counts as it is. */
export function reached(
  paper: string,
  found: readonly { readonly label: string; readonly quantity: Quantity | undefined }[],
  bound: { readonly least: number } | { readonly most: number },
): Claim {
  const [edge, way] = "least" in bound ? [bound.least, 1] : [bound.most, -1];
  const made = found.flatMap(({ label, quantity }) => (quantity ? [{ label, ...quantity.estimate }] : []));
  if (made.length === 0) return { paper, verdict: "not measured", measured: "" };
  const verdicts = made.map(({ mean, half }): Verdict => {
    const beyond = way * (mean - edge);
    const open = Number.isNaN(half) ? 0 : half;
    return beyond >= open ? "holds" : -beyond > open ? "does not hold" : "undecided";
  });
  const verdict = (["does not hold", "undecided"] as const).find((one) => verdicts.includes(one)) ?? "holds";
  const values = made.map(({ label, mean, half }) => {
    const bar = Number.isNaN(half) ? " (one seed)" : ` ± ${half.toFixed(3)}`;
    return `${mean.toFixed(3)}${bar}${label ? ` (${label})` : ""}`;
  });
  return { paper, verdict, measured: `${values.join(", ")}; ${way > 0 ? "at least" : "at most"} ${edge} is claimed` };
}

function signed({ mean, half }: Estimate): string {
  return `${mean < 0 ? "−" : "+"}${Math.abs(mean).toFixed(3)}${Number.isNaN(half) ? ", one seed" : ` ± ${half.toFixed(3)}`}`;
}

export function points({ mean, half }: Estimate): string {
  return `${(100 * mean).toFixed(2)}${Number.isNaN(half) ? " (one seed)" : ` ± ${(100 * half).toFixed(2)}`}`;
}
