/** Layers that normalise. Parameters have PyTorch's names: weight, bias, running_mean, running_var. */
import {
  add,
  batchNorm as batchNormOp,
  batchStatistics,
  describe,
  layerNorm as layerNormOp,
  mul,
  ones,
  ShapeError,
  stopGradient,
  type Tensor,
  zeros,
} from "../engine/index.js";
import type { Layer, SampleShape, WeightAndBias } from "./layer.js";
import { layerKind, requireParams, withSettings } from "./layer-kind.js";
import { described, list, number, optional, setting } from "./schema.js";

const epsilon = setting(number({ min: 0 }), 1e-5, "added to the variance");

/** The kind of layer that `layerNorm` makes: its settings, checked, and how a stored network is built from them. */
export const layerNormKind = layerKind({
  kind: "layerNorm",
  about: "each sample to mean 0 and variance 1 over some of its sides, then scaled and shifted",
  options: {
    axes: optional(described(list(number({ whole: true })), "sides of a sample, -1 for the last; default all")),
    epsilon,
  },
  make: ({ axes, epsilon }) => ({
    init(_, shape) {
      const sides = sidesOf(axes, shape);
      // Sides that are not normalised over count 1, and leading ones are left out, as PyTorch has it.
      const kept = shape.map((side, i) => (sides.includes(i) ? side : 1)).slice(Math.min(...sides, shape.length));
      return { params: { weight: ones(kept), bias: zeros(kept) }, shape };
    },
    apply(params, x) {
      requireParams("layerNorm", params, ["weight", "bias"]);
      const sides = sidesOf(axes, x.shape.slice(1)).map((side) => side + 1);
      return layerNormOp(x, { scale: params.weight, shift: params.bias, axes: sides, epsilon });
    },
  }),
});

/** Options of `layerNorm`. */
export interface LayerNormOptions {
  /** Sides of a sample, without the batch side, negative ones from the end; default all. */
  readonly axes?: readonly number[];
  /** Added to the variance; default 1e-5. */
  readonly epsilon?: number;
}

/** Normalises each sample over all its sides or those chosen ([-1] for each token of [t,d]), then scales and shifts; a number is
 *  the epsilon. Parameters weight and bias have the sizes of the sides normalised over. Source: Ba, Kiros, Hinton 2016.
 *  @throws ShapeError from `init` for a side that samples lack. */
export function layerNorm(options: LayerNormOptions | number = {}): Layer<WeightAndBias> {
  return layerNormKind.layer(typeof options === "number" ? { epsilon: options } : withSettings("layerNorm", options));
}

/** Sides as indices of a sample's shape. */
function sidesOf(axes: readonly number[] | undefined, shape: SampleShape): number[] {
  const sides = axes?.map((axis) => (axis < 0 ? axis + shape.length : axis)) ?? shape.map((_, i) => i);
  if (sides.some((side) => side < 0 || side >= shape.length) || new Set(sides).size < sides.length)
    throw new ShapeError(
      `layerNorm: axes [${axes}] of samples ${describe({ shape, dtype: "f32" })}; each must be one of their ${shape.length} sides, once`,
    );
  return sides;
}

/** The kind of layer that `batchNorm` makes: its settings, checked, and how a stored network is built from them. */
export const batchNormKind = layerKind({
  kind: "batchNorm",
  about: "each channel to mean 0 and variance 1 over the batch, then scaled and shifted; at rest by running statistics",
  options: {
    epsilon,
    momentum: setting(number({ min: 0, max: 1 }), 0.1, "share of the new batch in the running statistics"),
  },
  make: ({ epsilon, momentum }) => ({
    init(_, shape) {
      if (shape.length === 0) throw new ShapeError("batchNorm: samples are single numbers; [c,...] is needed");
      const c = [shape[0]];
      return { params: { weight: ones(c), bias: zeros(c), running_mean: zeros(c), running_var: ones(c) }, shape };
    },
    apply(params, x, context = {}) {
      requireParams("batchNorm", params, ["weight", "bias", "running_mean", "running_var"]);
      const { weight: scale, bias: shift, running_mean, running_var } = params;
      if (!context.training) {
        const statistics = stopGradient(() => ({ mean: running_mean, variance: running_var }));
        return batchNormOp(x, statistics, { scale, shift, epsilon });
      }
      const statistics = batchStatistics(x);
      const count = x.size / x.shape[1];
      if (count < 2)
        throw new ShapeError(
          `batchNorm: ${describe(x)} has one value per channel, which has no variance; train on larger batches`,
        );
      const blend = (old: Tensor, now: Tensor): Tensor => add(mul(old, 1 - momentum), mul(now, momentum));
      const update = stopGradient(() => ({
        running_mean: blend(running_mean, statistics.mean),
        // The unbiased variance, as in PyTorch.
        running_var: blend(running_var, mul(statistics.variance, count / (count - 1))),
      }));
      context.onStatistics?.(context.path ?? "", update);
      return batchNormOp(x, statistics, { scale, shift, epsilon });
    },
  }),
});

/** Options of `batchNorm`; defaults 1e-5 and 0.1, PyTorch's. */
export interface BatchNormOptions {
  readonly epsilon?: number;
  /** Share of the new batch in the running statistics. */
  readonly momentum?: number;
}

/** Parameters of `batchNorm`, [c] each; the running ones have no gradient. */
export interface BatchNormParams extends WeightAndBias {
  readonly running_mean: Tensor;
  readonly running_var: Tensor;
}

/** Normalises each channel with the batch's statistics while training and with running ones otherwise. x [n,c,...];
 *  parameters weight, bias, running_mean, running_var, all [c]. Running statistics are parameters without a gradient;
 *  `context.onStatistics` gets their new values. Source: Ioffe, Szegedy 2015.
 *  @throws ShapeError in training with one value per channel. */
export function batchNorm(options: BatchNormOptions = {}): Layer<BatchNormParams> {
  return batchNormKind.layer(withSettings("batchNorm", options));
}
