/** Normalisation, composed of means and products: any order of derivative, and captured steps fuse it. */

import { describe, ShapeError } from "../errors.js";
import { aNumberOfAtLeast0, anInteger, anObject, aTensor, either, listOf, requireTensor } from "../kinds.js";
import { checkedOptions, requireArguments, shown } from "../options.js";
import type { Tensor } from "../tensor.js";
import { add, mul, neg, sub } from "./arithmetic.js";
import { reshape } from "./movement.js";
import { mean } from "./reduce.js";
import { rsqrt, square } from "./unary.js";

/** What all normalisations take. */
export interface NormOptions {
  /** Multiplied and added after normalising. */
  readonly scale?: Tensor;
  readonly shift?: Tensor;
  /** Added to the variance; default 1e-5. */
  readonly epsilon?: number;
}

const NORM_OPTIONS = { scale: aTensor, shift: aTensor, epsilon: aNumberOfAtLeast0 };

/** Options of `layerNorm`. */
export interface LayerNormOptions extends NormOptions {
  /** Axes normalised over; default the last. */
  readonly axes?: number | readonly number[];
}

/** Mean 0 and variance 1 (divided by n) over `axes` of each example; `scale` and `shift` broadcast to x.
 *  Source: Ba et al., "Layer normalization", 2016. */
export function layerNorm(x: Tensor, given: LayerNormOptions = {}): Tensor {
  const { axes = -1, ...options } = checkedOptions("layerNorm", given, {
    axes: either(anInteger, listOf(anInteger, "axes")),
    ...NORM_OPTIONS,
  });
  requireTensor("layerNorm", x);
  return affine(normalise(x, axes, options.epsilon), options);
}

/** Mean 0 and variance 1 (divided by n) over each of `groups` groups of channels of each example; x [n,c,...], `scale` and
 *  `shift` [c]. Source: Wu and He, "Group normalization", 2018. @throws ShapeError unless `groups` divides c. */
export function groupNorm(x: Tensor, groups: number, options: NormOptions = {}): Tensor {
  checkedOptions("groupNorm", options, NORM_OPTIONS);
  const [n, c] = channels("groupNorm", x);
  if (!Number.isInteger(groups) || groups < 1 || c % groups !== 0)
    throw new ShapeError(`groupNorm: ${describe(x)} has ${c} channels, which do not fall into ${shown(groups)} groups`);
  const grouped = reshape(x, [n, groups, n * groups === 0 ? 0 : x.size / (n * groups)]);
  return affine(reshape(normalise(grouped, 2, options.epsilon), x.shape), perChannel("groupNorm", x, options));
}

/** Mean and variance of each channel, as `batchStatistics` measures them. */
export interface Statistics {
  /** [c] */
  readonly mean: Tensor;
  /** [c]; divided by n, also for running statistics made of it. */
  readonly variance: Tensor;
}

/** Mean and variance of each channel over the batch and all positions: x [n,c,...]. */
export function batchStatistics(x: Tensor): Statistics {
  channels("batchStatistics", x);
  const axes = x.shape.flatMap((_, i) => (i === 1 ? [] : [i]));
  const average = mean(x, axes, { keepDims: true });
  return { mean: reshape(average, [x.shape[1]]), variance: mean(square(sub(x, average)), axes) };
}

const STATISTICS = anObject("what batchStatistics gives", { mean: aTensor, variance: aTensor });

/** Each channel of x [n,c,...] shifted and scaled by `statistics` to mean 0 and variance 1; `scale` and `shift` [c]. In
 *  training the statistics are `batchStatistics(x)`, through which gradients flow. Source: Ioffe and Szegedy, "Batch
 *  normalization", 2015. */
export function batchNorm(x: Tensor, statistics: Statistics, options: NormOptions = {}): Tensor {
  checkedOptions("batchNorm", options, NORM_OPTIONS);
  channels("batchNorm", x);
  requireArguments("batchNorm", { statistics: [statistics, STATISTICS] });
  const { mean, variance } = statistics;
  const { scale, shift, epsilon = 1e-5 } = options;
  for (const given of [mean, variance, scale, shift]) if (given) requireChannels("batchNorm", x, given);
  // One product and one sum for each element: what there is to work out for a channel, captured steps do once.
  const factor = rsqrt(add(variance, epsilon));
  const slope = scale ? mul(scale, factor) : factor;
  const offset = mul(mean, slope);
  return affine(x, perChannel("batchNorm", x, { scale: slope, shift: shift ? sub(shift, offset) : neg(offset) }));
}

function normalise(x: Tensor, axes: number | readonly number[], epsilon = 1e-5): Tensor {
  const centred = sub(x, mean(x, axes, { keepDims: true }));
  return mul(centred, rsqrt(add(mean(square(centred), axes, { keepDims: true }), epsilon)));
}

function affine(x: Tensor, { scale, shift }: NormOptions): Tensor {
  const scaled = scale ? mul(x, scale) : x;
  return shift ? add(scaled, shift) : scaled;
}

function channels(op: string, x: Tensor): [number, number] {
  requireTensor(op, x);
  if (x.rank < 2) throw new ShapeError(`${op}: ${describe(x)} given; [n,c,...] is needed`);
  return [x.shape[0], x.shape[1]];
}

/** `scale` and `shift` [c] as [c,1,...], to go with x [n,c,...]. */
function perChannel(op: string, x: Tensor, { scale, shift }: NormOptions): NormOptions {
  const widen = (t: Tensor): Tensor => {
    requireChannels(op, x, t);
    return reshape(t, [t.size, ...x.shape.slice(2).map(() => 1)]);
  };
  return { scale: scale && widen(scale), shift: shift && widen(shift) };
}

function requireChannels(op: string, x: Tensor, t: Tensor): void {
  const [, c] = channels(op, x);
  if (t.rank !== 1 || t.size !== c)
    throw new ShapeError(`${op}: ${describe(t)} given for the ${c} channels of ${describe(x)}; [${c}] is needed`);
}
