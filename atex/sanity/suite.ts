/** All sanity checks of several explainers on one network. */

import { callerScope, describe, type LongOptions, slice, type Tensor, type Tree, Turns } from "../../engine/index.js";
import { aCount, aFunction, aNatural, aTensor, aTree, listOf, required } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf } from "../../engine/options.js";
import { aList, anyObject } from "../../nn/kinds.js";
import type { Explainer } from "../explainers/explainer.js";
import { LONG_OPTIONS } from "../kinds.js";
import { RefusalError } from "../refusal.js";
import { type ComparisonOptions, compareNetworks, entropyRise, randomisationTest, type SanityStage } from "./checks.js";
import { inputInvarianceGap } from "./invariance.js";
import { aSanitySimilarity, aSuiteExplainer, aTwin } from "./kinds.js";
import type { Twin } from "./permuted.js";
import { layersWithParameters, type RandomisationOrder } from "./randomise.js";
import type { ExplainerReport, SanityReport } from "./report.js";
import { type SanitySimilarity, sanitySimilarities } from "./similarities.js";
import { stageSummaries, summaryOf } from "./summary.js";
import {
  cascadeVerdict,
  independentVerdict,
  invarianceOf,
  invarianceVerdict,
  labelsVerdict,
  SANITY_THRESHOLDS,
  type SanityThresholds,
} from "./verdict.js";

/** An explainer that is made for the samples at hand. */
export interface SuiteExplainer {
  readonly name: string;
  /** The explainer for these samples. With `shift`, for samples x + shift of a network that takes the shift off again: what it compares
   *  with has to be shifted too. */
  make(x: Tensor, shift?: Tensor): Explainer | Promise<Explainer>;
}

/** A network, the explainers to check, and what they are checked by. Checks without their `twin` or `shift` are left out. */
export interface SuiteOptions extends LongOptions<SuiteProgress> {
  /** (params, x) → logits: `model.apply`. */
  readonly network: (params: Tree, x: Tensor) => Tensor;
  /** Of the trained network. */
  readonly params: Tree;
  /** Parameters of the same structure, drawn anew. */
  readonly fresh: Tree;
  /** [n,...] */
  readonly x: Tensor;
  readonly explainers: readonly SuiteExplainer[];
  /** In which orders layers are lost, each once; maps for pictures are those of the first. */
  readonly orders: readonly RandomisationOrder[];
  /** Default those of `sanitySimilarities`; the verdicts need its first two. */
  readonly similarities?: readonly SanitySimilarity[];
  /** A network trained on permuted labels (`trainTwin`), for the check of labels. */
  readonly twin?: Twin;
  /** Added to every input for the check of input invariance: broadcasts to a sample. Without it that check is left out. */
  readonly shift?: Tensor;
  /** From which likeness on verdicts are passed; default `SANITY_THRESHOLDS`. */
  readonly thresholds?: SanityThresholds;
  /** Samples explained at once; default 50. */
  readonly chunk?: number;
  /** Maps of the first so many samples are kept for pictures; default 0. */
  readonly keep?: number;
  /** What reports call a layer, by the path of its parameters; default the path. */
  readonly title?: (path: string) => string;
}

const SUITE_OPTIONS: KindsOf<SuiteOptions> = {
  network: required(aFunction),
  params: required(aTree),
  fresh: required(aTree),
  x: required(aTensor),
  explainers: required(listOf(aSuiteExplainer, "suite explainers")),
  orders: required(aList),
  similarities: listOf(aSanitySimilarity, "sanity similarities"),
  twin: aTwin,
  shift: aTensor,
  thresholds: anyObject,
  chunk: aCount,
  keep: aNatural,
  title: aFunction,
  ...LONG_OPTIONS,
};

/** Told after each piece of work; shares are by the time that explainers took on two samples. */
export interface SuiteProgress {
  readonly explainer: string;
  readonly check: RandomisationOrder | "labels" | "invariance";
  /** Of all the work, in [0, 1]. */
  readonly share: number;
}

/** The report of a suite, and maps to draw. */
export interface SuiteResult {
  readonly report: Omit<SanityReport, "about">;
  /** By explainer: attributions of the samples kept, flattened, of the trained network and then of each of the first order's. */
  readonly maps: Readonly<Record<string, readonly Float32Array[]>>;
}

/** Randomisation of layers, permuted labels and input invariance, with a verdict on each. An explainer that cannot explain this network or
 *  these inputs (RefusalError) is found out on two samples before the work, and reported with its reason.
 *  @throws RangeError when no explainer is left, for no samples, or an order that is named twice; the reason of `signal`. */
