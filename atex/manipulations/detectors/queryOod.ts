/** A test of whether a model answers an explainer's queries as it answers for the people they are like. */

import { callerScope, reshape, softmax, type Tensor, tensor } from "../../../engine/index.js";
import { aCount, aFlag, aNumber, required } from "../../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../../engine/options.js";
import { hostSamples } from "../../../nn/index.js";
import { wholeRows } from "../../lengths.js";
import { type Classifier, classScore } from "../../score.js";
import { aDetectorContext, anAnswered, aSide } from "../kinds.js";
import type { Side } from "../manipulation.js";
import { askedBy } from "../queries.js";
import type { DetectorContext, DetectorEntry } from "./detector.js";

/** Rows, m of d numbers each, with what a model answers, m of c numbers. */
export interface Answered {
  readonly rows: ArrayLike<number>;
  readonly answers: ArrayLike<number>;
}

const CONDITIONAL_ANOMALY_OPTIONS: KindsOf<{ readonly width: number; readonly k: number; readonly itself?: boolean }> =
  {
    width: required(aCount),
    k: required(aNumber),
    itself: aFlag,
  };

/** How unlike a model's answers are to those it gives for the nearest reference rows: half the absolute differences between a row's
 *  probabilities and the mean of its k nearest neighbours', 0 to 1, for each row. With `itself` the rows are the reference, and none is its own
 *  neighbour. Source: Carmichael, Scheirer 2023, sec. 3.2 (the conditional anomaly of an output given the input, by nearest neighbours).
 *  @throws RangeError for fewer than k neighbours, and where rows and answers are not as many. */
export function conditionalAnomaly(
  asked: Answered,
  reference: Answered,
  options: { readonly width: number; readonly k: number; readonly itself?: boolean },
): Float64Array {
  requireArguments("conditionalAnomaly", { asked: [asked, anAnswered], reference: [reference, anAnswered] });
  const { width, k, itself = false } = checkedOptions("conditionalAnomaly", options, CONDITIONAL_ANOMALY_OPTIONS);
  const who = "conditionalAnomaly";
  const m = wholeRows(who, "reference.rows", reference.rows, width);
  const n = wholeRows(who, "asked.rows", asked.rows, width);
  const classes = reference.answers.length / m;
  if (!Number.isInteger(classes) || asked.answers.length !== n * classes)
    throw new RangeError(
      `${who}: ${reference.answers.length} answers for ${m} reference rows and ${asked.answers.length} for ${n} rows asked; as many for each row are needed`,
    );
  const there = m - Number(itself);
  if (!Number.isInteger(k) || k < 1 || k > there)
    throw new RangeError(`query-ood: ${k} neighbours among ${there} reference rows; 1 to ${there} is needed`);
  return Float64Array.from({ length: n }, (_, i) => {
    const near = nearest(asked.rows, i, reference.rows, width, k, itself ? i : -1);
    let apart = 0;
    for (let c = 0; c < classes; c++) {
      const expected = near.reduce((sum, j) => sum + reference.answers[j * classes + c], 0) / k;
      apart += Math.abs(asked.answers[i * classes + c] - expected) / 2;
    }
    return apart;
  });
}

/** Places of the k rows nearest to row i of others, but for `left`; the first of equally near ones. */
function nearest(
  from: ArrayLike<number>,
  i: number,
  rows: ArrayLike<number>,
  width: number,
  k: number,
  left: number,
): number[] {
  const places: number[] = [];
  const distances: number[] = [];
  for (let j = 0; j < rows.length / width; j++) {
    if (j === left) continue;
    const farthest = places.length < k ? Number.POSITIVE_INFINITY : distances[k - 1];
    let distance = 0;
    for (let e = 0; e < width && distance < farthest; e++) distance += (from[i * width + e] - rows[j * width + e]) ** 2;
    if (!(distance < farthest)) continue;
    let at = places.length;
    while (at > 0 && distances[at - 1] > distance) at--;
    places.splice(at, 0, j);
    distances.splice(at, 0, distance);
    if (places.length > k) {
      places.pop();
      distances.pop();
    }
  }
  return places;
}

/** Training rows that answers are compared with, neighbours, and queries of each sample. */
const [REFERENCE, NEIGHBOURS, QUERIES] = [1000, 15, 20];

