/** What an attribution says of random changes of the input, and what then happens to the score. Each sample has draws of its own: one that
 *  happens to please a map does not look like the evidence of a whole batch. */

import {
  add,
  arange,
  concat,
  describe,
  div,
  equal,
  floor,
  greaterEqual,
  less,
  mul,
  random,
  reshape,
  ShapeError,
  scope,
  slice,
  square,
  stack,
  sub,
  sum,
  type Tensor,
  tensor,
  transpose,
  where,
} from "../../engine/index.js";
import {
  aCount,
  aFunction,
  aNatural,
  aNumberOfAtLeast0,
  aTensor,
  aTensorOrNumber,
  maybe,
  required,
} from "../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../engine/options.js";
import { drawFrom } from "../../nn/data/integer-random.js";
import type { Feature, FeatureRange } from "../../nn/index.js";
import { aRange } from "../../nn/kinds.js";
import { asOneBatch, type Chunk, chunksOf, copiesOf } from "../copies.js";
import { aScore, someFeatures } from "../kinds.js";
import type { Score } from "../score.js";
import { groupsOf } from "./groups.js";
import { atMostOne, requireAttributionOf, seventh } from "./metric.js";
import { widthOf } from "./replacement.js";
import { pearson } from "./similarities.js";

/** k changes of each of n samples. */
export interface Drawn {
  /** The changed samples, [k, n, ...]. */
  readonly changed: Tensor;
  /** By how much the attribution [n, ...] says that the score falls, up to a factor, [k, n]. */
  said(attribution: Tensor): Tensor;
}

/** (draws, x [n,...]) → as many changes of each sample. */
export type Change = (draws: Draws, x: Tensor) => Drawn;

/** Which changes: the `start`-th under a seed, and those after it. Each is the same however they are cut into pieces. */
export interface Draws extends Chunk {
  readonly seed: number;
}

/** One after another, each with its key: [k, ...]. */
function each({ seed, start, count }: Draws, draw: (key: Tensor) => Tensor): Tensor {
  const key = random.key(seed);
  return stack(Array.from({ length: count }, (_, i) => draw(random.fold(key, start + i))));
}

/** ⟨I, φ⟩ for what is taken away, I [k, n, ...]. */
const alongChange = (taken: Tensor, x: Tensor): Drawn => ({
  changed: sub(x, taken),
  said: (attribution) => total(mul(taken, attribution)),
});

/** [k, n, ...] → [k, n] */
function total(v: Tensor): Tensor {
  const [k, n] = v.shape;
  return sum(reshape(v, [k, n, v.size / (k * n)]), 2);
}

/** Normal noise in every element, of deviation `sigma` in units of the range. Source: Yeh et al. 2019 ("noisy baseline"). */
export function noiseChange(sigma: number, range: FeatureRange): Change {
  requireArguments("noiseChange", { sigma: [sigma, aNumberOfAtLeast0], range: [range, aRange] });
  return (draws, x) => {
    const noise = each(draws, (key) => random.normal(key, x.shape, { deviation: sigma }));
    return alongChange(mul(noise, widthOf(range, x)), x);
  };
}

/** A square of an image set to zero, at a random place; default side: two sevenths of the shorter side. Source: Yeh et al. 2019 ("square
 *  removal"). @throws ShapeError for inputs that are no images, or smaller than the square. */
export function squareChange(side?: number): Change {
  requireArguments("squareChange", { side: [side, maybe(aCount)] });
  return (draws, x) => {
    if (x.rank !== 4) throw new ShapeError(`squareChange: inputs are ${describe(x)}; images [n,c,h,w] are needed`);
    const [n, , h, w] = x.shape;
    const taken = side ?? Math.min(2 * seventh(h, w), h, w);
    if (taken > Math.min(h, w))
      throw new ShapeError(`squareChange: side ${taken} in images of ${h}×${w}; 1 to ${Math.min(h, w)} is needed`);
    const places = each(draws, (key) => random.uniform(key, [n, 2, 1, 1]));
    const inside = (axis: 0 | 1, length: number, shape: number[]): Tensor => {
      const place = slice(places, [0, 0, axis, 0, 0], [draws.count, n, 1, 1, 1]);
      const first = floor(mul(place, length - taken + 1));
      const at = reshape(arange(0, length), shape);
      return mul(greaterEqual(at, first), less(at, add(first, taken)));
    };
    return alongChange(mul(x, mul(inside(0, h, [h, 1]), inside(1, w, [w]))), x);
  };
}

/** A random subset of `size` pixels, or features, set to a baseline that broadcasts to the inputs; what is said is the sum of their
 *  attributions. Source: Ancona, Ceolini, Öztireli, Gross 2018, sec. 3. @throws RangeError unless a part is left. */
