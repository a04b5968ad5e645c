/** Fooling SHAP through its background alone: the model stays as it is. */

import { argmax, callerScope, random, scope, slice, softmax, type Tensor, tensor } from "../../../engine/index.js";
import { checkedOptions } from "../../../engine/options.js";
import { type Draw, drawFrom } from "../../../nn/data/integer-random.js";
import { type Domain, sampleTensor } from "../../../nn/index.js";
import { count, natural, number, oneOf, type Read, setting } from "../../../nn/schema.js";
import { mean } from "../../experiments/statistics.js";
import { tableGroups } from "../../explainers/features.js";
import { makeExplainer } from "../../explainers/table.js";
import { type Classifier, classScore } from "../../score.js";
import { featureImportance, featureIndex, featuresOf, ranksOf } from "../columns.js";
import { attributionsOf, EXPLAINING_OPTIONS, type ExplainingOptions, type MakeExplainer } from "../explaining.js";
import {
  type ManipulationWorld,
  type Measured,
  manipulationEntry,
  type Pair,
  requireKind,
  type Side,
  type Statistic,
} from "../manipulation.js";
import { kolmogorovSmirnov, waldTest } from "../twoSamples.js";
import { backgroundClaims, closeIn, DECREASE, NOTICED, SIZE } from "./backgroundClaims.js";
import { pairShapley, rowDistances } from "./backgroundWeights.js";
import { columnOf } from "./scaffold.js";
import { rankDistances, type StealthySample, stealthySample } from "./stealthySample.js";

const options = {
  explainer: setting(oneOf("kernel-shap", "exact-shapley"), "kernel-shap", "the explainer that gets the background"),
  explained: setting(
    oneOf("above", "below"),
    "above",
    "whose predictions are explained: people above or below the middle of the sensitive column; the others are the background",
  ),
  scores: setting(oneOf("probability", "logit"), "probability", "what is explained of the predicted class"),
  close: setting(
    oneOf("outputs", "rows"),
    "outputs",
    "what the chosen sample stays close in to the population: the order of the model's outputs, or the rows as in the paper",
  ),
  candidates: setting(count, 300, "training rows of the other group that the background is chosen from"),
  rows: setting(count, 100, "rows of the background that is handed over, drawn from the chosen weights"),
  coalitions: setting(
    count,
    128,
    "coalitions of features that Shapley values are computed from, in the attack and in KernelSHAP",
  ),
  level: setting(number({ min: 0, max: 1 }), 0.05, "level of the audit: its two tests share it"),
  caution: setting(
    number({ min: 0, max: 1 }),
    0.2,
    "p-value that the attacker wants of both tests, on the rows it chooses from",
  ),
  lambdas: setting(count, 25, "weights of the Wasserstein distance that are tried, in even steps of their logarithm"),
  draws: setting(natural, 4, "backgrounds drawn for each of them, besides the first"),
};

type Settings = Read<typeof options>;

/** Explainers of rows of a table that compare with all rows of the background; `explainerMaker` hands them the centres of a clustering. */
export function unsummarised(options: ExplainingOptions): MakeExplainer {
  const { domain, background, seed, settings = {} } = checkedOptions("unsummarised", options, EXPLAINING_OPTIONS);
  return async (name) => makeExplainer(name, settings[name] ?? {}, { domain, seed, background, key: random.key(seed) });
}

/** Absolute attribution of the sensitive column after, as a share of that before: fooled where half of it is gone. */
function shareLeft(domain: Domain, place: number): Statistic {
  const own = (attribution: Tensor): Promise<ArrayLike<number>> =>
    scope(() => {
      const importance = featureImportance(attribution, domain);
      return slice(importance, [0, place], [importance.shape[0], 1]);
    }).read();
  return {
    name: "attribution of the sensitive column, after / before",
    interval: { high: 0.5 },
    of: async ({ clean, manipulated }) => {
      const here = callerScope();
      const [before, after] = [await here.wait(own(clean)), await here.wait(own(manipulated))];
      return Array.from(after, (value, i) => value / before[i]);
    },
  };
}

