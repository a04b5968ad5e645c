/** What papers claim about networks under attack, beside what was measured. */
import { difference, type Quantity, select, valuesOf } from "../aggregate.js";
import { gains, type Left, leftByEnsembles, PAPERS_ATTACKS } from "../aimed.js";
import type { ReproduceConfig } from "../config.js";
import type { Findings } from "../kind.js";
import type { Estimate } from "../statistics.js";
import { schemesIn } from "../tables.js";
import { type Claim, type Comparison, clear, judged, points, strongest } from "../verdicts.js";

const METRICS = { spearman: "Spearman", topK: "top-k" } as const;

/** Loss of accuracy that still counts as none, in points: that of the paper's words, made exact by us. */
const ACCURACY_LOSS: Readonly<Record<string, number>> = { mnist: 1, "fashion-mnist": 2, shapes: 2 };

/** What ATEX's paper says is about the experiment called `tables` only, with the schemes `normal`, `atex` and those of the naive
 *  defence; that something is a defence, about every experiment that has training without one for a control. */
export function claimsUnderAttack({ name, config, all }: Findings): Claim[] {
  return Object.keys(config.data).flatMap((data) => {
    const here = select(all, { data });
    return [...(name === "tables" ? aboutTables(config, here, data) : []), ...aboutControls(config, here, data)];
  });
}

/** Whether a scheme leaves more to attacks than training as long without a defence. */
function aboutControls({ schemes }: ReproduceConfig, all: readonly Quantity[], data: string): Claim[] {
  const tried = schemesIn(all);
  const control = tried.find((name) => schemes[name].kind === "further");
  const left = leftByEnsembles(select(all, { conditions: { explainer: "gradient" } }), { aimed: false });
  if (control === undefined || left.length === 0) return [];
  return tried
    .filter((name) => name !== control && schemes[name].kind !== "normal")
    .map((name) =>
      judged(
        `${data}: maps withstand attacks better after ${schemes[name].title} than after further training without a defence, by every measure at every eps1`,
        gains(all, left, [name, control]),
      ),
    );
}

/** What is compared, and how the claims say so. */
interface Protocol {
  readonly words: string;
  readonly left: readonly Left[];
}

/** Where an ensemble attacked, each measure under its own attack and under the ensemble; and all measures under the paper's attacks. */
function protocolsOf(gradient: readonly Quantity[]): Protocol[] {
  const aimed = leftByEnsembles(gradient, { measures: ["spearman", "topK"], aimed: true });
  const settings = valuesOf<string>(gradient, "objective")
    .filter((objective) => aimed.length === 0 || PAPERS_ATTACKS.includes(objective))
    .flatMap((objective) => valuesOf<number>(gradient, "eps").map((eps) => ({ objective, eps })));
  const paper = settings.flatMap(({ objective, eps }) =>
    Object.entries(METRICS).map(([metric, title]): Left => {
      return { label: `${objective}, eps1 ${eps}, ${title}`, metric, conditions: { objective, eps } };
    }),
  );
  if (aimed.length === 0) return [{ words: "", left: paper }];
  return [
    { words: "; each measure under the attack on it and under the ensemble", left: aimed },
    { words: "; all measures under the paper's own attacks", left: paper },
  ];
}

function aboutTables({ schemes }: ReproduceConfig, all: readonly Quantity[], data: string): Claim[] {
  if (all.length === 0) return [];
  const gradient = select(all, { conditions: { explainer: "gradient" } });
  const protocols = protocolsOf(gradient);
  const against = (left: readonly Left[], other: string): Comparison[] =>
    left.map(({ label, metric, conditions }) => {
      const of = (scheme: string) => strongest(gradient, { scheme, metric, conditions });
      return { label, gain: difference(of("atex"), of(other)) };
    });
  const [loss, allowed] = [accuracyLoss(all), (ACCURACY_LOSS[data] ?? 2) / 100];
  return [
    ...protocols.map(({ words, left }) =>
      judged(
        `${data}: maps of ATEX networks keep more rank correlation and top-k pixels under attack than those of beta-smoothing, at every eps1 (sec. 5.2)${words}`,
        against(left, "normal"),
      ),
    ),
    // The paper does not say which distance its naive scheme takes: each one that was trained is a rival.
    ...[...new Set(all.map(({ scheme }) => scheme))]
      .filter((name) => schemes[name].kind === "naive")
      .flatMap((name) =>
        protocols.map(({ words, left }) =>
          judged(
            `${data}: maps of ATEX networks keep more under attack than those of the naive scheme (sec. 5.2), here: ${schemes[name].title}${words}`,
            against(left, name),
          ),
        ),
      ),
    ...protocols.map(({ words, left }) =>
      judged(
        `${data}: the gain of ATEX over beta-smoothing grows with eps1 (sec. 5.2)${words}`,
        growth(gradient, left),
      ),
    ),
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
function growth(all: readonly Quantity[], left: readonly Left[]): Comparison[] {
  const sizes = left.map(({ conditions }) => Number(conditions.eps));
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  if (!(most > least)) return [];
  const at = (one: Left, eps: number): Quantity | undefined => {
    const of = (scheme: string) =>
      strongest(all, { scheme, metric: one.metric, conditions: { ...one.conditions, eps } });
    const [atex, normal] = [of("atex"), of("normal")];
    if (!atex || !normal) return undefined;
    const both = [...atex.values].filter(([seed]) => normal.values.has(seed));
    return { ...atex, values: new Map(both.map(([seed, v]) => [seed, v - normal.values.get(seed)!])) };
  };
  return left
    .filter(({ conditions }) => conditions.eps === least)
    .map((one) => ({
      label: one.label.replace(`, eps1 ${least}`, ""),
      gain: difference(at(one, most), at(one, least)),
    }));
}
