/** A network that tells rows of a table from the queries of explainers. */

import {
  callerScope,
  concat,
  cos,
  dispose,
  gather,
  greater,
  mapTree,
  mean,
  mul,
  random,
  reshape,
  scope,
  slice,
  sub,
  type Tensor,
  type Tree,
  tensor,
} from "../../../engine/index.js";
import {
  aCount,
  aFunction,
  aNatural,
  aNumber,
  aNumberOfAtLeast0,
  aTensor,
  listOf,
  required,
} from "../../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../../engine/options.js";
import {
  adam,
  type BatchLoss,
  crossEntropy,
  initialState,
  type Layer,
  mlp,
  residentData,
  train,
} from "../../../nn/index.js";
import { aStop } from "../../../nn/kinds.js";
import { aFloat32Array, anyNumbers, aScore } from "../../kinds.js";
import { wholeRows } from "../../lengths.js";
import type { Score } from "../../score.js";
import { aGrid } from "../kinds.js";

/** What a detector of queries learns from, and how it is trained (Adam, cross-entropy). */
export interface DetectorOptions {
  /** Rows and queries, m · d numbers each. */
  readonly rows: Float32Array;
  readonly queries: Float32Array;
  /** Numbers in a row. */
  readonly width: number;
  /** Columns whose values lie on a grid (`gridsOf`): the network is also shown how far off it they are. Default none. */
  readonly grids?: readonly Grid[];
  /** Units of the hidden layers. */
  readonly hidden: readonly number[];
  /** Passes over rows and queries. */
  readonly epochs: number;
  /** Samples in a step; at most all. */
  readonly batch: number;
  readonly learningRate: number;
  /** Of the first weights and of the order of samples. */
  readonly seed: number;
  readonly say?: (text: string) => void;
  readonly stop?: { readonly aborted: boolean };
}

const DETECTOR_OPTIONS: KindsOf<DetectorOptions> = {
  rows: required(aFloat32Array),
  queries: required(aFloat32Array),
  width: required(aCount),
  grids: listOf(aGrid, "grids"),
  hidden: required(anyNumbers),
  epochs: required(aCount),
  batch: required(aCount),
  learningRate: required(aNumberOfAtLeast0),
  seed: required(aNatural),
  say: aFunction,
  stop: aStop,
};

/** A network that tells rows from queries. */
export interface RowDetector {
  readonly model: Layer;
  /** Of the scope that was open. */
  readonly params: Tree;
  /** x [n,d] → log odds that it is a row of the data, [n]. */
  readonly score: Score;
}

/** Trains a network to tell real rows from the queries of an explainer. Rows are repeated until there are as many as queries, so that log
 *  odds of 0 are an even guess. Slack et al. 2020 take a random forest of 100 trees; this one is made of ops, so that what it is built
 *  into runs wherever a network does. */
export async function trainDetector(options: DetectorOptions): Promise<RowDetector> {
  checkedOptions("trainDetector", options, DETECTOR_OPTIONS);
  const here = callerScope();
  const { rows, queries, width: d, grids = [], hidden, epochs, batch, learningRate, seed, say, stop } = options;
  const model = mlp({ hidden, classes: 2 });
  const n = wholeRows("trainDetector", "queries", queries, d);
  wholeRows("trainDetector", "rows", rows, d);
  const samples = new Float32Array(2 * queries.length);
  for (let i = 0; i < queries.length; i++) samples[i] = rows[i % rows.length];
  samples.set(queries, queries.length);
  const labels = Int32Array.from({ length: 2 * n }, (_, i) => Number(i < n));
  const data = residentData({ shape: [d], samples, labels });
  const optimiser = adam({ lr: learningRate });
  const first = scope(() => model.init(random.key(seed), [d + grids.length]).params);
  const loss: BatchLoss = (network, params, x, y, context) => {
    const logits = network.apply(params, withGrids(x, grids), context);
    return [crossEntropy(logits, y), logits];
  };
  try {
    const batchSize = Math.min(batch, data.count);
    const state = await here.wait(
      train(model, initialState(first, optimiser), data, {
        ...{ optimiser, epochs, batchSize, seed, loss, stop },
        onProgress: ({ epoch, accuracy }) =>
          say?.(`detector of queries: pass ${epoch} of ${epochs}, accuracy ${accuracy.toFixed(3)}`),
      }),
    );
    const params = mapTree(state.params, (t) => mul(t, 1));
    dispose([state.params, state.optimiser]);
    return { model, params, score: logOdds(model, params, grids) };
  } finally {
    dispose([data.words, data.labels]);
  }
}

