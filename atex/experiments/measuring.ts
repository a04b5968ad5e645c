/** What kinds of experiments measure alike: accuracy, and attacks on many images. */
import { argmax, callerScope, dispose, openScope, random, type Tree } from "../../engine/index.js";
import { evaluate, hostSamples, type Layer, residentData } from "../../nn/index.js";
import type { Classifier } from "../score.js";
import type { Measurement } from "./cells.js";
import type { AttackConfig } from "./config.js";
import { type Lab, pickPixels, type Split } from "./lab.js";
import { type Agreement, type Manipulated, type ManipulationOptions, manipulate } from "./manipulation.js";
import { mean } from "./statistics.js";

export { mean };

export interface AttackRun extends Pick<ManipulationOptions, "surrogate" | "norm" | "outputBound"> {
  readonly attack: ManipulationOptions["attack"] & Pick<AttackConfig, "batch">;
  readonly indices: readonly number[];
  readonly split: Split;
  readonly radii: readonly number[];
  readonly seed: number;
}

export type Manipulations = Awaited<ReturnType<typeof manipulate>>;

/** Attacks images in batches. */
export async function attackImages(lab: Lab, classifier: Classifier, run: AttackRun): Promise<Manipulations> {
  using here = openScope("attack images");
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
    parts.push(await here.wait(manipulate({ ...how, x, eps: radii })));
  }
  return {
    clean: joined(parts.map(({ clean }) => clean)),
    under: radii.map((eps, i) => {
      const ones = parts.map(({ under }) => under[i]);
      const { aimed, alone, passes } = ones[0];
      return {
        ...{ eps, passes },
        attacked: joinedLists(ones.map(({ attacked }) => attacked)),
        aimed: aimed && joinedLists(ones.map((one) => one.aimed!)),
        alone: alone && mapValues(alone, (_, name) => joinedLists(ones.map((one) => one.alone![name]))),
        control: joinedLists(ones.map(({ control }) => control)),
        images: joined(ones.map(({ images }) => images)),
        maps: joined(ones.map(({ maps }) => maps)),
      };
    }),
  };
}

/** What one attack, or an ensemble, leaves: of the latter under each measure's own attack, too, and what it cost. */
export function attackMeasurements(
  of: Pick<Measurement, "scheme" | "conditions">,
  { attacked, aimed, passes }: Pick<Manipulated, "attacked" | "aimed" | "passes">,
): Measurement[] {
  if (!aimed) return meansOf(of, attacked);
  const count = Object.values(attacked)[0].length;
  return [...meansOf(of, attacked), ...meansOf(of, aimed, AIMED), { ...of, metric: PASSES, value: passes, count }];
}

/** What stands before the name of a measure under the attack that aims at it. */
export const AIMED = "aimed ";
export const PASSES = "maps differentiated for an image";

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

/** Share of a split that is classified correctly. */
export async function accuracyOf(
  { model, params }: { readonly model: Layer; readonly params: Tree },
  split: Split,
): Promise<number> {
  const here = callerScope();
  const resident = residentData(split);
  const accuracy = await here.wait(evaluate(model, params, resident));
  dispose([resident.words, resident.labels]);
  return accuracy;
}

const CHUNK = 500;

/** The first `wanted` images that every one of the networks classifies correctly; fewer where there are no more. */
export async function correctlyClassified(
  classifiers: Classifier | readonly Classifier[],
  split: Split,
  wanted: number,
): Promise<number[]> {
  const here = callerScope();
  const all = typeof classifiers === "function" ? [classifiers] : classifiers;
  const found: number[] = [];
  for (let from = 0; from < split.labels.length && found.length < wanted; from += CHUNK) {
    using _ = here.open("choose images");
    const part = Array.from({ length: Math.min(CHUNK, split.labels.length - from) }, (_, i) => from + i);
    const x = pickPixels(split, part);
    const predictions = await here.wait(Promise.all(all.map((classifier) => argmax(classifier(x), 1).read())));
    found.push(...part.filter((index, i) => predictions.every((classes) => classes[i] === split.labels[index])));
  }
  return found.slice(0, wanted);
}

/** One sample of a split; bytes as k/255. */
export function pixelsAt(split: Split, index: number): number[] {
  return rounded(hostSamples(split, [index]));
}

/** One of `count` samples that lie one after another. */
export function sampleOf<T extends Float32Array | Uint8Array>(all: T, index: number, count: number): T {
  const size = all.length / count;
  return all.subarray(index * size, (index + 1) * size) as T;
}

/** Four significant digits: enough for colours. */
export function rounded(values: ArrayLike<number>): number[] {
  return Array.from(values, (v) => Number(v.toPrecision(4)));
}

/** One after another. */
export function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function mapValues<A, B>(
  all: Readonly<Record<string, A>>,
  of: (value: A, name: string) => B,
): Readonly<Record<string, B>> {
  return Object.fromEntries(Object.entries(all).map(([name, value]) => [name, of(value, name)]));
}

function joinedLists(parts: readonly Manipulated["attacked"][]): Manipulated["attacked"] {
  return Object.fromEntries(Object.keys(parts[0]).map((name) => [name, parts.flatMap((part) => part[name])]));
}
