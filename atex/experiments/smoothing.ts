/** Figures 3 and 4: gradient maps of a network against SmoothGrad maps of the normally trained one, after rounds of ATEX. */
import { argmax, openScope, random, tensor } from "../../engine/index.js";
import type { Explainer } from "../explainers/explainer.js";
import { gradient } from "../explainers/gradient.js";
import { smoothGrad } from "../explainers/smoothGrad.js";
import { agreementOf, importanceMap } from "../judge.js";
import { type Classifier, classScore } from "../score.js";
import { type Cell, type Measurement, type Outcome, picturesOf } from "./cells.js";
import type { ExperimentOf } from "./config.js";
import { type Lab, pickPixels, type Split, splitOf } from "./lab.js";
import { type Agreement, readAll } from "./manipulation.js";
import { correctlyClassified, mean, pixelsAt, rounded } from "./robustness.js";

/** Images explained at once. */
const BATCH = 50;

export async function smoothing(lab: Lab, cell: Cell, experiment: ExperimentOf<"smoothing">): Promise<Outcome> {
  const { data, seed } = cell;
  const { scheme, samples, sigma } = experiment;
  const loaded = await lab.data(data);
  const split = splitOf(loaded, experiment);
  using normal = await lab.network({ data, seed, scheme: "normal" });
  const indices = await correctlyClassified(normal.classifier, split, experiment.images);
  const asNormal = { judge: normal.classifier, split, indices };
  const smooth = smoothGrad({ samples, sigma, key: random.fold(random.key(seed), 3) });
  const reference = await mapsOf(normal.classifier, smooth, asNormal);
  const measurements: Measurement[] = [];
  const maps = new Map<number, Float32Array>();
  // The longest training first: shorter ones are its beginnings.
  for (const rounds of [...experiment.rounds].sort((a, b) => b - a)) {
    using network = await lab.network({ data, seed, scheme, epochs: rounds });
    maps.set(rounds, await mapsOf(network.classifier, gradient, asNormal));
    for (const [metric, values] of Object.entries(await similarity(maps.get(rounds)!, reference, lab.config.k)))
      measurements.push({ scheme, conditions: { rounds }, metric, value: mean(values), count: indices.length });
  }
  const shown = [Math.min(...experiment.rounds), Math.max(...experiment.rounds)].map((rounds) => maps.get(rounds)!);
  const rows = indices.slice(0, picturesOf(lab.config, cell)).map((index, i) => ({
    label: loaded.classes[split.labels[index]],
    cells: [pixelsAt(split, index), ...[...shown, reference].map((m) => rounded(m.subarray(i * 784, (i + 1) * 784)))],
  }));
  return { measurements, pictures: [{ name: data, columns: ["image", "map", "map", "map"], rows }] };
}

interface Explained {
  /** Chooses the class that is explained. */
  readonly judge: Classifier;
  readonly split: Split;
  readonly indices: readonly number[];
}

/** Relative importance of the pixels of each image, [n·28²]. */
async function mapsOf(
  of: Classifier,
  explainer: Explainer,
  { judge, split, indices }: Explained,
): Promise<Float32Array> {
  const all = new Float32Array(indices.length * 784);
  for (let from = 0; from < indices.length; from += BATCH) {
    using _ = openScope("maps");
    const x = pickPixels(split, indices.slice(from, from + BATCH));
    const map = importanceMap(explainer(classScore(of, argmax(judge(x), 1)), x));
    all.set(Float32Array.from(await map.read()), from * 784);
  }
  return all;
}

async function similarity(a: Float32Array, b: Float32Array, k: number): Promise<Agreement> {
  using _ = openScope("similarity");
  const [p, q] = [a, b].map((maps) => tensor(maps, [maps.length / 784, 28, 28]));
  return readAll(agreementOf(p, q, k));
}
