/** Signs that a network, or what explainers compare with, was made to deceive. */

import {
  abs,
  add,
  argmax,
  callerScope,
  div,
  gather,
  mul,
  openScope,
  scope,
  slice,
  softmax,
  sub,
  sum,
  type Tensor,
  tensor,
} from "../../engine/index.js";
import { aCount, anObject, aTensor, aText } from "../../engine/kinds.js";
import { checkedOptions, requireArguments } from "../../engine/options.js";
import { partOf, sampleSize, sampleTensor } from "../../nn/index.js";
import { aSplit } from "../../nn/kinds.js";
import { samplesAtOnce } from "../copies.js";
import { importanceMap } from "../judge.js";
import { aClassifier, aMaker, someMaps } from "../kinds.js";
import { auroc } from "../manipulations/detection.js";
import {
  QUERY_ANOMALY_OPTIONS,
  type QueryAnomalyOptions,
  queryAnomalies,
} from "../manipulations/detectors/queryOod.js";
import { type BasisAt, randomBasis, tangentAttributions, tangentBasis } from "../manipulations/detectors/tangent.js";
import { attributionsOf } from "../manipulations/explaining.js";
import { kolmogorovSmirnov } from "../manipulations/twoSamples.js";
import { spearman } from "../metrics/similarities.js";
import type { AuditWorld } from "./audit.js";
import { anAuditWorld } from "./kinds.js";

/** Maps of the gradient as they are, projected on the tangent space of the data, and on as many random directions. Source: Anders et al. 2020,
 *  sec. 3. */
export interface AlongData {
  /** Rank correlations of the plain map with the projected ones, sample by sample. */
  readonly tangent: readonly number[];
  readonly random: readonly number[];
  /** Importance of pixels or columns, plain and along the data, map by map. */
  readonly maps: {
    readonly plain: readonly ArrayLike<number>[];
    readonly along: readonly ArrayLike<number>[];
  };
}

/** `references` training samples span the tangent spaces. */
export async function alongData(world: AuditWorld, x: Tensor, references: number): Promise<AlongData> {
  requireArguments("alongData", { world: [world, anAuditWorld], x: [x, aTensor], references: [references, aCount] });
  const here = callerScope();
  const { classifier, train, explainer, domain, seed } = world;
  const near = partOf(train, 0, Math.min(references, train.labels.length));
  const classes = scope(() => argmax(classifier(x), 1));
  const plain = await here.wait(attributionsOf(explainer, "gradient", { classifier, x }, classes));
  const context = { world: { train: near, explainer }, explainer: "gradient", classes };
  const projected = (basis: BasisAt): Promise<Tensor> => tangentAttributions({ classifier, x }, context, basis);
  const along = await here.wait(projected((at, of) => tangentBasis(at, of, near)));
  const byChance = await here.wait(projected(randomBasis(sampleSize(domain.shape), seed)));
  const similarity = async (other: Tensor): Promise<number[]> =>
    Array.from(await scope(() => spearman(importanceMap(plain), importanceMap(other))).read());
  return {
    tangent: await here.wait(similarity(along)),
    random: await here.wait(similarity(byChance)),
    maps: { plain: await here.wait(mapByMap(plain)), along: await here.wait(mapByMap(along)) },
  };
}

async function mapByMap(attribution: Tensor): Promise<ArrayLike<number>[]> {
  const here = callerScope();
  const all = await here.wait(scope(() => importanceMap(attribution)).read());
  const n = attribution.shape[0];
  const d = all.length / n;
  return Array.from({ length: n }, (_, i) => all.slice(i * d, (i + 1) * d));
}

/** Mean Pearson correlation of each map with those of the other samples: 1 where all show the same picture. NaN for a single map; those
 *  without a correlation are left out. */
export function likenessAmong(maps: readonly ArrayLike<number>[]): number[] {
  requireArguments("likenessAmong", { maps: [maps, someMaps] });
  const standard = maps.map((map) => {
    const values = Float64Array.from(map);
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const centred = values.map((v) => v - mean);
    const length = Math.sqrt(centred.reduce((sum, v) => sum + v * v, 0));
    return centred.map((v) => v / length);
  });
  return standard.map((own, i) => {
    const found = standard
      .filter((_, j) => j !== i)
      .map((other) => own.reduce((sum, v, e) => sum + v * other[e], 0))
      .filter(Number.isFinite);
    return found.reduce((a, b) => a + b, 0) / found.length;
  });
}

