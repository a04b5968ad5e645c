/** How far maps can be driven, against how long the attack searches: where the curve is flat, the attack has found what it can. */
import { callerScope } from "../../../engine/index.js";
import { count, list, natural, optional, size } from "../../../nn/schema.js";
import { surrogateOf } from "../../attacks/surrogate.js";
import { type Quantity, select, valuesOf } from "../aggregate.js";
import type { Cell, Outcome } from "../cells.js";
import type { ReproduceConfig } from "../config.js";
import { curves } from "../curves.js";
import { type Experiment, experimentKind } from "../kind.js";
import type { Lab } from "../lab.js";
import { AIMED, attackImages, attackMeasurements, correctlyClassified } from "../measuring.js";
import { names, rule, search, stepping } from "../settings.js";
import { basis, formatted, metricTitle, perData, schemesIn, type TableData } from "../tables.js";

const settings = {
  schemes: names,
  ...search,
  eps: size,
  steps: list(count),
  restarts: optional(list(natural), [0]),
  rules: optional(list(rule), ["sign"]),
  ...stepping,
};

async function run(lab: Lab, cell: Cell, experiment: Experiment<typeof settings>): Promise<Outcome> {
  const here = callerScope();
  const { data, seed } = cell;
  const scheme = cell.scheme!;
  const { test } = await here.wait(lab.data(data));
  using network = await here.wait(lab.network({ data, seed, scheme }));
  const { eps, objective, explainer } = experiment;
  const indices = await here.wait(correctlyClassified(network.classifier, test, experiment.images));
  const surrogate = surrogateOf(network.classifier, test.shape);
  const measurements = [];
  for (const rule of experiment.rules)
    for (const restarts of experiment.restarts)
      for (const steps of experiment.steps) {
        const attack = { ...experiment, rule, restarts, steps };
        const how = { attack, surrogate, indices, split: test, radii: [eps], seed };
        const { under } = await here.wait(attackImages(lab, network.classifier, how));
        const conditions = { objective, explainer, eps, rule, restarts, steps };
        measurements.push(...attackMeasurements({ scheme, conditions }, under[0]));
      }
  return { measurements };
}

function tableOf(data: string, all: readonly Quantity[], { schemes, k }: ReproduceConfig): TableData {
  const aimed = select(all, { metric: `${AIMED}topK` }).length > 0;
  const columns = ["topK", "spearman"].flatMap((measure): [string, string][] => {
    const title = metricTitle(measure, k);
    if (!aimed) return [[measure, title]];
    return [
      [AIMED + measure, `${title}, attack on it`],
      [measure, `${title}, ensemble`],
    ];
  });
  const rows = schemesIn(all).flatMap((scheme) =>
    valuesOf<string>(all, "rule").flatMap((rule) =>
      valuesOf<number>(all, "restarts").flatMap((restarts) =>
        valuesOf<number>(all, "steps").map((steps) => {
          const of = (metric: string) =>
            formatted(select(all, { scheme, metric, conditions: { rule, restarts, steps } })[0]);
          return [
            schemes[scheme].title,
            rule,
            String(steps),
            String(restarts),
            ...columns.map(([metric]) => of(metric)),
          ];
        }),
      ),
    ),
  );
  const [{ conditions }] = all;
  return {
    title: `${data}: strength of the attack`,
    header: ["", "step", "steps", "restarts", ...columns.map(([, title]) => title)],
    rows,
    caption: `${basis(all)} The ${conditions.objective} attack on ${conditions.explainer} maps at eps1 ${conditions.eps}; lower is stronger.`,
  };
}

export const strength = experimentKind({
  kind: "strength",
  settings,
  words:
    "An evaluation is only as good as its attack. Where more steps and restarts no longer lower the curve, the attack has found " +
    "what it can.",
  schemes: ({ schemes }) => schemes,
  run,
  tables: (findings) => perData(findings).map(([data, all]) => tableOf(data, all, findings.config)),
  plots: ({ config, all }) =>
    curves(select(all, { metric: "topK" }), {
      axis: "steps",
      x: "steps",
      y: metricTitle("topK", config.k),
      logarithmic: true,
      nameOf: ({ scheme, conditions: { rule, restarts } }) =>
        `${config.schemes[scheme].title}, ${rule}, ${restarts} restarts`,
    }),
});