function logOdds(model: Layer, params: Tree, grids: readonly Grid[]): Score {
  return (x) => {
    const n = x.shape[0];
    const logits = model.apply(params, withGrids(x, grids));
    return reshape(sub(slice(logits, [0, 1], [n, 1]), slice(logits, [0, 0], [n, 1])), [n]);
  };
}

/** A column that holds `origin` and whole multiples of `gap` beyond it, as counts, years and flags do. */
export interface Grid {
  readonly at: number;
  readonly origin: number;
  readonly gap: number;
}

/** How far off its grid a value may be, in gaps: standardised values are rounded. */
const OFF_GRID = 0.02;

/** The columns of rows m · d whose values all lie on a grid, each value twice on average: what is left of whole numbers when a column is
 *  standardised. Perturbed copies rarely do, which is what gives them away. */
export function gridsOf(rows: Float32Array, d: number): Grid[] {
  requireArguments("gridsOf", { rows: [rows, aFloat32Array], d: [d, aCount] });
  const m = wholeRows("gridsOf", "rows", rows, d);
  const found: Grid[] = [];
  for (let at = 0; at < d; at++) {
    const values = [...new Set(Array.from({ length: m }, (_, r) => rows[r * d + at]))].sort((a, b) => a - b);
    const gap = Math.min(...values.slice(1).map((value, i) => value - values[i]));
    const onGrid = values.every((value) => {
      const steps = (value - values[0]) / gap;
      return Math.abs(steps - Math.round(steps)) <= OFF_GRID;
    });
    if (values.length > 1 && 2 * values.length <= m && onGrid) found.push({ at, origin: values[0], gap });
  }
  return found;
}

/** Rows with cos(2π (x − origin) / gap) of each grid beside them, which is 1 on it. [n,d] → [n, d + grids] */
function withGrids(x: Tensor, grids: readonly Grid[]): Tensor {
  if (grids.length === 0) return x;
  const of = (pick: (grid: Grid) => number): Tensor => tensor(Float32Array.from(grids, pick), [1, grids.length]);
  const values = gather(x, tensor(Int32Array.from(grids, ({ at }) => at)), 1);
  const turns = mul(
    sub(
      values,
      of(({ origin }) => origin),
    ),
    of(({ gap }) => (2 * Math.PI) / gap),
  );
  return concat([x, cos(turns)], 1);
}

/** How well a detector tells queries, which are what it is to find, from rows: shares of each that it takes for queries. */
export interface DetectorQuality {
  /** Share of right answers, both halves counting equally. */
  readonly accuracy: number;
  /** Harmonic mean of precision and recall of queries, in as many rows as queries. */
  readonly f1: number;
  /** Share of queries that it notices. */
  readonly recall: number;
}

/** rows and queries [m,d] and [k,d], not those it was trained on. */
export async function detectorQuality(
  score: Score,
  rows: Tensor,
  queries: Tensor,
  threshold = 0,
): Promise<DetectorQuality> {
  requireArguments("detectorQuality", {
    score: [score, aScore],
    rows: [rows, aTensor],
    queries: [queries, aTensor],
    threshold: [threshold, aNumber],
  });
  const here = callerScope();
  const shareReal = (x: Tensor): Promise<number> => scope(() => mean(greater(score(x), threshold))).item();
  const [kept, missed] = [await here.wait(shareReal(rows)), await here.wait(shareReal(queries))];
  const recall = 1 - missed;
  return { accuracy: (kept + recall) / 2, f1: (2 * recall) / (2 * recall + (1 - kept) + missed), recall };
}
