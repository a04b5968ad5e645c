/** Networks under attack: accuracy, and how much attacked maps agree with clean ones (tables 1 to 4 and whatever looks like them). */
import { argmax, dispose, openScope, random } from "../../engine/index.js";
import { evaluate, hostSamples, residentData } from "../../nn/index.js";
import { softplusSurrogate } from "../attacks/surrogate.js";
import type { Classifier } from "../score.js";
import { type Cell, type Measurement, type Outcome, type PictureRows, picturesOf } from "./cells.js";
import type { AttackConfig, ExperimentOf } from "./config.js";
import { type Lab, pickPixels, type Split, splitOf, type TrainedNetwork } from "./lab.js";
import { type Agreement, type Manipulated, type ManipulationOptions, manipulate } from "./manipulation.js";

export async function robustness(lab: Lab, cell: Cell, experiment: ExperimentOf<"robustness">): Promise<Outcome> {
  const { data, seed, eps } = cell;
  const scheme = cell.scheme!;
  const loaded = await lab.data(data);
  using network = await lab.network({ data, seed, scheme, eps });
  const split = splitOf(loaded, experiment);
  const trainedFor: Record<string, number> = eps === undefined ? {} : { eps };
  const accuracy: Measurement = {
    ...{ scheme, conditions: trainedFor, metric: "accuracy" },
    ...{ value: await accuracyOf(network, split), count: split.labels.length },
  };
  const measurements = [accuracy];
  const pictures: PictureRows[] = [];
  const shown = picturesOf(lab.config, cell);
  const radii = eps === undefined ? loaded.plan.eps : [eps];
  for (const [at, attack] of experiment.attacks.entries()) {
    const indices = await correctlyClassified(network.classifier, split, attack.images);
    const surrogate = softplusSurrogate(network.model, network.params);
    const all = await attackImages(lab, network.classifier, { attack, surrogate, indices, split, radii, seed });
    measurements.push(...all.under.flatMap((one) => measured(scheme, attack, one)));
    if (at === 0 && shown > 0) {
      const labels = indices.slice(0, shown).map((i) => loaded.classes[split.labels[i]]);
      pictures.push(pictureRows(`${data} ${scheme}`, labels, split, indices, all));
    }
  }
  return { measurements, pictures };
}

export interface AttackRun extends Pick<ManipulationOptions, "surrogate" | "norm" | "outputBound"> {
  readonly attack: ManipulationOptions["attack"] & Pick<AttackConfig, "batch">;
  readonly indices: readonly number[];
  readonly split: Split;
  readonly radii: readonly number[];
  readonly seed: number;
}

type Manipulations = Awaited<ReturnType<typeof manipulate>>;

/** Attacks images in batches. */
export async function attackImages(lab: Lab, classifier: Classifier, run: AttackRun): Promise<Manipulations> {
  using _ = openScope("attack images");
  const { attack, indices, split, radii, seed, surrogate, norm, outputBound } = run;
  const key = random.fold(random.key(seed), 2);
  const parts: Manipulations[] = [];
  for (let from = 0; from < indices.length; from += attack.batch) {
    const chosen = indices.slice(from, from + attack.batch);
    lab.say(
      `${attack.objective} attack on ${attack.explainer}, ${attack.steps} steps: image ${from} of ${indices.length}`,
    );
    const x = pickPixels(split, chosen);
    const how = { classifier, surrogate, attack, norm, outputBound, k: lab.config.k, key: random.fold(key, from) };
    parts.push(await manipulate({ ...how, x, eps: radii }));
  }
  return {
    clean: joined(parts.map(({ clean }) => clean)),
    under: radii.map((eps, i) => {
      const ones = parts.map(({ under }) => under[i]);
      return {
        eps,
        attacked: joinedLists(ones.map(({ attacked }) => attacked)),
        control: joinedLists(ones.map(({ control }) => control)),
        images: joined(ones.map(({ images }) => images)),
        maps: joined(ones.map(({ maps }) => maps)),
      };
    }),
  };
}

function measured(scheme: string, attack: AttackConfig, one: Manipulated): Measurement[] {
  const { objective, explainer, steps, restarts, rule } = attack;
  const of = { scheme, conditions: { objective, explainer, eps: one.eps, steps, restarts, rule } };
  return [...meansOf(of, one.attacked), ...meansOf(of, one.control, "control ")];
}

/** The mean over images of each metric. */
export function meansOf(
  of: Pick<Measurement, "scheme" | "conditions">,
  agreement: Agreement,
  prefix = "",
): Measurement[] {
  return Object.entries(agreement).map(([name, values]) => ({
    ...of,
    ...{ metric: prefix + name, value: mean(values), count: values.length },
  }));
}

export function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

/** Share of a split that is classified correctly. */
export async function accuracyOf(
  { model, params }: Pick<TrainedNetwork, "model" | "params">,
  split: Split,
): Promise<number> {
  const resident = residentData(split);
  const accuracy = await evaluate(model, params, resident);
  dispose([resident.words, resident.labels]);
  return accuracy;
}

const CHUNK = 500;

/** The first `wanted` images that are classified correctly; fewer where there are no more. */
export async function correctlyClassified(classifier: Classifier, split: Split, wanted: number): Promise<number[]> {
  const found: number[] = [];
  for (let from = 0; from < split.labels.length && found.length < wanted; from += CHUNK) {
    using _ = openScope("choose images");
    const here = Array.from({ length: Math.min(CHUNK, split.labels.length - from) }, (_, i) => from + i);
    const classes = await argmax(classifier(pickPixels(split, here)), 1).read();
    found.push(...here.filter((index, i) => classes[i] === split.labels[index]));
  }
  return found.slice(0, wanted);
}

/** Input, its map, the input attacked at the largest eps1, and the map of that. */
function pictureRows(
  name: string,
  labels: readonly string[],
  split: Split,
  indices: readonly number[],
  { clean, under }: Manipulations,
): PictureRows {
  const last = under.reduce((a, b) => (b.eps > a.eps ? b : a));
  const rows = labels.map((label, i) => {
    const of = (all: Float32Array): number[] => {
      const size = all.length / indices.length;
      return rounded(all.subarray(i * size, (i + 1) * size));
    };
    return { label, cells: [pixelsAt(split, indices[i]), of(clean), of(last.images), of(last.maps)] };
  });
  return { name, columns: ["image", "map", "image", "map"], rows };
}

/** One sample of a split; bytes as k/255. */
export function pixelsAt(split: Split, index: number): number[] {
  return rounded(hostSamples(split, [index]));
}

/** Four significant digits: enough for colours. */
export function rounded(values: ArrayLike<number>): number[] {
  return Array.from(values, (v) => Number(v.toPrecision(4)));
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function joinedLists(parts: readonly Manipulated["attacked"][]): Manipulated["attacked"] {
  return Object.fromEntries(Object.keys(parts[0]).map((name) => [name, parts.flatMap((part) => part[name])]));
}
