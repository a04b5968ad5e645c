import {
  abs,
  add,
  clamp,
  describe,
  div,
  equal,
  finiteMask,
  max,
  min,
  mul,
  norm,
  reshape,
  ShapeError,
  sameShape,
  stopGradient,
  sub,
  type Tensor,
  where,
} from "../../engine/index.js";
import { aTensor, requireTensor } from "../../engine/kinds.js";
import { requireArguments } from "../../engine/options.js";
import type { Domain } from "../../nn/index.js";
import type { Fields, Read } from "../../nn/schema.js";
import type { Explainer } from "../explainers/explainer.js";
import { anEntry, aScore, someSamples } from "../kinds.js";
import { checkedScore, type Score } from "../score.js";

/** What a reader has to know of a metric's values. */
export interface MetricInfo {
  readonly name: string;
  /** Lowest and highest value (of areas under scores: where these are probabilities); ±∞ where there is no bound. */
  readonly range: readonly [number, number];
  /** What a larger value means. */
  readonly larger:
    | "more alike"
    | "less alike"
    | "less stable"
    | "more faithful"
    | "less faithful"
    | "better placed"
    | "worse placed";
  /** Its value for equal maps, or for a perfect explanation. */
  readonly perfect: number | string;
  /** Its expected value for unrelated random maps, or for a random explanation. */
  readonly random: number | string;
  /** Whether it has a useful gradient with respect to the maps (or the input). */
  readonly differentiable: boolean;
  readonly source: string;
}

/** How alike two maps are, per sample: a the one of reference, b the one compared with it, both [n, ...] → [n]. NaN for a map
 *  that holds NaN or an infinity. */
export interface Similarity {
  (a: Tensor, b: Tensor): Tensor;
  readonly info: MetricInfo;
}

/** How an explanation changes with the input, per sample: the explained score and inputs [n,...] → [n]. */
export interface Stability {
  (score: Score, x: Tensor): Tensor;
  readonly info: MetricInfo;
}

/** How well a map says what the score depends on, per sample: the explained score, inputs and their maps → [n]. */
export interface Faithfulness {
  (score: Score, x: Tensor, map: Tensor): Tensor;
  readonly info: MetricInfo;
}

/** Whether a map lies where it should, per sample: maps [n, ...] → [n]. */
export interface Placement {
  (map: Tensor): Tensor;
  readonly info: MetricInfo;
}

/** What a metric of each kind is called with. */
export interface MetricKinds {
  readonly similarity: Similarity;
  readonly stability: Stability;
  readonly faithfulness: Faithfulness;
  readonly placement: Placement;
}
/** How a metric is called: "similarity" with two maps, "stability" with score and inputs, "faithfulness" with score, inputs and
 *  map, "placement" with a map. */
export type MetricKind = keyof MetricKinds;

/** What a metric may need to know beyond what it is called with; each entry says which of it. */
export interface MetricContext {
  /** Shape, range and features of the inputs. */
  readonly domain?: Domain;
  /** Key of everything random in it. */
  readonly key?: Tensor;
  /** The explainer whose stability is measured. */
  readonly explainer?: Explainer;
  /** Where relevance belongs: zeros and ones of the maps' shape, or [1, ...] for all samples. */
  readonly mask?: Tensor;
  /** Samples of the data, [m, ...]. */
  readonly background?: Tensor;
}

/** What a metric asks of maps and context; what is missing here, it does without. */
export interface MetricNeeds {
  /** Maps of images [n,h,w]: it asks where in the image a value lies. Others take maps of any shape, [n, ...]. */
  readonly grid?: boolean;
  /** What the context has to hold. */
  readonly key?: boolean;
  readonly explainer?: boolean;
  readonly mask?: boolean;
  /** The signed attribution in the shape of the input, not the map made of it. */
  readonly attribution?: boolean;
}

/** What holds for a metric and is tested for every entry of the table; beside it, `info.perfect` and `info.range`. */
export interface MetricLaws {
  /** A similarity: both maps may change places. */
  readonly symmetric?: boolean;
  /** A positive factor on the maps, another for each, changes nothing. */
  readonly scaling?: boolean;
  /** Signs of the maps' values do not count. */
  readonly signs?: boolean;
}

/** A row of the table of metrics: all that judges, reports, documentation and generated tests need. */
export interface MetricEntry<N extends string = string, K extends MetricKind = MetricKind, F extends Fields = Fields> {
  /** What commands, files and reports call it: "mass-centre-shift". */
  readonly name: N;
  readonly kind: K;
  readonly info: MetricInfo;
  readonly needs: MetricNeeds;
  readonly options: F;
  readonly laws: MetricLaws;
  /** The context holds what `needs` names. */
  make(settings: Read<F>, context: MetricContext): MetricKinds[K];
}

