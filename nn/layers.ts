/** Layers with parameters, pooling and the rest; activations are in activations.ts. Parameters have PyTorch's names and layout,
 *  so that files can be exchanged: dense weight [out, in], conv2d weight [k, c/groups, r, s], batchNorm running_mean [c]. */
import {
  add,
  avgPool2d,
  batchNorm as batchNormOp,
  batchStatistics,
  type ConvOptions,
  conv2d as conv2dOp,
  describe,
  layerNorm as layerNormOp,
  matmul,
  maxPool2d,
  mean,
  mul,
  ones,
  random,
  reshape,
  ShapeError,
  shapeOf,
  stopGradient,
  type Tensor,
  type Tree,
  zeros,
} from "../engine/index.js";
import { fanInUniform, type Initialiser } from "./init.js";
import { type Layer, requireRank, type SampleShape } from "./layer.js";

export interface DenseOptions {
  readonly bias?: boolean;
  /** Initialiser of the weight; default U(±1/√fan_in), PyTorch's. Biases start at 0. */
  readonly init?: Initialiser;
}

/** y = x wᵀ + b. x [n, in] → [n, units]; parameters weight [units, in], bias [units]. */
export function dense(units: number, { bias = true, init = fanInUniform }: DenseOptions = {}): Layer {
  return {
    kind: "dense",
    init(key, shape) {
      requireRank("dense", shape, 1, "[in]");
      const weight = init(key, [units, shape[0]], { fanIn: shape[0], fanOut: units });
      return { params: bias ? { weight, bias: zeros([units]) } : { weight }, shape: [units] };
    },
    apply(params, x) {
      const y = matmul(x, params.weight, { transposeB: true });
      return bias ? add(y, params.bias) : y;
    },
  };
}

export interface Conv2dOptions extends ConvOptions {
  readonly bias?: boolean;
  readonly init?: Initialiser;
}

/** Cross-correlation with `filters` windows of `size`×`size` (or [r, s]). x [n,c,h,w] → [n,filters,oh,ow]; parameters weight
 *  [filters, c/groups, r, s], bias [filters]. */
export function conv2d(filters: number, size: number | readonly [number, number], options: Conv2dOptions = {}): Layer {
  const { bias = true, init = fanInUniform, ...conv } = options;
  const [r, s] = typeof size === "number" ? [size, size] : size;
  const groups = conv.groups ?? 1;
  const apply = (params: Tree, x: Tensor): Tensor => {
    const y = conv2dOp(x, params.weight, conv);
    return bias ? add(y, reshape(params.bias, [filters, 1, 1])) : y;
  };
  return {
    kind: "conv2d",
    init(key, shape) {
      requireRank("conv2d", shape, 3, "[c,h,w]");
      const inside = shape[0] / groups;
      if (!Number.isInteger(inside) || !Number.isInteger(filters / groups))
        throw new ShapeError(
          `conv2d: ${shape[0]} channels and ${filters} filters in ${groups} groups; groups must divide both`,
        );
      const fan = { fanIn: inside * r * s, fanOut: (filters / groups) * r * s };
      const weight = init(key, [filters, inside, r, s], fan);
      const params = bias ? { weight, bias: zeros([filters]) } : { weight };
      return { params, shape: outputShape((x) => conv2dOp(x, zeros(weight.shape), conv), shape) };
    },
    apply,
  };
}

/** Mean over windows. [n,c,h,w] → [n,c,⌊(h−size)/stride⌋+1, …]; stride defaults to the size. */
export function avgPool(size: number, stride = size): Layer {
  return pool("avgPool", (x) => avgPool2d(x, { size, stride }));
}

/** Maximum over windows; the first of equal maxima gets the gradient. */
export function maxPool(size: number, stride = size): Layer {
  return pool("maxPool", (x) => maxPool2d(x, { size, stride }));
}

/** Mean over all positions. [n,c,h,w] → [n,c]. */
export const globalAvgPool: Layer = pool("globalAvgPool", (x) => mean(x, [2, 3]));

function pool(kind: string, f: (x: Tensor) => Tensor): Layer {
  return {
    kind,
    init(_, shape) {
      requireRank(kind, shape, 3, "[c,h,w]");
      return { params: null, shape: outputShape(f, shape) };
    },
    apply: (_, x) => f(x),
  };
}

/** [n, ...] → [n, product of the rest]. */
export const flatten: Layer = {
  kind: "flatten",
  init: (_, shape) => ({ params: null, shape: [shape.reduce((a, b) => a * b, 1)] }),
  apply: (_, x) => reshape(x, [x.shape[0], x.shape.slice(1).reduce((a, b) => a * b, 1)]),
};

/** Zeroes each element with probability `rate` while training and scales the rest by 1/(1−rate). Source: Srivastava et al.
 *  2014, the inverted form. @throws TypeError in training without a key. */
export function dropout(rate: number): Layer {
  if (!(rate >= 0 && rate < 1)) throw new RangeError(`dropout: rate ${rate} given; 0 <= rate < 1 is needed`);
  return {
    kind: "dropout",
    init: (_, shape) => ({ params: null, shape }),
    apply(_, x, context = {}) {
      if (!context.training || rate === 0) return x;
      if (!context.key) throw new TypeError("dropout: training needs a random key; pass { training: true, key }");
      return mul(x, random.dropoutMask(context.key, x.shape, rate));
    },
  };
}

/** Normalises each sample over all its sides, then scales and shifts per element; parameters weight and bias, of a sample's
 *  shape. Source: Ba, Kiros, Hinton 2016. */
export function layerNorm(epsilon = 1e-5): Layer {
  return {
    kind: "layerNorm",
    init: (_, shape) => ({ params: { weight: ones(shape), bias: zeros(shape) }, shape }),
    apply(params, x) {
      const axes = x.shape.slice(1).map((_, i) => i + 1);
      return layerNormOp(x, { scale: params.weight, shift: params.bias, axes, epsilon });
    },
  };
}

export interface BatchNormOptions {
  readonly epsilon?: number;
  /** Share of the new batch in the running statistics. */
  readonly momentum?: number;
}

/** Normalises each channel with the batch's statistics while training and with running ones otherwise. x [n,c,...];
 *  parameters weight, bias, running_mean, running_var, all [c]. Running statistics are parameters without a gradient;
 *  `context.onStatistics` gets their new values. Source: Ioffe, Szegedy 2015.
 *  @throws ShapeError in training with one value per channel. */
export function batchNorm({ epsilon = 1e-5, momentum = 0.1 }: BatchNormOptions = {}): Layer {
  return {
    kind: "batchNorm",
    init(_, shape) {
      if (shape.length === 0) throw new ShapeError("batchNorm: samples are single numbers; [c,...] is needed");
      const c = [shape[0]];
      return { params: { weight: ones(c), bias: zeros(c), running_mean: zeros(c), running_var: ones(c) }, shape };
    },
    apply(params, x, context = {}) {
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
  };
}

/** The sample shape that a layer's function gives. */
function outputShape(f: (x: Tensor) => Tensor, shape: SampleShape): SampleShape {
  return shapeOf(() => f(zeros([1, ...shape]))).shape.slice(1);
}