/** How unusual a model's answers are, 0 to 1 each: to what an explainer asks, and for real rows. */
export interface QueryAnomalies {
  /** Of the answers to an explainer's queries about each of n samples, copy after copy. [copies · n] */
  readonly asked: Float64Array;
  readonly copies: number;
  /** Of the answers for reference rows, each compared with the others. [m] */
  readonly usual: Float64Array;
  /** The reference rows, m of d numbers. */
  readonly rows: Float32Array;
  /** Neighbours that answers were compared with. */
  readonly k: number;
}

/** How many rows answers are compared with, and how many answers are looked at. */
export interface QueryAnomalyOptions {
  /** Training rows that answers are compared with, the first ones; default 1000. */
  readonly reference?: number;
  /** Nearest of these rows that each answer is compared with; default 15, at most all but one. */
  readonly neighbours?: number;
  /** Queries of each sample that are looked at: so many to twice as many, or all where there are fewer; default 20. */
  readonly queries?: number;
}

export const QUERY_ANOMALY_OPTIONS: KindsOf<QueryAnomalyOptions> = {
  reference: aCount,
  neighbours: aCount,
  queries: aCount,
};

/** How anomalous a model's answers to an explainer's queries about rows are, and how anomalous its answers for real rows are. */
export async function queryAnomalies(
  side: Side,
  context: Pick<DetectorContext, "explainer" | "classes"> & {
    readonly world: Pick<DetectorContext["world"], "train" | "explainer">;
  },
  options: QueryAnomalyOptions = {},
): Promise<QueryAnomalies> {
  requireArguments("queryAnomalies", { side: [side, aSide], context: [context, aDetectorContext] });
  const { classifier, x, explainer: own } = side;
  const { world, explainer, classes } = context;
  const {
    reference: most = REFERENCE,
    neighbours = NEIGHBOURS,
    queries: asking = QUERIES,
  } = checkedOptions("queryAnomalies", options, QUERY_ANOMALY_OPTIONS);
  const here = callerScope();
  const [n, width] = x.shape;
  const { train } = world;
  const rows = hostSamples(
    train,
    Int32Array.from({ length: Math.min(most, train.labels.length) }, (_, i) => i),
  );
  const reference = await here.wait(answered(classifier, tensor(rows, [rows.length / width, width])));
  const explain = await here.wait((own ?? world.explainer)(explainer, x));
  const asked = askedBy(explain, classScore(classifier, classes), x, asking);
  const copies = asked.shape[0];
  const queries = await here.wait(answered(classifier, reshape(asked, [copies * n, width])));
  const how = { width, k: Math.min(neighbours, rows.length / width - 1) };
  return {
    ...{ copies, rows, k: how.k },
    asked: conditionalAnomaly(queries, reference, how),
    usual: conditionalAnomaly(reference, reference, { ...how, itself: true }),
  };
}

async function suspicion(side: Side, context: DetectorContext): Promise<number[]> {
  const here = callerScope();
  const [n, width] = side.x.shape;
  const { asked, copies, usual, rows, k } = await here.wait(queryAnomalies(side, context));
  const own = await here.wait(side.x.read());
  return Array.from({ length: n }, (_, i) => {
    let mean = 0;
    for (let c = 0; c < copies; c++) mean += asked[c * n + i] / copies;
    const near = nearest(own, i, rows, width, k, -1);
    return mean - near.reduce((sum, j) => sum + usual[j], 0) / k;
  });
}

async function answered(classifier: Classifier, x: Tensor): Promise<Answered> {
  const answers = softmax(classifier(x));
  return { rows: await x.read(), answers: await answers.read() };
}

/** Suspicion of a sample: how much less the answers to the queries about it are like those for the nearest real rows than the answers for
 *  real rows like it are, −1 to 1. A model that jumps between rows, as one that judges by a flag does, is above 0 without any deceit: what tells is
 *  the comparison with a model of the same task. */
export const queryOodEntry: DetectorEntry = {
  name: "query-ood",
  title: "answers to an explainer's queries, beside those for real rows",
  help: "how unlike the answers to what LIME or SHAP asks are to those for the nearest training rows",
  source:
    "Carmichael, Scheirer 2023, Unfooling perturbation-based post hoc explainers (after its KNN-CAD and CAD-Detect)",
  takes: "tables",
  explainers: ["lime", "kernel-shap", "exact-shapley"],
  suspicion,
};
