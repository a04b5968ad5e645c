/** Tables of a reproduction: one form for the page, for Markdown and for CSV. */
import {
  type ExperimentConfig,
  type Quantity,
  type ReproduceConfig,
  select,
  valuesOf,
} from "../../atex/experiments/index.js";
import { basis, formatted, metricTitle, type TableData } from "./format.js";
import { referenceTable } from "./reference.js";

/** The tables of one experiment. */
export function tablesOf(name: string, config: ReproduceConfig, all: readonly Quantity[]): TableData[] {
  const experiment = config.experiments[name];
  const mine = select(all, { experiment: name });
  if (mine.length === 0) return [];
  const perData = experiment.data
    .map((data) => [data, select(mine, { data })] as const)
    .filter(([, qs]) => qs.length > 0);
  switch (experiment.kind) {
    case "robustness":
      return perData.flatMap(([data, qs]) => robustnessTables(data, qs, config));
    case "strength":
      return perData.map(([data, qs]) => strengthTable(data, qs, config));
    case "checks":
      return perData.flatMap(([data, qs]) => checksTables(data, qs, config, experiment));
    case "reference":
      return perData.map(([data, qs]) => referenceTable(data, qs, config));
    case "smoothing":
      return perData.map(([data, qs]) => roundsTable(data, qs, config));
    case "hardening":
      return perData.map(([data, qs]) => hardeningTable(data, qs));
    case "timing":
      return perData.map(([data, qs]) => timingTable(data, qs, config, experiment));
  }
}

const schemesIn = (all: readonly Quantity[]): string[] => [...new Set(all.map((q) => q.scheme))];

function robustnessTables(data: string, all: readonly Quantity[], { schemes, k }: ReproduceConfig): TableData[] {
  const attacks = new Map(
    all.flatMap(({ conditions: { objective, explainer, steps, restarts } }) =>
      objective === undefined
        ? []
        : [[JSON.stringify([objective, explainer, steps, restarts]), { objective, explainer, steps, restarts }]],
    ),
  );
  return [...attacks.values()].map((conditions) => {
    const under = select(all, { conditions });
    const row = (eps: number, scheme: string): string[] => {
      const accuracies = select(all, { scheme, metric: "accuracy" });
      const own =
        accuracies.find((q) => q.conditions.eps === eps) ?? accuracies.find((q) => q.conditions.eps === undefined);
      const of = (metric: string) => formatted(select(under, { scheme, metric, conditions: { eps } })[0]);
      const agreement = ["topK", "spearman", "ssim", "control topK", "control spearman"].map(of);
      return [String(eps), schemes[scheme].title, formatted(own), ...agreement];
    };
    const titles = [metricTitle("topK", k), "Spearman", "SSIM"];
    return {
      title: `${data}: ${conditions.objective} attack on ${conditions.explainer} maps`,
      header: ["eps1", "", "accuracy, %", ...titles, `${titles[0]}, random`, "Spearman, random"],
      rows: valuesOf<number>(under, "eps").flatMap((eps) => {
        const tried = schemesIn(select(under, { conditions: { eps } }));
        return tried.map((scheme) => row(eps, scheme));
      }),
      caption:
        `${basis(under)} Agreement of attacked with clean maps, 1 is unchanged; random is a change as large without an aim; ${conditions.steps} steps, ` +
        `${conditions.restarts} restarts, every attacked image correctly classified before and predicted alike after.`,
    };
  });
}

function strengthTable(data: string, all: readonly Quantity[], { schemes, k }: ReproduceConfig): TableData {
  const rows = schemesIn(all).flatMap((scheme) =>
    valuesOf<string>(all, "rule").flatMap((rule) =>
      valuesOf<number>(all, "restarts").flatMap((restarts) =>
        valuesOf<number>(all, "steps").map((steps) => {
          const of = (metric: string) =>
            formatted(select(all, { scheme, metric, conditions: { rule, restarts, steps } })[0]);
          return [schemes[scheme].title, rule, String(steps), String(restarts), of("topK"), of("spearman")];
        }),
      ),
    ),
  );
  const [{ conditions }] = all;
  return {
    title: `${data}: strength of the attack`,
    header: ["", "step", "steps", "restarts", metricTitle("topK", k), "Spearman"],
    rows,
    caption: `${basis(all)} The ${conditions.objective} attack on ${conditions.explainer} maps at eps1 ${conditions.eps}; lower is stronger.`,
  };
}

