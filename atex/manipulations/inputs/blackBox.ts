/** The row of attacks on explanations by queries alone. */
import {
  add,
  argmax,
  callerScope,
  gather,
  mul,
  random,
  scope,
  sub,
  type Tensor,
  tensor,
} from "../../../engine/index.js";
import { type Domain, sampleTensor } from "../../../nn/index.js";
import { count, number, oneOf, type Read, setting, size, text } from "../../../nn/schema.js";
import { targetMap, topKSuppression } from "../../attacks/objectives.js";
import { usualTopK } from "../../attacks/table.js";
import { type Ball, linf } from "../../balls.js";
import { columnBall, columnSteps } from "../../columnBall.js";
import { difference, type Quantity, select, valuesOf } from "../../experiments/aggregate.js";
import type { Findings } from "../../experiments/kind.js";
import { mean } from "../../experiments/statistics.js";
import { type Claim, judged, reached } from "../../experiments/verdicts.js";
import { type FeatureGroups, groupsOf, isTable } from "../../explainers/features.js";
import { agreementOf, importanceMap } from "../../judge.js";
import { rows } from "../../metrics/metric.js";
import { pearson } from "../../metrics/similarities.js";
import { intoNeighbourhood, type Neighbourhood } from "../../subject.js";
import { attributionsOf } from "../explaining.js";
import {
  type ManipulationWorld,
  type Measured,
  manipulationEntry,
  type Pair,
  type Statistic,
} from "../manipulation.js";
import { type Evolution, evolve } from "./evolution.js";
import { ownerOf } from "./owner.js";

const options = {
  explainer: setting(text, "gradient", "the one that answers"),
  objective: setting(
    oneOf("top-k", "target"),
    "top-k",
    "drain the clean map's top, or show the map of the next sample",
  ),
  k: setting(count, undefined, "pixels or columns of the top; default 50, a third of a short row"),
  radius: setting(
    size,
    undefined,
    "largest change of any element, in units of the samples (deviations, where a table is standardised); default 0.05 of images, 0.5 of tables",
  ),
  steps: setting(
    text,
    undefined,
    "smallest changes of numeric columns in their own units, such as age=1,priors_count=1; default any",
  ),
  immutable: setting(text, undefined, "columns that stay as they are, with commas, or none; default the sensitive one"),
  queries: setting(count, 600, "explanations asked for, of each sample"),
  population: setting(count, 20, "candidates of a generation"),
  parents: setting(count, 5, "of the best candidates, how many have children"),
  mutation: setting(
    number({ above: 0, max: 1 }),
    undefined,
    "probability that a gene is changed; default 0.05, at least two genes of a candidate",
  ),
  block: setting(count, undefined, "side of the squares of an image that change together; default about a fourteenth"),
  changed: setting(
    number(),
    undefined,
    "the statistic up to which an explanation counts as changed; default 0.5, of a target from 0.8 on",
  ),
} as const;

type Settings = Read<typeof options>;

export const blackBoxEntry = manipulationEntry({
  name: "black-box",
  title: "inputs changed by queries alone",
  help: "an evolutionary search that only asks for predictions and explanations, of any explainer",
  words:
    "The attacker sees predictions and explanations and no gradients: candidates inside of a small neighbourhood are mixed and changed over " +
    "generations, and those stay that keep the prediction and answer with the most different explanation. It works for LIME and SHAP as for any " +
    "other explainer. In tables columns change within their ranges, by whole steps where they have some; columns of categories take another " +
    "category; immutable ones stay. The control is random search with as many queries.",
  source: "Kuppa, Le-Khac 2020",
  changes: "inputs",
  takes: "images and tables",
  options,
  run,
  claims,
});

const LEFT = { "top-k": "importance of the clean map's top", target: "squared difference to the target map" } as const;
const STATISTIC = { "top-k": "top-k intersection", target: "Pearson with the target map" } as const;

async function run(settings: Settings, world: ManipulationWorld) {
  const here = callerScope();
  const { classifier, domain, test, samples, others, seed, say, stop } = world;
  const { explainer: name, objective: kind, queries } = settings;
  const x = sampleTensor(test, samples);
  const n = samples.length;
  if (kind === "target" && n < 2)
    throw new RangeError(
      `black-box: ${n} sample for the objective target; at least 2 are needed, to show each other's maps`,
    );
  const neighbourhood: Neighbourhood = { ball: ballOf(settings, world), range: domain.range };
  const clean = await here.wait(attributionsOf(world.explainer, name, { classifier, x }));
  const next = tensor(
    Int32Array.from({ length: n }, (_, i) => (i + 1) % n),
    [n],
  );
  const target = gather(importanceMap(clean), next);
  const k = settings.k ?? usualTopK(x.shape);
  const objective = kind === "top-k" ? topKSuppression(k) : targetMap(target);
  using owner = await here.wait(ownerOf({ name, objective, clean, x, world }));
  const search = (mutation: number | undefined): Promise<Evolution> =>
    evolve(x, {
      ...{ ask: owner.ask, neighbourhood, queries, mutation, seed, stop },
      ...{
        population: settings.population,
        parents: settings.parents,
        ...genesOf(settings, domain, neighbourhood.ball),
      },
      onGeneration: (asked) =>
        say(`${mutation === 1 ? "random" : "evolutionary"} search: ${asked} of ${queries} queries`),
    });
  const found = await here.wait(search(settings.mutation));
  const control = await here.wait(search(1));
  const statistic = statisticOf(settings, k, target);
  const pairOf = (from: Tensor, to: Tensor): Pair => ({
    clean: { classifier, x: from },
    manipulated: { classifier, x: to },
  });
  const madeFor = pairOf(x, found.images);
  const classes = argmax(classifier(x), 1);
  const byChance = pairOf(x, control.images);
  const values = await here.wait(
    statistic.of({
      ...{ explainer: name, pair: byChance, clean },
      manipulated: await here.wait(attributionsOf(world.explainer, name, byChance.manipulated, classes)),
      attributions: (side, of) => attributionsOf(world.explainer, name, side, of),
    }),
  );
  return {
    ...{ explainer: name, madeFor, statistic, heldOut: onOthers() },
    cost: { "queries of a sample": found.curve.at(-1)!.queries, "model evaluations of a query": owner.evaluations },
    measurements: [
      ...curveOf(found, "evolution", kind),
      ...curveOf(control, "random", kind),
      { metric: STATISTIC[kind], value: mean(values), count: n, conditions: { search: "random" } },
    ],
    tensors: { byChance: control.images },
  };

  /** The same changes of other samples, as far as these can take them. */
  function onOthers(): Pair | undefined {
    if (others.length < n) return undefined;
    const from = sampleTensor(test, others.slice(0, n));
    return pairOf(
      from,
      scope(() => intoNeighbourhood(neighbourhood, add(from, sub(found.images, x)), from)),
    );
  }
}

