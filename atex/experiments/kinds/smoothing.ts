/** Figures 3 and 4: gradient maps of a network against SmoothGrad maps of the normally trained one, after rounds of ATEX. */
import { argmax, callerScope, openScope, random, tensor } from "../../../engine/index.js";
import { count, list, natural, setting, size, text } from "../../../nn/schema.js";
import type { Explainer } from "../../explainers/explainer.js";
import { gradient } from "../../explainers/gradient.js";
import { smoothGrad } from "../../explainers/smoothGrad.js";
import { agreementOf, importanceMap } from "../../judge.js";
import { type Classifier, classScore } from "../../score.js";
import { type Quantity, select, valuesOf } from "../aggregate.js";
import { type Cell, type Measurement, type Outcome, picturesOf } from "../cells.js";
import type { ReproduceConfig } from "../config.js";
import { curves } from "../curves.js";
import { type Experiment, experimentKind, together } from "../kind.js";
import { type Lab, pickPixels, type Split, splitOf } from "../lab.js";
import { type Agreement, readAll } from "../manipulation.js";
import { correctlyClassified, joined, mean, pixelsAt, rounded, sampleOf } from "../measuring.js";
import { claimsAboutRounds, requireRounds } from "../rounds.js";
import { split } from "../settings.js";
import { basis, formatted, metricTitle, perData, type TableData } from "../tables.js";

const settings = {
  scheme: text,
  rounds: list(natural),
  split,
  images: count,
  samples: count,
  sigma: setting(size, 0.15, "SmoothGrad's noise"),
  pictures: setting(natural, 0, "images of the first seed that are shown"),
};

/** Images explained at once. */
const BATCH = 50;

async function run(lab: Lab, cell: Cell, experiment: Experiment<typeof settings>): Promise<Outcome> {
  const here = callerScope();
  const { data, seed } = cell;
  const { scheme, samples, sigma } = experiment;
  const loaded = await here.wait(lab.data(data));
  const split = splitOf(loaded, experiment);
  using normal = await here.wait(lab.network({ data, seed, scheme: "normal" }));
  const indices = await here.wait(correctlyClassified(normal.classifier, split, experiment.images));
  const asNormal = { judge: normal.classifier, split, indices };
  const smooth = smoothGrad({ samples, sigma, key: random.fold(random.key(seed), 3) });
  const reference = await here.wait(mapsOf(normal.classifier, smooth, asNormal));
  const measurements: Measurement[] = [];
  const maps = new Map<number, Maps>();
  // The longest training first: shorter ones are its beginnings.
  for (const rounds of [...experiment.rounds].sort((a, b) => b - a)) {
    using network = await here.wait(lab.network({ data, seed, scheme, epochs: rounds }));
    maps.set(rounds, await here.wait(mapsOf(network.classifier, gradient, asNormal)));
    for (const [metric, values] of Object.entries(
      await here.wait(similarity(maps.get(rounds)!, reference, lab.config.k)),
    ))
      measurements.push({ scheme, conditions: { rounds }, metric, value: mean(values), count: indices.length });
  }
  const shown = [Math.min(...experiment.rounds), Math.max(...experiment.rounds)].map((rounds) => maps.get(rounds)!);
  const rows = indices.slice(0, picturesOf(lab.config, cell)).map((index, i) => ({
    label: loaded.classes[split.labels[index]],
    cells: [
      pixelsAt(split, index),
      ...[...shown, reference].map((m) => rounded(sampleOf(m.values, i, indices.length))),
    ],
  }));
  return { measurements, pictures: [{ name: data, columns: ["image", "map", "map", "map"], rows }] };
}

interface Explained {
  /** Chooses the class that is explained. */
  readonly judge: Classifier;
  readonly split: Split;
  readonly indices: readonly number[];
}

/** Relative importance of the pixels of each image. */
interface Maps {
  readonly values: Float32Array;
  /** [n,h,w] */
  readonly shape: readonly number[];
}

async function mapsOf(of: Classifier, explainer: Explainer, { judge, split, indices }: Explained): Promise<Maps> {
  const here = callerScope();
  const parts: Float32Array[] = [];
  let shape: readonly number[] = [];
  for (let from = 0; from < indices.length; from += BATCH) {
    using _ = here.open("maps");
    const x = pickPixels(split, indices.slice(from, from + BATCH));
    const map = importanceMap(explainer(classScore(of, argmax(judge(x), 1)), x));
    shape = [indices.length, ...map.shape.slice(1)];
    parts.push(Float32Array.from(await here.wait(map.read())));
  }
  return { values: joined(parts), shape };
}

async function similarity(a: Maps, b: Maps, k: number): Promise<Agreement> {
  using here = openScope("similarity");
  const [p, q] = [a, b].map(({ values, shape }) => tensor(values, shape));
  return await here.wait(readAll(agreementOf(p, q, k)));
}

function tableOf(data: string, all: readonly Quantity[], { k }: ReproduceConfig): TableData {
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

export const smoothing = experimentKind({
  kind: "smoothing",
  settings,
  words: "Figures 3 and 4 of the paper. The reference is always the SmoothGrad map of the normally trained network.",
  schemes: ({ scheme }) => [scheme],
  cells: together,
  check: requireRounds,
  run,
  tables: (findings) => perData(findings).map(([data, all]) => tableOf(data, all, findings.config)),
  plots: ({ config, all }) =>
    curves(select(all, { metric: "ssim" }), {
      axis: "rounds",
      x: "passes of ATEX",
      y: metricTitle("ssim", config.k),
      nameOf: ({ scheme }) => config.schemes[scheme].title,
    }),
  pictureColumns: ["input", "gradient map before ATEX", "gradient map after", "SmoothGrad of the normal model"],
  claims: (findings) =>
    claimsAboutRounds(
      findings,
      "gradient maps look more like SmoothGrad maps of the normal model after ATEX than before (fig. 3)",
      { metric: "ssim" },
    ),
});
