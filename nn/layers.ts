/** Layers with weights, pooling and reshaping; the others are in norms.ts, attention.ts, containers.ts and activations.ts. Parameters
 *  have PyTorch's names and layout, so that files can be exchanged: dense weight [out, in], conv2d weight [k, c/groups, r, s]. */
import {
  add,
  avgPool2d,
  type ConvOptions,
  conv2d as conv2dOp,
  describe,
  matmul,
  maxPool2d,
  mean,
  multiplyNoNan,
  random,
  reshape as reshapeOp,
  ShapeError,
  shapeOf,
  type Tensor,
  zeros,
} from "../engine/index.js";
import type { Initialiser } from "./init.js";
import { type Layer, requireRank, type SampleShape, type WeightAndBias } from "./layer.js";
import { initialWeights, layerKind, requireParams, withSettings } from "./layer-kind.js";
import { count, described, flag, list, number, optional, type Schema, setting } from "./schema.js";
import { padding, pair } from "./window-schema.js";

const bias = setting(flag, true, "whether there is a bias");

/** The kind of layer that `dense` makes: its settings, checked, and how a stored network is built from them. */
export const denseKind = layerKind({
  kind: "dense",
  about: "every output a weighted sum of all inputs",
  options: {
    units: described(count, "outputs"),
    bias,
    init: initialWeights,
    tokens: setting(flag, false, "samples are [t,in], and each token goes through by itself"),
  },
  make: ({ units, bias, init, tokens }) => ({
    init(key, shape) {
      requireRank("dense", shape, tokens ? 2 : 1, tokens ? "[t,in]" : "[in]");
      const inside = shape[shape.length - 1];
      const weight = init(key, [units, inside], { fanIn: inside, fanOut: units });
      return { params: bias ? { weight, bias: zeros([units]) } : { weight }, shape: [...shape.slice(0, -1), units] };
    },
    apply(params, x) {
      requireParams("dense", params, bias ? ["weight", "bias"] : ["weight"]);
      const y = matmul(x, params.weight, { transposeB: true });
      return bias ? add(y, params.bias) : y;
    },
  }),
});

/** Options of `dense`; with a bias by default. */
export interface DenseOptions {
  readonly bias?: boolean;
  /** Initialiser of the weight; default U(±1/√fan_in), PyTorch's. Biases start at 0. */
  readonly init?: Initialiser;
  /** Samples are tokens [t,in], each of which goes through by itself; default false. */
  readonly tokens?: boolean;
}

/** y = x wᵀ + b. x [n, in] → [n, units], of tokens [n,t,in] → [n,t,units]; parameters weight [units, in], bias [units]. */
export function dense<const O extends DenseOptions = object>(
  units: number,
  options: O = {} as O,
): Layer<WeightAndBias<O>> {
  return denseKind.layer(withSettings("dense", options, { units }));
}

/** The kind of layer that `conv2d` makes: its settings, checked, and how a stored network is built from them. */
export const conv2dKind = layerKind({
  kind: "conv2d",
  about: "the same small windows slid over an image; groups of as many as there are channels make it depthwise",
  options: {
    filters: described(count, "channels of the output"),
    size: described(pair(1), "side of the window, or [height, width]"),
    stride: setting(pair(1), 1, "how far the window moves, or [vertical, horizontal]"),
    padding: setting(
      padding,
      0,
      "zeros around the image: same, valid, a number, [v, h] or [[top, bottom], [left, right]]",
    ),
    dilation: setting(pair(1), 1, "how far apart the window's elements are, or [vertical, horizontal]"),
    groups: setting(count, 1, "channels fall into this many groups that do not mix"),
    bias,
    init: initialWeights,
  },
  make({ filters, size, bias, init, ...conv }) {
    const [r, s] = typeof size === "number" ? [size, size] : size;
    const { groups } = conv;
    return {
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
      apply(params, x) {
        requireParams("conv2d", params, bias ? ["weight", "bias"] : ["weight"]);
        const y = conv2dOp(x, params.weight, conv);
        return bias ? add(y, reshapeOp(params.bias, [filters, 1, 1])) : y;
      },
    };
  },
});

/** Options of `conv2d`: those of the op; with a bias by default, and PyTorch's U(±1/√fan_in) for `init`. */
export interface Conv2dOptions extends ConvOptions {
  readonly bias?: boolean;
  readonly init?: Initialiser;
}

/** Cross-correlation with `filters` windows of `size`×`size` (or [r, s]). x [n,c,h,w] → [n,filters,oh,ow]; parameters weight
 *  [filters, c/groups, r, s], bias [filters]. */
export function conv2d<const O extends Conv2dOptions = object>(
  filters: number,
  size: number | readonly [number, number],
  options: O = {} as O,
): Layer<WeightAndBias<O>> {
  return conv2dKind.layer(withSettings("conv2d", options, { filters, size }));
}

