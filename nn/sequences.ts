/** Layers for sequences: words as vectors, windows along one direction. */
import {
  add,
  type Conv1dOptions as ConvOptions,
  cast,
  conv1d as conv1dOp,
  gather,
  random,
  reshape,
  ShapeError,
  shapeOf,
  zeros,
} from "../engine/index.js";
import type { Initialiser } from "./init.js";
import { type Layer, requireRank, type WeightAndBias } from "./layer.js";
import { initialWeights, layerKind, withSettings } from "./layer-kind.js";
import { count, described, flag, setting } from "./schema.js";
import { padding1d } from "./window-schema.js";

/** The kind of layer that `embedding` makes: its settings, checked, and how a stored network is built from them. */
export const embeddingKind = layerKind({
  kind: "embedding",
  about: "each number of a sample as a learned vector, looked up in a table",
  options: {
    entries: described(count, "rows of the table: numbers are 0 to this, without it"),
    size: described(count, "features of a vector"),
  },
  make: ({ entries, size }) => ({
    init: (key, shape) => ({ params: { weight: random.normal(key, [entries, size]) }, shape: [...shape, size] }),
    apply: (params, x) => gather(params.weight, x.dtype === "i32" ? x : cast(x, "i32")),
  }),
});

/** Vectors from a table by number: x [n,...], whole numbers from 0 to entries − 1, i32 or f32 (as data sets hold them) →
 *  [n,...,size]. Parameter weight [entries, size], N(0, 1) at first, as PyTorch's Embedding. A number outside the table gives zeros;
 *  no gradient flows to x. */
export function embedding(entries: number, size: number): Layer<WeightAndBias<{ bias: false }>> {
  return embeddingKind.layer({ entries, size });
}

/** The kind of layer that `conv1d` makes: its settings, checked, and how a stored network is built from them. */
export const conv1dKind = layerKind({
  kind: "conv1d",
  about: "the same short windows slid along a sequence",
  options: {
    filters: described(count, "channels of the output"),
    size: described(count, "length of the window"),
    stride: setting(count, 1, "how far the window moves"),
    padding: setting(padding1d, 0, "zeros at the ends: same, valid, a number or [left, right]"),
    dilation: setting(count, 1, "how far apart the window's elements are"),
    groups: setting(count, 1, "channels fall into this many groups that do not mix"),
    bias: setting(flag, true, "whether there is a bias"),
    init: initialWeights,
  },
  make({ filters, size, bias, init, ...conv }) {
    const { groups } = conv;
    return {
      init(key, shape) {
        requireRank("conv1d", shape, 2, "[c,l]");
        const inside = shape[0] / groups;
        if (!Number.isInteger(inside) || !Number.isInteger(filters / groups))
          throw new ShapeError(
            `conv1d: ${shape[0]} channels and ${filters} filters in ${groups} groups; groups must divide both`,
          );
        const fan = { fanIn: inside * size, fanOut: (filters / groups) * size };
        const weight = init(key, [filters, inside, size], fan);
        const { shape: out } = shapeOf(() => conv1dOp(zeros([1, ...shape]), zeros(weight.shape), conv));
        return { params: bias ? { weight, bias: zeros([filters]) } : { weight }, shape: out.slice(1) };
      },
      apply(params, x) {
        const y = conv1dOp(x, params.weight, conv);
        return bias ? add(y, reshape(params.bias, [filters, 1])) : y;
      },
    };
  },
});

/** Options of `conv1d`: those of the op; with a bias by default. */
export interface Conv1dOptions extends ConvOptions {
  readonly bias?: boolean;
  /** Initialiser of the weight; default U(±1/√fan_in), PyTorch's. Biases start at 0. */
  readonly init?: Initialiser;
}

/** Cross-correlation with `filters` windows of `size` along a sequence. x [n,c,l] → [n,filters,o]; parameters weight
 *  [filters, c/groups, size], bias [filters], as PyTorch's Conv1d. @throws ShapeError from `init` when the input does not fit. */
export function conv1d<const O extends Conv1dOptions = object>(
  filters: number,
  size: number,
  options: O = {} as O,
): Layer<WeightAndBias<O>> {
  return conv1dKind.layer(withSettings("conv1d", options, { filters, size }));
}
