/** What the paper claims, beside what was measured. The cells of its tables are not available, so claims are in words. */
import { difference, type Quantity, select, valuesOf, type Wanted } from "./aggregate.js";
import type { ReproduceConfig, SchemeConfig } from "./config.js";
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
interface Comparison {
  readonly label: string;
  readonly gain: Estimate | undefined;
}

const METRICS = { spearman: "Spearman", topK: "top-k" } as const;

/** Loss of accuracy that still counts as none, in points: that of the paper's words, made exact by us. */
const ACCURACY_LOSS: Readonly<Record<string, number>> = { mnist: 1, "fashion-mnist": 2, shapes: 2 };

/** Every claim about the experiment called `tables` (schemes `normal`, `atex` and those of kind naive) and about the other kinds. */
export function claims(config: ReproduceConfig, all: readonly Quantity[]): Claim[] {
  const kinds = (kind: string): string[] =>
    Object.entries(config.experiments).flatMap(([name, e]) => (e.kind === kind ? [name] : []));
  const tables = select(all, { experiment: "tables" });
  return [
    ...Object.keys(config.data).flatMap((data) => aboutTables(config, select(tables, { data }), data)),
    ...kinds("smoothing").flatMap((name) => aboutRounds(config, select(all, { experiment: name }), "ssim", {})),
    ...kinds("hardening").flatMap((name) =>
      aboutRounds(config, select(all, { experiment: name }), "accuracy under FGSM", { stage: "after" }),
    ),
    ...kinds("timing").flatMap((name) => aboutTime(config, select(all, { experiment: name }))),
  ];
}

function aboutTables({ schemes }: ReproduceConfig, all: readonly Quantity[], data: string): Claim[] {
  if (all.length === 0) return [];
  const gradient = select(all, { conditions: { explainer: "gradient" } });
  const settings = valuesOf<string>(gradient, "objective").flatMap((objective) =>
    valuesOf<number>(gradient, "eps").map((eps) => ({ objective, eps })),
  );
  const against = (other: string): Comparison[] =>
    settings.flatMap(({ objective, eps }) =>
      Object.entries(METRICS).map(([metric, title]) => {
        const of = (scheme: string) => strongest(gradient, { scheme, metric, conditions: { objective, eps } });
        return { label: `${objective}, eps1 ${eps}, ${title}`, gain: difference(of("atex"), of(other)) };
      }),
    );
  const [loss, allowed] = [accuracyLoss(all), (ACCURACY_LOSS[data] ?? 2) / 100];
  return [
    judged(
      `${data}: maps of ATEX networks keep more rank correlation and top-k pixels under attack than those of beta-smoothing, at every eps1 (sec. 5.2)`,
      against("normal"),
    ),
    // The paper does not say which distance its naive scheme takes: each one that was trained is a rival.
    ...[...new Set(all.map(({ scheme }) => scheme))]
      .filter((name) => schemes[name].kind === "naive")
      .map((name) =>
        judged(
          `${data}: maps of ATEX networks keep more under attack than those of the naive scheme (sec. 5.2), here: ${schemes[name].title}`,
          against(name),
        ),
      ),
    judged(`${data}: the gain of ATEX over beta-smoothing grows with eps1 (sec. 5.2)`, growth(gradient)),
    {
      paper: `${data}: accuracy is ${data === "mnist" ? "the same" : "slightly lower"} (sec. 5.2); here: at most ${100 * allowed} point${allowed === 0.01 ? "" : "s"} lower`,
      verdict: loss === undefined ? "not measured" : clear({ ...loss, mean: allowed - loss.mean }),
      measured: loss === undefined ? "" : `${points(loss)} points lower`,
    },
  ];
}

function accuracyLoss(all: readonly Quantity[]): Estimate | undefined {
  const of = (scheme: string): Quantity[] => select(all, { scheme, metric: "accuracy" });
  const [normal] = of("normal");
  const losses = of("atex").flatMap((q) => difference(normal, q) ?? []);
  return losses.sort((a, b) => b.mean - a.mean)[0];
}

/** Gain at the largest eps1 minus gain at the smallest. */
function growth(all: readonly Quantity[]): Comparison[] {
  const eps = valuesOf<number>(all, "eps");
  if (eps.length < 2) return [];
  return valuesOf<string>(all, "objective").flatMap((objective) =>
    Object.entries(METRICS).map(([metric, title]) => {
      const gainAt = (e: number): Quantity | undefined => {
        const of = (scheme: string) => strongest(all, { scheme, metric, conditions: { objective, eps: e } });
        const [atex, normal] = [of("atex"), of("normal")];
        if (!atex || !normal) return undefined;
        const both = [...atex.values].filter(([seed]) => normal.values.has(seed));
        return { ...atex, values: new Map(both.map(([seed, v]) => [seed, v - normal.values.get(seed)!])) };
      };
      return { label: `${objective}, ${title}`, gain: difference(gainAt(eps[eps.length - 1]), gainAt(eps[0])) };
    }),
  );
}