/** Places of `most` samples of a split on one side of the middle of a column, the first ones. */
function sideOf(
  { domain, sensitive }: ManipulationWorld,
  split: ManipulationWorld["train"],
  middle: number,
  above: boolean,
  among: readonly number[],
  most: number,
): number[] {
  const values = columnOf(sensitive!, split, domain);
  return among.filter((i) => values[i] > middle === above).slice(0, most);
}

const everyOf = ({ labels }: ManipulationWorld["train"]): number[] => Array.from(labels, (_, i) => i);

/** Probability of one class, [m] on the host. */
async function outputsOf(classifier: Classifier, rows: Tensor, of: number): Promise<ArrayLike<number>> {
  return await scope(() => {
    const p = softmax(classifier(rows));
    return slice(p, [0, of], [p.shape[0], 1]);
  }).read();
}

/** Rank shares and the global attribution of a column under one background. */
async function globalOf(
  side: Side,
  explainer: string,
  domain: Domain,
  place: number,
  background: string,
): Promise<Measured[]> {
  const here = callerScope();
  const attribution = await here.wait(attributionsOf(side.explainer!, explainer, side));
  const features = featuresOf(domain).length;
  const importance = await here.wait(scope(() => featureImportance(attribution, domain)).read());
  const n = importance.length / features;
  const column = (f: number): number => mean(Array.from({ length: n }, (_, i) => importance[i * features + f]));
  const all = Array.from({ length: features }, (_, f) => column(f));
  const ranks = ranksOf(importance, features, place);
  const of = { count: n, conditions: { background } };
  return [
    { ...of, metric: SIZE, value: all[place] },
    {
      ...of,
      metric: "share of the sensitive column in all attribution",
      value: all[place] / all.reduce((a, b) => a + b),
    },
    ...[1, 2, 3].map((rank) => ({
      ...of,
      metric: `sensitive column on rank ${rank}`,
      value: ranks.filter((one) => one === rank).length / n,
    })),
  ];
}

export const backgroundEntry = manipulationEntry({
  name: "background",
  title: "Fool SHAP by its background",
  help: "a background sample that makes SHAP say the sensitive column counts for little; the model is untouched",
  words:
    "SHAP explains how people of one group differ from a background, here people of the other group. Whoever is audited hands over the sample of " +
    "that background. Its rows are weighted so that the sensitive column gets little attribution while the sample stays close to the population " +
    "(Wasserstein distance of the rows, as in the paper, or of the model's outputs, which are what an audit sees), and the sample is kept if two " +
    "tests of the model's outputs, Kolmogorov-Smirnov and Wald, do not notice. The optimal weights of each trade-off are exact. p-values are " +
    "also taken against rows that the attacker has not seen.",
  source: "Laberge, Aïvodji, Hara, Marchand, Khomh 2023, Fool SHAP with stealthily biased sampling",
  changes: "background",
  takes: "tables",
  options,
  run,
  claims: backgroundClaims,
});