function checksTables(
  data: string,
  all: readonly Quantity[],
  { schemes, k }: ReproduceConfig,
  { eps, l2, outputBound, attack, stability }: ExperimentConfig & { kind: "checks" },
): TableData[] {
  const attacks = ["plain", "crafted on normal", "bounded output", "L2"];
  const measures = ["worst-case stability", "worst-case share", "local Lipschitz"];
  const of = (scheme: string, check: string, metric: string): Quantity | undefined =>
    select(all, { scheme, metric, conditions: { check } })[0];
  const basisOf = (check: string): string => basis(select(all, { conditions: { check } }));
  return [
    {
      title: `${data}: further attacks at eps1 ${eps}`,
      header: ["", "", ...attacks],
      rows: schemesIn(all).flatMap((scheme) =>
        ["topK", "spearman"].map((metric) => [
          schemes[scheme].title,
          metricTitle(metric, k),
          ...attacks.map((check) => formatted(of(scheme, check, metric))),
        ]),
      ),
      caption:
        `${basisOf("plain")} The ${attack.objective} attack, ${attack.steps} steps, ${attack.restarts} restarts: as in the tables; climbing the map of ` +
        "the normally trained network, with what it finds judged on the network itself (where that leaves less than the plain attack, " +
        `the network hides its gradients); with every logit held within ${outputBound} (eq. 1's eps2); in the L2 ball of radius ${l2}.`,
    },
    {
      title: `${data}: stability of gradient maps within eps1 ${eps}`,
      header: ["", ...measures],
      rows: schemesIn(all).map((scheme) => [
        schemes[scheme].title,
        ...measures.map((metric) => formatted(of(scheme, "stability", metric))),
      ]),
      caption:
        `${basisOf("stability")} Definition 1 with its optimal gamma, the same as a share of the length of the clean map, and the largest change of the ` +
        "map over that of the image, which has no bound where max pooling makes maps jump. No bound on the prediction; lower is more " +
        `stable; what ${stability.restarts} starts of ${stability.steps} steps found, a lower bound.`,
    },
  ];
}

function roundsTable(data: string, all: readonly Quantity[], { k }: ReproduceConfig): TableData {
  const metrics = ["ssim", "spearman", "topK", "cosine"];
  return {
    title: `${data}: similarity to SmoothGrad of the normal model`,
    header: ["passes of ATEX", ...metrics.map((metric) => metricTitle(metric, k))],
    rows: valuesOf<number>(all, "rounds").map((rounds) => [
      String(rounds),
      ...metrics.map((metric) => formatted(select(all, { metric, conditions: { rounds } })[0])),
    ]),
    caption: `${basis(all)} SSIM of maps scaled to maximum 1.`,
  };
}

function hardeningTable(data: string, all: readonly Quantity[]): TableData {
  const [{ conditions }] = all;
  const of = (rounds: number, stage: string, metric: string) =>
    formatted(select(all, { metric, conditions: { rounds, stage } })[0]);
  return {
    title: `${data}: adversarial training after ATEX`,
    header: ["passes of ATEX", "accuracy", "under FGSM", "accuracy after adversarial training", "under a fresh FGSM"],
    rows: valuesOf<number>(all, "rounds").map((rounds) => [
      String(rounds),
      ...["before", "after"].flatMap((stage) => ["accuracy", "accuracy under FGSM"].map((m) => of(rounds, stage, m))),
    ]),
    caption: `${basis(all)} Percent; FGSM of eps ${conditions.eps}.`,
  };
}

function timingTable(
  data: string,
  all: readonly Quantity[],
  config: ReproduceConfig,
  e: ExperimentConfig & { kind: "timing" },
): TableData {
  return {
    title: `${data}: time of a training step`,
    header: ["", "ms per step"],
    rows: all.map((q) => [config.schemes[q.scheme].title, formatted(q)]),
    caption: `Median of ${e.steps} steps, batch ${e.batch}, each waited for; the clock of a machine that may have other work.`,
  };
}

/** Every quantity, one a line, with its mean, interval, seeds and count. */
export function asCsv(all: readonly Quantity[]): string {
  const conditions = [...new Set(all.flatMap((q) => Object.keys(q.conditions)))];
  const header = [
    "experiment",
    "data",
    "scheme",
    ...conditions,
    "metric",
    "mean",
    "half_interval_95",
    "seeds",
    "count",
  ];
  const quoted = (value: string | number): string =>
    /[",\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value);
  const rows = all.map(({ experiment, data, scheme, conditions: c, metric, estimate, values, count }) => [
    ...[experiment, data, scheme, ...conditions.map((name) => c[name] ?? "")],
    ...[metric, estimate.mean, Number.isNaN(estimate.half) ? "" : estimate.half, [...values.keys()].join(" "), count],
  ]);
  return `${[header, ...rows].map((row) => row.map(quoted).join(",")).join("\n")}\n`;
}