/** How far a network's logits halfway between two samples are from the mean of those at both, as a share of how far these are apart; over
 *  neighbours in x [n, ...]. 0 of a linear network, whose maps are one picture by rights. */
export async function bendBetween(classifier: AuditWorld["classifier"], x: Tensor): Promise<number[]> {
  requireArguments("bendBetween", { classifier: [classifier, aClassifier], x: [x, aTensor] });
  const n = x.shape[0];
  const others = Int32Array.from({ length: n }, (_, i) => (i + 1) % n);
  const found = scope(() => {
    const y = gather(x, tensor(others, [n]));
    const [a, b, between] = [classifier(x), classifier(y), classifier(mul(add(x, y), 0.5))];
    const off = sum(abs(sub(between, mul(add(a, b), 0.5))), 1);
    return div(off, sum(abs(sub(a, b)), 1));
  });
  return Array.from(await found.read());
}

/** How well the answers to an explainer's queries about each sample are told from those for real rows by how unlike their neighbours' they are:
 *  areas under the ROC curve, one half where they are alike. Source: Carmichael, Scheirer 2023, sec. 3.2. */
export async function oddAnswers(
  auditWorld: Pick<AuditWorld, "classifier" | "train" | "explainer">,
  x: Tensor,
  explainer: string,
  options: QueryAnomalyOptions,
): Promise<number[]> {
  requireArguments("oddAnswers", {
    auditWorld: [auditWorld, anObject("an object", { explainer: aMaker, train: aSplit, classifier: aClassifier })],
    x: [x, aTensor],
    explainer: [explainer, aText],
  });
  const { classifier, train, explainer: make } = auditWorld;
  checkedOptions("oddAnswers", options, QUERY_ANOMALY_OPTIONS);
  const here = callerScope();
  const n = x.shape[0];
  const classes = scope(() => argmax(classifier(x), 1));
  const context = { world: { train, explainer: make }, explainer, classes };
  const { asked, copies, usual } = await here.wait(queryAnomalies({ classifier, x }, context, options));
  const real = Array.from(usual);
  return Array.from({ length: n }, (_, i) =>
    auroc(
      real,
      Array.from({ length: copies }, (_, c) => asked[c * n + i]),
    ),
  );
}

/** Smallest p-value, over the classes, that the network answers the explainers' background as it answers for the training samples: two-sample
 *  Kolmogorov-Smirnov tests, times the number of classes (Bonferroni). Source: Laberge et al. 2023, sec. 3.2. */
export async function backgroundTest(
  world: AuditWorld,
  most: number,
): Promise<{ readonly p: number; readonly rows: number }> {
  requireArguments("backgroundTest", { world: [world, anAuditWorld], most: [most, aCount] });
  const here = callerScope();
  const { classifier, explaining, train, classes } = world;
  const { background } = explaining;
  const count = Math.min(most, train.labels.length);
  const [rows, ...shape] = background.shape;
  const own = await here.wait(
    inPieces(rows, (from, n) => {
      const zeros = shape.map(() => 0);
      return probabilities(classifier, slice(background, [from, ...zeros], [n, ...shape]));
    }),
  );
  const others = await here.wait(
    inPieces(count, (from, n) => {
      const indices = Array.from({ length: n }, (_, i) => from + i);
      return probabilities(classifier, sampleTensor(train, indices));
    }),
  );
  const c = classes.length;
  const of = (all: readonly number[], k: number): number[] => all.filter((_, i) => i % c === k);
  const values = classes.map((_, k) => kolmogorovSmirnov(of(own, k), of(others, k)));
  // The probabilities of two classes mirror each other.
  const tests = c === 2 ? 1 : c;
  return { p: Math.min(1, tests * Math.min(...values)), rows };

  async function inPieces(all: number, of: (from: number, n: number) => Promise<number[]>): Promise<number[]> {
    const chunk = samplesAtOnce(shape, CHUNK);
    const found: number[] = [];
    for (let from = 0; from < all; from += chunk) {
      using here = openScope("probabilities");
      found.push(...(await here.wait(of(from, Math.min(chunk, all - from)))));
    }
    return found;
  }
}

/** Samples at once, at most. */
const CHUNK = 250;

async function probabilities(classifier: AuditWorld["classifier"], x: Tensor): Promise<number[]> {
  return Array.from(await scope(() => softmax(classifier(x))).read());
}