async function run(settings: Settings, world: ManipulationWorld) {
  const here = callerScope();
  requireKind({ name: "background", takes: "tables" }, world);
  const { domain, train, test, sensitive, seed, say, explaining } = world;
  if (sensitive === undefined)
    throw new TypeError("background: the data name no sensitive column; one is needed, whose attribution is to shrink");
  const { explainer, explained, close, candidates: most, rows, coalitions, level, caution, lambdas, draws } = settings;
  const classifier = settings.scores === "logit" ? world.classifier : (x: Tensor) => softmax(world.classifier(x));
  const place = featureIndex(domain, sensitive);
  const isBinary = featuresOf(domain)[place].kind === "binary";
  const middle = isBinary ? 0.5 : mean(columnOf(sensitive, train, domain));
  const above = explained === "above";
  const judged = sideOf(world, test, middle, above, world.samples, world.samples.length);
  const candidates = sideOf(world, train, middle, !above, everyOf(train), most);
  const unseen = sideOf(world, test, middle, !above, everyOf(test), test.labels.length);
  if (judged.length === 0 || candidates.length < 2 || unseen.length === 0)
    throw new RangeError(
      `background: ${judged.length} explained samples, ${candidates.length} candidates and ${unseen.length} rows for the audit on ` +
        `either side of the middle of "${sensitive}"; at least one, two and one are needed`,
    );
  const x = sampleTensor(test, judged);
  const pool = sampleTensor(train, candidates);
  const classes = scope(() => argmax(classifier(x), 1));

  say(`background: Shapley values of ${sensitive} against ${candidates.length} rows`);
  const groups = tableGroups(domain);
  const score = classScore(classifier, classes);
  const contributions = await here.wait(
    scope(() => pairShapley(score, x, pool, { groups, feature: place, coalitions, seed })).read(),
  );
  const shown = (await here.wait(classes.read()))[0];
  const outputs = await here.wait(outputsOf(world.classifier, pool, shown));
  const chosen = (distances: Float64Array): StealthySample =>
    stealthySample({ contributions, distances, outputs, rows, caution, lambdas, draws, seed });
  const samples = {
    rows: chosen(rowDistances(await here.wait(pool.read()), domain.shape[0])),
    outputs: chosen(rankDistances(outputs)),
  };
  const found = samples[close];

  const draw = drawFrom(seed, 0x686f);
  const honest = randomPlaces(candidates.length, rows, draw);
  const another = randomPlaces(candidates.length, rows, draw);
  const sideWith = (x: Tensor, places: readonly number[]): Side => {
    const background = sampleTensor(
      train,
      places.map((j) => candidates[j]),
    );
    const own = {
      ...explaining.settings,
      "kernel-shap": { samples: coalitions, ...explaining.settings?.["kernel-shap"] },
    };
    return { classifier, x, explainer: unsummarised({ ...explaining, background, settings: own }) };
  };
  const pairOf = (x: Tensor): Pair => ({ clean: sideWith(x, honest), manipulated: sideWith(x, found.places) });
  const madeFor = pairOf(x);
  const measurements: Measured[] = [];
  for (const [name, places] of [
    ["honest", honest],
    ["another honest one", another],
    [closeIn("rows"), samples.rows.places],
    [closeIn("outputs"), samples.outputs.places],
  ] as const) {
    say(`background: attributions, ${name}`);
    measurements.push(...(await here.wait(globalOf(sideWith(x, places), explainer, domain, place, name))));
    const sample = places.map((j) => outputs[j]);
    const audit = await here.wait(outputsOf(world.classifier, sampleTensor(test, unseen), shown));
    for (const [against, population] of [
      ["the candidates", outputs],
      ["rows unseen", audit],
    ] as const) {
      const [ks, wald] = [kolmogorovSmirnov(sample, population), waldTest(sample, population)];
      const of = { count: sample.length, conditions: { background: name, against } };
      measurements.push(
        { ...of, metric: "p-value, Kolmogorov-Smirnov", value: ks },
        { ...of, metric: "p-value, Wald", value: wald },
        { ...of, metric: NOTICED, value: Number(Math.min(ks, wald) < level / 2) },
      );
    }
  }
  const sizeOf = (background: string): number =>
    measurements.find(({ metric, conditions }) => metric === SIZE && conditions?.background === background)!.value;
  for (const [name, { places, distance }] of Object.entries(samples)) {
    const background = closeIn(name);
    const conditions = { background };
    measurements.push(
      { metric: DECREASE, value: 1 - sizeOf(background) / sizeOf("honest"), count: judged.length, conditions },
      {
        metric: "Wasserstein distance of its weights from equal ones",
        value: distance,
        count: candidates.length,
        conditions,
      },
      { metric: "different rows in it", value: new Set(places).size, count: rows, conditions },
    );
  }
  const others = sideOf(world, test, middle, above, world.others, world.others.length);
  return {
    explainer,
    madeFor,
    heldOut: others.length > 0 ? pairOf(sampleTensor(test, others)) : undefined,
    statistic: shareLeft(domain, place),
    cost: { "rows of the model asked": 2 * coalitions * candidates.length * judged.length },
    measurements,
    tensors: {
      background: sampleTensor(
        train,
        found.places.map((j) => candidates[j]),
      ),
      weights: tensor(found.weights),
    },
  };
}

/** Places drawn without repetition as long as there are enough. */
function randomPlaces(m: number, count: number, draw: Draw): number[] {
  const order = Array.from({ length: m }, (_, i) => i);
  for (let last = m - 1; last > 0; last--) {
    const other = draw.below(last + 1);
    [order[last], order[other]] = [order[other], order[last]];
  }
  return Array.from({ length: count }, (_, i) => order[i % m]);
}