const poolOptions = {
  size: described(count, "side of the window"),
  stride: optional(described(count, "how far the window moves; default its size")),
};

/** The kind of layer that `avgPool` makes: its settings, checked, and how a stored network is built from them. */
export const avgPoolKind = layerKind({
  kind: "avgPool",
  about: "mean over windows",
  options: poolOptions,
  make: ({ size, stride = size }) => pool("avgPool", (x) => avgPool2d(x, { size, stride })),
});

/** The kind of layer that `maxPool` makes: its settings, checked, and how a stored network is built from them. */
export const maxPoolKind = layerKind({
  kind: "maxPool",
  about: "maximum over windows",
  options: poolOptions,
  make: ({ size, stride = size }) => pool("maxPool", (x) => maxPool2d(x, { size, stride })),
});

/** The kind of layer that `globalAvgPool` makes: its settings, checked, and how a stored network is built from them. */
export const globalAvgPoolKind = layerKind({
  kind: "globalAvgPool",
  about: "mean of each channel over all positions of an image",
  options: {},
  make: () => pool("globalAvgPool", (x) => mean(x, [2, 3])),
});

/** Mean over windows. [n,c,h,w] → [n,c,⌊(h−size)/stride⌋+1, …]; stride defaults to the size. */
export function avgPool(size: number, stride = size): Layer<null> {
  return avgPoolKind.layer({ size, stride });
}

/** Maximum over windows; the first of equal maxima gets the gradient. */
export function maxPool(size: number, stride = size): Layer<null> {
  return maxPoolKind.layer({ size, stride });
}

/** Mean over all positions. [n,c,h,w] → [n,c]. */
export const globalAvgPool: Layer<null> = globalAvgPoolKind.layer({});

function pool(kind: string, f: (x: Tensor) => Tensor): Pick<Layer, "init" | "apply"> {
  return {
    init(_, shape) {
      requireRank(kind, shape, 3, "[c,h,w]");
      return { params: null, shape: outputShape(f, shape) };
    },
    apply: (_, x) => f(x),
  };
}

const productOf = (shape: SampleShape): number => shape.reduce((a, b) => a * b, 1);

/** The kind of layer that `flatten` makes: its settings, checked, and how a stored network is built from them. */
export const flattenKind = layerKind({
  kind: "flatten",
  about: "the elements of a sample in one row",
  options: {},
  make: () => ({
    init: (_, shape) => ({ params: null, shape: [productOf(shape)] }),
    apply: (_, x) => reshapeOp(x, [x.shape[0], productOf(x.shape.slice(1))]),
  }),
});

/** [n, ...] → [n, product of the rest]. */
export const flatten: Layer<null> = flattenKind.layer({});

/** The kind of layer that `reshape` makes: its settings, checked, and how a stored network is built from them. */
export const reshapeKind = layerKind({
  kind: "reshape",
  about: "the elements of a sample in another shape",
  options: { shape: described(list(count) as Schema<SampleShape>, "the new shape, without the batch side") },
  make: ({ shape }) => ({
    init(_, from) {
      if (productOf(from) !== productOf(shape))
        throw new ShapeError(
          `reshape: samples are ${describe({ shape: from, dtype: "f32" })} with ${productOf(from)} elements, which do not ` +
            `fill [${shape.join(",")}]`,
        );
      return { params: null, shape };
    },
    apply: (_, x) => reshapeOp(x, [x.shape[0], ...shape]),
  }),
});

/** [n, ...] → [n, ...shape], row by row. @throws ShapeError from `init` unless a sample has as many elements. */
export function reshape(shape: SampleShape): Layer<null> {
  return reshapeKind.layer({ shape });
}

/** The kind of layer that `dropout` makes: its settings, checked, and how a stored network is built from them. */
export const dropoutKind = layerKind({
  kind: "dropout",
  about: "zeroes random elements while training",
  options: { rate: described(number(), "share of elements, from 0 to below 1") },
  make({ rate }) {
    if (!(rate >= 0 && rate < 1)) throw new RangeError(`dropout: rate ${rate} given; 0 <= rate < 1 is needed`);
    return {
      init: (_, shape) => ({ params: null, shape }),
      apply(_, x, context = {}) {
        if (!context.training || rate === 0) return x;
        if (!context.key) throw new TypeError("dropout: training needs a random key; pass { training: true, key }");
        return multiplyNoNan(x, random.dropoutMask(context.key, x.shape, rate));
      },
    };
  },
});

/** Zeroes each element with probability `rate` while training and scales the rest by 1/(1−rate). Source: Srivastava et al.
 *  2014, the inverted form. @throws TypeError in training without a key. */
export function dropout(rate: number): Layer<null> {
  return dropoutKind.layer({ rate });
}

/** The sample shape that a layer's function gives. */
function outputShape(f: (x: Tensor) => Tensor, shape: SampleShape): SampleShape {
  return shapeOf(() => f(zeros([1, ...shape]))).shape.slice(1);
}