export async function sanitySuite(options: SuiteOptions): Promise<SuiteResult> {
  checkedOptions("sanitySuite", options, SUITE_OPTIONS);
  const here = callerScope();
  const turns = new Turns<SuiteProgress>("sanitySuite", options);
  const { params, x, orders, twin, similarities = sanitySimilarities(x.shape.slice(1)) } = options;
  const { chunk = 50, thresholds = SANITY_THRESHOLDS, title = (path: string) => path } = options;
  if (new Set(orders).size !== orders.length)
    throw new RangeError(`sanitySuite: the orders are ${orders.join(", ")}; each is needed once`);
  if (x.rank === 0 || x.shape[0] === 0)
    throw new RangeError(`sanitySuite: x is ${describe(x)}; samples [n,...], one at least, are needed`);
  const refused: Record<string, string> = {};
  const work: { readonly of: SuiteExplainer; readonly weight: number }[] = [];
  for (const of of options.explainers) {
    try {
      work.push({ of, weight: await here.wait(tried(options, of)) });
    } catch (error) {
      if (!(error instanceof RefusalError)) throw error;
      refused[of.name] = error.message;
    }
  }
  if (work.length === 0)
    throw new RangeError(
      `sanitySuite: no explainer can be checked; ${Object.entries(refused)
        .map(([name, reason]) => `${name}: ${reason}`)
        .join("; ")}`,
    );

  const layers = layersWithParameters(params).map(title).toReversed();
  const cost: Readonly<Record<SuiteProgress["check"], number>> = {
    ...{ cascading: layers.length + 1, independent: layers.length + 1 },
    ...{ labels: 2, invariance: 2 },
  };
  const checks = [...orders, ...(twin ? ["labels" as const] : []), ...(options.shift ? ["invariance" as const] : [])];
  const perExplainer = checks.reduce((sum, check) => sum + cost[check], 0);
  const all = perExplainer * work.reduce((sum, { weight }) => sum + weight, 0);
  let before = 0;
  const reports: ExplainerReport[] = [];
  const maps: Record<string, readonly Float32Array[]> = {};
  for (const { of, weight } of work) {
    const tell = (check: SuiteProgress["check"], part: number): void =>
      turns.tell({ explainer: of.name, check, share: (before + part * cost[check] * weight) / all });
    const comparison = (check: SuiteProgress["check"]): ComparisonOptions => ({
      ...{ network: options.network, params, x, similarities, chunk, keep: options.keep },
      explainers: async (part) => ({ [of.name]: await of.make(part) }),
      signal: options.signal,
      onProgress: ({ done, total }) => tell(check, done / total),
    });
    const found: Found = { verdicts: {} };
    for (const check of checks) {
      if (check === "invariance") {
        const gaps = await here.wait(gapsOf(options, of, chunk, (part) => tell(check, part)));
        found.invariance = invarianceOf(gaps, thresholds);
        found.verdicts = { ...found.verdicts, invariance: invarianceVerdict(found.invariance) };
      } else if (check === "labels") {
        const stages = (await here.wait(compareNetworks(comparison(check), [{ layer: "twin", params: twin!.params }])))[
          of.name
        ];
        found.labels = stageSummaries(stages);
        found.verdicts = { ...found.verdicts, labels: labelsVerdict(found.labels, twin!.accuracy, thresholds) };
      } else {
        const result = await here.wait(randomisationTest({ ...comparison(check), fresh: options.fresh, order: check }));
        const stages = result.stages[of.name].map(({ layer, ...stage }) => ({
          ...stage,
          layer: layer === undefined ? undefined : title(layer),
        }));
        const judge = check === "cascading" ? cascadeVerdict : independentVerdict;
        found[check] = stageSummaries(stages);
        found.verdicts = { ...found.verdicts, [check]: judge(found[check], thresholds) };
        if (check === "cascading") found.entropyRise = risen(stages, entropyRise(result)[of.name]);
        if (check === orders[0]) maps[of.name] = stages.map(({ kept }) => kept);
      }
      before += cost[check] * weight;
    }
    reports.push({ ...NOTHING, ...found, name: of.name, verdicts: { ...NO_VERDICTS, ...found.verdicts } });
  }
  const report = {
    ...{ layers, similarities: similarities.map(({ name }) => name), samples: x.shape[0], thresholds, refused },
    twin: twin && { accuracy: twin.accuracy, epochs: twin.epochs, samples: twin.samples },
    explainers: reports,
  };
  return { report, maps };
}

type Found = { -readonly [K in Exclude<keyof ExplainerReport, "name" | "verdicts">]?: ExplainerReport[K] } & {
  verdicts: Partial<ExplainerReport["verdicts"]>;
};
const NO_VERDICTS = { cascading: undefined, independent: undefined, labels: undefined, invariance: undefined };
const NOTHING = { ...NO_VERDICTS, entropyRise: undefined };

/** Explains two samples; how long the second time took, in ms. */
async function tried(options: SuiteOptions, of: SuiteExplainer): Promise<number> {
  const here = callerScope();
  const { network, params, x } = options;
  let took = 0;
  for (let time = 0; time < 2; time++) {
    using _ = here.open("trial");
    const began = performance.now();
    const explainers = async (part: Tensor) => ({ [of.name]: await of.make(part) });
    const few = partOf(x, 0, Math.min(2, x.shape[0]));
    await here.wait(compareNetworks({ network, params, x: few, explainers, similarities: [] }, []));
    took = performance.now() - began;
  }
  return took;
}

function partOf(x: Tensor, from: number, count: number): Tensor {
  return slice(x, [from, ...x.shape.slice(1).map(() => 0)], [count, ...x.shape.slice(1)]);
}

/** The gap of every sample. */
async function gapsOf(
  { network, params, x, shift }: SuiteOptions,
  of: SuiteExplainer,
  chunk: number,
  tell: (part: number) => void,
): Promise<number[]> {
  const here = callerScope();
  const gaps: number[] = [];
  for (let from = 0; from < x.shape[0]; from += chunk) {
    using _ = here.open("invariance");
    const part = partOf(x, from, Math.min(chunk, x.shape[0] - from));
    const explainer = await here.wait(of.make(part));
    const shiftedExplainer = await here.wait(of.make(part, shift));
    const classifier = (z: Tensor): Tensor => network(params, z);
    const gap = inputInvarianceGap({ classifier, x: part, explainer, shiftedExplainer, shift: shift! });
    gaps.push(...(await here.wait(gap.read())));
    tell(gaps.length / x.shape[0]);
  }
  return gaps;
}

function risen(stages: readonly SanityStage[], share: number): ExplainerReport["entropyRise"] {
  const [first, last] = [stages[0].entropy, stages.at(-1)!.entropy];
  if (!Number.isFinite(share)) return undefined;
  return { nats: summaryOf(last.map((value, i) => value - first[i])), share };
}