export function subsetChange(size: number, baseline: Tensor | number, features?: readonly Feature[]): Change {
  requireArguments("subsetChange", {
    size: [size, aCount],
    baseline: [baseline, aTensorOrNumber],
    features: [features, maybe(someFeatures)],
  });
  return (draws, x) => {
    const [n, k] = [x.shape[0], draws.count];
    const groupsFor = (of: Tensor) => groupsOf("subsetChange", x, x.rank === 4 ? sum(of, 1) : of, features);
    const { count, spread } = groupsFor(x);
    if (size >= count)
      throw new RangeError(`subsetChange: ${size} of ${count} parts came; 1 to ${count - 1} are needed`);
    const chosen = tensor(subsets(draws, n, count, size), [k * n, count]);
    const mask = spread(chosen);
    return {
      changed: where(reshape(mask, [k, n, ...mask.shape.slice(1)]), baseline, copiesOf(x, k)),
      said: (attribution) => sum(mul(reshape(chosen, [k, n, count]), groupsFor(attribution).values), 2),
    };
  };
}

/** Rows of zeros with `size` ones each, every subset with equal probability, draw by draw and sample by sample. Drawn on the host: to sort on
 *  the device takes longer. */
function subsets({ seed, start, count: k }: Draws, n: number, count: number, size: number): Float32Array {
  const chosen = new Float32Array(k * n * count);
  for (let row = 0; row < k * n; row++) {
    const draw = drawFrom(seed, start + Math.floor(row / n), row % n);
    const places = Int32Array.from({ length: count }, (_, i) => i);
    for (let i = 0; i < size; i++) {
      // Fisher and Yates: the first places of a shuffle that is not finished.
      const j = i + draw.below(count - i);
      [places[i], places[j]] = [places[j], places[i]];
      chosen[row * count + places[i]] = 1;
    }
  }
  return chosen;
}

/** Which changes an attribution is asked about, and how many. Each sample has draws of its own. */
export interface ChangeOptions {
  /** `noiseChange`, `squareChange` or `subsetChange`. */
  readonly change: Change;
  /** Changes of each sample, at least 1. */
  readonly samples: number;
  /** Of the draws. */
  readonly seed: number;
  /** Input elements evaluated at once; see `chunksOf`. */
  readonly budget?: number;
}

const CHANGE_OPTIONS: KindsOf<ChangeOptions> = {
  change: required(aFunction),
  samples: required(aCount),
  seed: required(aNatural),
  budget: aCount,
};

/** What an attribution says of each change and what happens: two of [n, samples]. @throws ShapeError unless the attribution has the
 *  shape of the inputs. */
export function saidAndHappened(
  score: Score,
  x: Tensor,
  attribution: Tensor,
  options: ChangeOptions,
): readonly [said: Tensor, happened: Tensor] {
  requireArguments("saidAndHappened", { score: [score, aScore], x: [x, aTensor], attribution: [attribution, aTensor] });
  const { change, samples, seed, budget } = checkedOptions("saidAndHappened", options, CHANGE_OPTIONS);
  requireAttributionOf("saidAndHappened", x, attribution);
  const here = score(x);
  const phi = reshape(atMostOne(reshape(attribution, [x.shape[0], x.size / x.shape[0]])), x.shape);
  const parts = chunksOf(samples, x.size, budget).map((chunk) =>
    scope(() => {
      const drawn = change({ seed, ...chunk }, x);
      const there = reshape(score(asOneBatch(drawn.changed)), [chunk.count, x.shape[0]]);
      return [drawn.said(phi), sub(here, there)] as const;
    }, "changes"),
  );
  return [transpose(concat(parts.map(([said]) => said))), transpose(concat(parts.map(([, happened]) => happened)))];
}

/** The share of what happens that the best multiple of what was said leaves unexplained, min_β Σ (β said − happened)² / Σ happened²: infidelity
 *  with optimal scale over that of a map of zeros. 0 is perfect, 1 explains nothing; NaN where nothing ever happens. [n,k] twice → [n].
 *  Source: Yeh et al. 2019, def. 2.1 and sec. 2.4. */
export function unexplainedShare(said: Tensor, happened: Tensor): Tensor {
  requireArguments("unexplainedShare", { said: [said, aTensor], happened: [happened, aTensor] });
  const [s, h] = [atMostOne(said), atMostOne(happened)];
  const power = mul(sum(square(s), 1), sum(square(h), 1));
  const explained = div(square(sum(mul(s, h), 1)), where(equal(power, 0), 1, power));
  const nothing = equal(sum(square(h), 1), 0);
  return where(nothing, Number.NaN, sub(1, explained));
}

/** Pearson's correlation of what was said and what happens: with `subsetChange`, sensitivity-n, 1 for a linear score and its exact
 *  attributions; NaN where one of them never changes. [n,k] twice → [n]. Source: Ancona et al. 2018, sec. 3. */
export function changeCorrelation(said: Tensor, happened: Tensor): Tensor {
  requireArguments("changeCorrelation", { said: [said, aTensor], happened: [happened, aTensor] });
  return pearson(said, happened);
}