const ROUNDS = {
  ssim: "gradient maps look more like SmoothGrad maps of the normal model after ATEX than before (fig. 3)",
  "accuracy under FGSM": "adversarial training reaches more accuracy under FGSM when ATEX is run before it (fig. 5)",
} as const;

function aboutRounds(
  { schemes }: ReproduceConfig,
  all: readonly Quantity[],
  metric: keyof typeof ROUNDS,
  conditions: Wanted["conditions"],
): Claim[] {
  return [...new Set(all.map(({ data }) => data))].map((data) => {
    const of = select(all, { data, metric, conditions });
    const rounds = valuesOf<number>(of, "rounds");
    const at = (r: number) => only(of, { conditions: { rounds: r } });
    const later = rounds
      .filter((r) => r > 0)
      .map((r) => ({ label: `after ${r} rounds`, gain: difference(at(r), at(0)) }));
    // One way of ATEX in an experiment, but not the same one in all.
    const ways = [...new Set(of.map(({ scheme }) => schemes[scheme].title))].join(", ");
    return judged(`${data}: ${ROUNDS[metric]}, here: ${ways}`, later.slice(-1));
  });
}

/** From here on we call it about five times. */
const ABOUT_FIVE = 4.5;

/** Every way of ATEX against each naive scheme that takes as many samples of an image. */
function aboutTime({ schemes }: ReproduceConfig, all: readonly Quantity[]): Claim[] {
  return all.flatMap((q): Claim[] => {
    const naive = schemes[q.scheme];
    if (naive.kind !== "naive") return [];
    const rivals = all.filter(
      ({ data, scheme }) =>
        data === q.data && schemes[scheme].kind === "atex" && samplesOf(schemes[scheme]) === samplesOf(naive),
    );
    if (rivals.length === 0) return [];
    const slow = q.estimate.mean;
    const timed = rivals.map(({ scheme, estimate: { mean } }) => ({
      text: `${(slow / mean).toFixed(2)} times (${schemes[scheme].title}, ${mean.toFixed(0)} ms)`,
      holds: slow >= ABOUT_FIVE * mean,
    }));
    return [
      {
        paper:
          "a training step of ATEX is about five times as fast as one of the naive scheme (sec. 5.2, on the authors' machine), " +
          `here: ${naive.title}, ${slow.toFixed(0)} ms`,
        verdict: timed.some(({ holds }) => holds) ? "holds" : "does not hold",
        measured: timed.map(({ text }) => text).join("; "),
      },
    ];
  });
}

/** Points around an image that a step looks at. */
function samplesOf(scheme: SchemeConfig): number | undefined {
  if (scheme.kind === "naive") return scheme.neighbours;
  return scheme.kind === "atex" ? scheme.points * scheme.copies : undefined;
}

/** The result of the attack that left least, where several were tried. */
function strongest(all: readonly Quantity[], wanted: Wanted): Quantity | undefined {
  return [...select(all, wanted)].sort((a, b) => a.estimate.mean - b.estimate.mean)[0];
}

function only(all: readonly Quantity[], wanted: Wanted): Quantity | undefined {
  const found = select(all, wanted);
  if (found.length > 1) throw new Error(`internal: ${found.length} quantities for ${JSON.stringify(wanted)}`);
  return found[0];
}

/** Which side of 0 the 95 % interval lies on. */
function clear({ mean, half }: Estimate): Verdict {
  if (!(Math.abs(mean) > half)) return "undecided";
  return mean > 0 ? "holds" : "does not hold";
}

/** A claim holds if all its comparisons do, and not if one clearly goes the other way. */
function judged(paper: string, comparisons: readonly Comparison[]): Claim {
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

function signed({ mean, half }: Estimate): string {
  return `${mean < 0 ? "−" : "+"}${Math.abs(mean).toFixed(3)}${Number.isNaN(half) ? ", one seed" : ` ± ${half.toFixed(3)}`}`;
}

function points({ mean, half }: Estimate): string {
  return `${(100 * mean).toFixed(2)}${Number.isNaN(half) ? " (one seed)" : ` ± ${(100 * half).toFixed(2)}`}`;
}