/** An entry with its name, its kind and the types of its settings inferred; the table needs the first two. */
export function metricEntry<const N extends string, const K extends MetricKind, const F extends Fields>(
  entry: MetricEntry<N, K, F>,
): MetricEntry<N, K> {
  requireArguments("metricEntry", { entry: [entry, anEntry] });
  return entry as unknown as MetricEntry<N, K>;
}

/** A similarity of maps that are first flattened to rows [n, d]. @throws ShapeError when the maps differ in shape. */
export function similarity(info: MetricInfo, compare: (a: Tensor, b: Tensor) => Tensor): Similarity {
  return similarityOfMaps(info, (a, b) => compare(rows(a), rows(b)));
}

/** A measure of faithfulness, which looks at what it is given. */
export function faithful<M extends (score: Score, x: Tensor, map: Tensor) => Tensor>(
  name: string,
  info: MetricInfo,
  measure: M,
): Faithfulness {
  const checked = (score: Score, x: Tensor, map: Tensor): Tensor => {
    requireArguments(name, { score: [score, aScore], x: [x, someSamples], map: [map, aTensor] });
    return measure(checkedScore(name, score), x, map);
  };
  return Object.assign(checked, { info });
}

/** The same of maps as they are. */
export function similarityOfMaps(info: MetricInfo, compare: (a: Tensor, b: Tensor) => Tensor): Similarity {
  return Object.assign(
    (a: Tensor, b: Tensor) => {
      requireAlike(info.name, a, b);
      return ofFinite(compare(a, b), a, b);
    },
    { info },
  );
}

export function requireAlike(name: string, a: Tensor, b: Tensor): void {
  requireTensor(name, a);
  requireTensor(name, b);
  if (!sameShape(a.shape, b.shape) || a.rank < 2)
    throw new ShapeError(`${name}: maps ${describe(a)} and ${describe(b)}; two of one shape [n, ...] are needed`);
}

/** @throws ShapeError unless the maps are those of images, [n,h,w]. */
export function requireGrid(name: string, map: Tensor): void {
  requireTensor(name, map);
  if (map.rank !== 3)
    throw new ShapeError(
      `${name}: maps are ${describe(map)}; maps of images [n,h,w] are needed, for it asks where a value lies (saliencyMap makes one of [n,c,h,w])`,
    );
}

/** @throws ShapeError unless the attribution has the shape of the inputs. */
export function requireAttributionOf(name: string, x: Tensor, attribution: Tensor): void {
  requireTensor(name, x);
  requireTensor(name, attribution);
  if (!sameShape(x.shape, attribution.shape) || x.rank < 2)
    throw new ShapeError(
      `${name}: inputs ${describe(x)} with attributions ${describe(attribution)}; one shape [n, ...] is needed`,
    );
}

/** [n, ...] → [n, d] */
export function rows(map: Tensor): Tensor {
  return map.rank === 2 ? map : reshape(map, [map.shape[0], map.shape.slice(1).reduce((x, y) => x * y, 1)]);
}

/** A seventh of an image's shorter side in whole pixels, at least 1: 4 of 28, 32 of 224. */
export function seventh(h: number, w: number): number {
  return Math.max(1, Math.floor(Math.min(h, w) / 7));
}

/** `value` [n], NaN for each sample of which a map holds NaN or an infinity: what is computed from those can look sound. */
export function ofFinite(value: Tensor, ...maps: readonly Tensor[]): Tensor {
  const sound = maps.map((map) => min(finiteMask(rows(map)), 1)).reduce((a, b) => mul(a, b));
  return where(sound, value, Number.NaN);
}

/** Rows [..., d] divided by their largest absolute value, so that sums and squares neither leave the range of f32 nor vanish in it;
 *  rows of zeros stay. Only for what does not change with the size of the rows: the divisor counts as a constant. */
export function atMostOne(map: Tensor): Tensor {
  return div(map, largestOf(map));
}

/** √Σ v² of rows [..., d] → [...], for rows as small or large as f32 holds. The gradient is 0 where the length is. */
export function lengthOf(v: Tensor): Tensor {
  const largest = largestOf(v);
  return mul(norm(div(v, largest), -1), reshape(largest, v.shape.slice(0, -1)));
}

/** Largest absolute value of each row [..., d] → [..., 1], 1 for a row of zeros; a constant to derivatives. */
function largestOf(v: Tensor): Tensor {
  return stopGradient(() => {
    const largest = max(abs(v), -1, { keepDims: true });
    return where(equal(largest, 0), 1, largest);
  });
}

/** A value that rounding may have carried beyond its range, put back; the gradient passes as if nothing had happened. */
export function within([low, high]: readonly [number, number], value: Tensor): Tensor {
  return add(
    value,
    stopGradient(() => sub(clamp(value, low, high), value)),
  );
}
