/**
 * Sanity checks for explanations: does a map change when the network forgets what it learnt? One that does not is a picture of
 * the input. Works for images and for rows of a table. Source: Adebayo et al. 2018; Hedström et al. 2024 for the efficient and the
 * smooth variant.
 */

import {
  argmax,
  callerScope,
  type Done,
  type LongOptions,
  scope,
  slice,
  type Tensor,
  type Tree,
  Turns,
} from "../../engine/index.js";
import { aFunction, aNatural, aNumber, aTensor, aTree, either, listOf, required } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../engine/options.js";
import { anyObject } from "../../nn/kinds.js";
import { type Explainer, saliencyMap } from "../explainers/explainer.js";
import { LONG_OPTIONS } from "../kinds.js";
import { type Classifier, classScore } from "../score.js";
import { entropyOf } from "./entropy.js";
import { anOrder, aRandomised, aSanityResult, aSanitySimilarity } from "./kinds.js";
import { type RandomisationOrder, type Randomised, randomisations } from "./randomise.js";
import type { SanitySimilarity } from "./similarities.js";

/** Explainers by the names that results carry. */
export type ExplainerSet = Readonly<Record<string, Explainer>>;

/** `onProgress` counts explainers over all chunks. */
export interface ComparisonOptions extends LongOptions<Done> {
  /** (params, x) → logits: `model.apply`. */
  readonly network: (params: Tree, x: Tensor) => Tensor;
  readonly params: Tree;
  /** Samples [n,...]; the papers use 200. */
  readonly x: Tensor;
  /** By the names of the result; or a function that makes the same names for a chunk of x, where an explainer belongs to its
   *  samples (segments of images). For the smooth variant give explainers averaged over noise (`smoothGrad({ base })`). */
  readonly explainers: ExplainerSet | ((x: Tensor) => ExplainerSet | Promise<ExplainerSet>);
  readonly similarities: readonly SanitySimilarity[];
  /** Samples explained at once; default 50. */
  readonly chunk?: number;
  /** Attributions of the first so many samples are kept for pictures; default 0. */
  readonly keep?: number;
}

const COMPARISON_OPTIONS: KindsOf<ComparisonOptions> = {
  network: required(aFunction),
  params: required(aTree),
  x: required(aTensor),
  explainers: required(either(anyObject, aFunction)),
  similarities: required(listOf(aSanitySimilarity, "sanity similarities")),
  chunk: aNumber,
  keep: aNatural,
  ...LONG_OPTIONS,
};

/** A network, what its layers are to be replaced by, and the explainers that are to notice. */
export interface SanityOptions extends ComparisonOptions {
  /** Parameters of the same structure, drawn anew. */
  readonly fresh: Tree;
  readonly order: RandomisationOrder;
}

const SANITY_OPTIONS: KindsOf<SanityOptions> = {
  fresh: required(aTree),
  order: required(anOrder),
  network: required(aFunction),
  params: required(aTree),
  x: required(aTensor),
  explainers: required(either(anyObject, aFunction)),
  similarities: required(listOf(aSanitySimilarity, "sanity similarities")),
  chunk: aNumber,
  keep: aNatural,
  ...LONG_OPTIONS,
};

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

/** What explainers made of a network whose layers were lost one after another. */
export interface SanityResult {
  readonly order: RandomisationOrder;
  /** By explainer: the trained network, then the randomised ones, from the output down. */
  readonly stages: Readonly<Record<string, readonly SanityStage[]>>;
}

/** Explains the trained network and each randomised one, always for the class that the network at hand predicts, and compares.
 *  A good explainer's similarity falls towards that of unrelated maps as layers are lost. */
export async function randomisationTest(given: SanityOptions): Promise<SanityResult> {
  const { fresh, order, ...options } = checkedOptions("randomisationTest", given, SANITY_OPTIONS);
  return { order, stages: await compareNetworks(options, randomisations(options.params, fresh, order)) };
}

/** By explainer: the network as it was trained, then the others, each explained for its own predictions.
 *  @throws RangeError for chunks of less than one sample; the reason of `signal`. */
export async function compareNetworks(
  options: ComparisonOptions,
  others: readonly Randomised[],
): Promise<Record<string, readonly SanityStage[]>> {
  requireArguments("compareNetworks", { others: [others, listOf(aRandomised, "networks drawn anew")] });
  checkedOptions("compareNetworks", options, COMPARISON_OPTIONS);
  const here = callerScope();
  const { network, params, x, explainers, similarities, chunk = 50 } = options;
  if (!Number.isInteger(chunk) || chunk < 1)
    throw new RangeError(`compareNetworks: chunks of ${chunk} samples; a whole number of at least 1 is needed`);
  const turns = new Turns("compareNetworks", options);
  const networks: readonly Partial<Randomised>[] = [{}, ...others];
  const starts = Array.from({ length: Math.ceil(x.shape[0] / chunk) }, (_, i) => i * chunk);
  const parts: Record<string, SanityStage[][]> = {};
  let done = 0;
  for (const from of starts) {
    using _ = here.open("sanity check");
    const sizes = [Math.min(chunk, x.shape[0] - from), ...x.shape.slice(1)];
    const part = slice(x, [from, ...x.shape.slice(1).map(() => 0)], sizes);
    const kept = Math.min(sizes[0], Math.max(0, (options.keep ?? 0) - from));
    const set = Object.entries(typeof explainers === "function" ? await here.wait(explainers(part)) : explainers);
    for (const [name, explainer] of set) {
      using _ = here.open("explainer");
      const explain = (now: Tree): Tensor => scope(() => explained(explainer, (z) => network(now, z), part));
      const learnt = explain(params);
      const seen: SanityStage[] = [];
      for (const { layer, params: now } of networks) {
        using _ = here.open("network");
        seen.push({
          layer,
          ...(await here.wait(stageOf(learnt, now === undefined ? learnt : explain(now), similarities, kept))),
        });
      }
      parts[name] = [...(parts[name] ?? []), seen];
      await here.wait(turns.next({ done: ++done, total: set.length * starts.length }));
    }
  }
  const together = (all: SanityStage[][]): SanityStage[] => networks.map((_, i) => joined(all.map((part) => part[i])));
  return Object.fromEntries(Object.entries(parts).map(([name, all]) => [name, together(all)]));
}

async function stageOf(
  learnt: Tensor,
  attribution: Tensor,
  similarities: readonly SanitySimilarity[],
  kept: number,
): Promise<SanityStage> {
  const here = callerScope();
  const read = async (t: Tensor): Promise<number[]> => Array.from(await t.read());
  const compared: [string, number[]][] = [];
  for (const { name, compare } of similarities)
    compared.push([name, await here.wait(read(compare(learnt, attribution)))]);
  const size = attribution.size / attribution.shape[0];
  return {
    similarity: Object.fromEntries(compared),
    entropy: await here.wait(read(entropyOf(saliencyMap(attribution)))),
    kept:
      kept > 0
        ? Float32Array.from((await here.wait(attribution.read())).subarray(0, kept * size))
        : new Float32Array(0),
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
export function entropyRise(result: SanityResult): Record<string, number> {
  requireArguments("entropyRise", { result: [result, aSanityResult] });
  const { order, stages } = result;
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
