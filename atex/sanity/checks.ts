/**
 * Sanity checks for explanations: does a map change when the network forgets what it learnt? One that does not is a picture of
 * the input. Works for images and for rows of a table. Source: Adebayo et al. 2018; Hedström et al. 2024 for the efficient and the
 * smooth variant.
 */
import { argmax, openScope, slice, type Tensor, type Tree } from "../../engine/index.js";
import { type Explainer, saliencyMap } from "../explainers/explainer.js";
import { type Classifier, classScore } from "../score.js";
import { entropyOf } from "./entropy.js";
import { type RandomisationOrder, type Randomised, randomisations } from "./randomise.js";
import type { SanitySimilarity } from "./similarities.js";

export interface SanityOptions {
  /** (params, x) → logits: `model.apply`. */
  readonly network: (params: Tree, x: Tensor) => Tensor;
  readonly params: Tree;
  /** Parameters of the same structure, drawn anew. */
  readonly fresh: Tree;
  /** Samples [n,...]; the papers use 200. */
  readonly x: Tensor;
  /** By the names of the result. For the smooth variant give explainers averaged over noise (`smoothGrad({ base })`). */
  readonly explainers: Readonly<Record<string, Explainer>>;
  readonly similarities: readonly SanitySimilarity[];
  readonly order: RandomisationOrder;
  /** Samples explained at once; default 50. */
  readonly chunk?: number;
  /** Attributions of the first so many samples are kept for pictures; default 0. */
  readonly keep?: number;
  readonly onProgress?: (done: number, all: number) => void;
}

/** What one explainer made of one network. */
export interface SanityStage {
  /** The layer that was drawn anew last or alone; undefined for the network as it was trained. */
  readonly layer?: string;
  /** By similarity: how alike the maps are to those of the trained network, one number per sample. */
  readonly similarity: Readonly<Record<string, readonly number[]>>;
  /** Entropy of each map's relative importance, in nats: the efficient variant asks whether it rises. */
  readonly entropy: readonly number[];
  /** Attributions of the samples kept, flattened. */
  readonly kept: Float32Array;
}

export interface SanityResult {
  readonly order: RandomisationOrder;
  /** By explainer: the trained network, then the randomised ones, from the output down. */
  readonly stages: Readonly<Record<string, readonly SanityStage[]>>;
}

/** Explains the trained network and each randomised one, always for the class that the network at hand predicts, and compares.
 *  A good explainer's similarity falls towards that of unrelated maps as layers are lost. */
export async function randomisationTest(options: SanityOptions): Promise<SanityResult> {
  const { network, params, fresh, x, explainers, order, chunk = 50, onProgress } = options;
  const networks = [{ params }, ...randomisations(params, fresh, order)];
  const starts = Array.from({ length: Math.ceil(x.shape[0] / chunk) }, (_, i) => i * chunk);
  const all = Object.keys(explainers).length * starts.length;
  let done = 0;
  const stages: Record<string, SanityStage[]> = {};
  for (const [name, explainer] of Object.entries(explainers)) {
    const parts: SanityStage[][] = [];
    for (const from of starts) {
      using _ = openScope("sanity check");
      const sizes = [Math.min(chunk, x.shape[0] - from), ...x.shape.slice(1)];
      const part = slice(x, [from, ...x.shape.slice(1).map(() => 0)], sizes);
      const explain = (now: Tree): Tensor => explained(explainer, (z) => network(now, z), part);
      const learnt = explain(params);
      const kept = Math.max(0, Math.min(options.keep ?? 0, x.shape[0]) - from);
      const look = (now: Tree): Promise<SanityStage> => stageOf(learnt, explain(now), options.similarities, kept);
      const seen: SanityStage[] = [];
      for (const { layer, params: now } of networks as Partial<Randomised>[])
        seen.push({ layer, ...(await look(now)) });
      parts.push(seen);
      onProgress?.(++done, all);
    }
    stages[name] = networks.map((_, i) => joined(parts.map((part) => part[i])));
  }
  return { order, stages };
}

async function stageOf(
  learnt: Tensor,
  attribution: Tensor,
  similarities: readonly SanitySimilarity[],
  kept: number,
): Promise<SanityStage> {
  const read = async (t: Tensor): Promise<number[]> => Array.from(await t.read());
  const compared: [string, number[]][] = [];
  for (const { name, compare } of similarities) compared.push([name, await read(compare(learnt, attribution))]);
  const size = attribution.size / attribution.shape[0];
  return {
    similarity: Object.fromEntries(compared),
    entropy: await read(entropyOf(saliencyMap(attribution))),
    kept: kept > 0 ? Float32Array.from((await attribution.read()).subarray(0, kept * size)) : new Float32Array(0),
  };
}

/** Parts of the samples put together again. */
function joined(parts: readonly SanityStage[]): SanityStage {
  const names = Object.keys(parts[0].similarity);
  return {
    layer: parts[0].layer,
    similarity: Object.fromEntries(names.map((name) => [name, parts.flatMap((part) => part.similarity[name])])),
    entropy: parts.flatMap(({ entropy }) => entropy),
    kept: Float32Array.from(parts.flatMap(({ kept }) => [...kept])),
  };
}

/** The attribution of each sample's predicted class. */
function explained(explainer: Explainer, classifier: Classifier, x: Tensor): Tensor {
  return explainer(classScore(classifier, argmax(classifier(x), 1)), x);
}

/** By explainer: how much the mean entropy of maps rises from the trained network to the one without any learnt layer, as a share
 *  of the former: above 0 for an explainer that notices. Cascading order. Source: Hedström et al. 2024, eMPRT (relative rise in
 *  complexity). @throws RangeError for independent randomisation, which has no such end. */
export function entropyRise({ order, stages }: SanityResult): Record<string, number> {
  if (order !== "cascading")
    throw new RangeError(
      "entropyRise: the order is independent; cascading randomisation ends without any learnt layer",
    );
  const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  return Object.fromEntries(
    Object.entries(stages).map(([name, list]) => {
      const [first, last] = [mean(list[0].entropy), mean(list.at(-1)!.entropy)];
      return [name, (last - first) / first];
    }),
  );
}