/** Where candidates may lie. */
function ballOf({ radius, steps, immutable }: Settings, { domain, sensitive, preparation }: ManipulationWorld): Ball {
  if (!isTable(domain)) {
    if (steps !== undefined || immutable !== undefined)
      throw new TypeError("black-box: steps and immutable are about columns of tables; leave them out for images");
    return linf(radius ?? 0.05);
  }
  const frozen = immutable === undefined ? (sensitive === undefined ? [] : [sensitive]) : listed(immutable);
  return columnBall(domain, {
    ...{ radius: radius ?? 0.5, immutable: frozen, categories: "nearest" },
    step: steps === undefined ? 0 : stepsOf(steps, preparation),
  });
}

const listed = (names: string): string[] => (names === "none" ? [] : names.split(",").map((name) => name.trim()));

function stepsOf(said: string, preparation: ManipulationWorld["preparation"]): Record<string, number> {
  const pairs = listed(said).map((one) => {
    const [name, value] = one.split("=");
    const step = Number(value);
    if (!(step > 0))
      throw new RangeError(`black-box: steps "${one}" came; a column and a number above 0 are needed, such as age=1`);
    return [name, step] as const;
  });
  const steps = Object.fromEntries(pairs);
  return preparation ? columnSteps(preparation, steps) : steps;
}

/** What candidates inherit as one, and how it is drawn anew. Draws reach twice as far as the ball, so that half of them lie on its
 *  surface, where changes of explanations are largest. */
export function genesOf(
  { block }: Pick<Settings, "block">,
  domain: Domain,
  ball: Ball,
): { readonly genes: FeatureGroups; readonly draw: (key: Tensor, x: Tensor) => Tensor } {
  const genes = groupsOf(domain, { patch: block, across: 14 });
  const further = (x: Tensor, point: Tensor): Tensor => add(x, mul(sub(point, x), 2));
  if (isTable(domain)) return { genes, draw: (key, x) => further(x, ball.sample(key, x)) };
  return {
    genes,
    draw: (key, x) => {
      const each = random.uniform(key, [x.shape[0], genes.count], { low: -1, high: 1 });
      const { low, high } = domain.range;
      const width = typeof low === "number" && typeof high === "number" ? high - low : 1;
      // To where the ball ends, in the direction of the draw.
      const reach = sub(ball.project(add(x, width), x), x);
      return add(x, mul(mul(genes.spread(each, x, "whole"), 2), reach));
    },
  };
}

function statisticOf({ objective, changed }: Settings, k: number, target: Tensor): Statistic {
  return {
    name: STATISTIC[objective],
    interval: objective === "top-k" ? { high: changed ?? 0.5 } : { low: changed ?? 0.8 },
    of: ({ clean, manipulated }) =>
      scope(() => {
        const map = importanceMap(manipulated);
        return objective === "top-k"
          ? agreementOf(importanceMap(clean), map, k).topK
          : pearson(rows(map), rows(target));
      }).read(),
  };
}

/** What is left after some of the queries, eight times at most. */
function curveOf({ curve }: Evolution, search: string, kind: Settings["objective"]): Measured[] {
  const every = Math.ceil((curve.length - 1) / 8);
  return curve
    .filter((_, i) => i % every === 0 || i === curve.length - 1)
    .map(({ queries, best }) => ({
      ...{ metric: LEFT[kind], value: -mean(best), count: best.length },
      conditions: { search, queries },
    }));
}

function claims({ all, experiment }: Findings): readonly Claim[] {
  const { objective } = experiment as unknown as Settings;
  const metric = LEFT[objective];
  const last = Math.max(...valuesOf<number>(select(all, { metric }), "queries"));
  const left = (search: string): Quantity | undefined =>
    select(all, { metric, conditions: { search, queries: last } })[0];
  const fooled = select(all, { metric: "fooled", conditions: { samples: "made for" } })[0];
  return [
    reached(
      "An attacker who can only ask for predictions and explanations changes most explanations and no predictions (Kuppa, Le-Khac 2020, sec. 5)",
      [{ label: String(fooled?.conditions.explainer ?? ""), quantity: fooled }],
      { least: 0.5 },
    ),
    judged("The search does more than as many random queries (control of this project)", [
      { label: metric, gain: difference(left("random"), left("evolution")) },
    ]),
  ];
}
