/** Layers for samples that are lists of tokens, [t,d], and those that make and end them. */
import {
  add,
  describe,
  label,
  matmul,
  mean,
  mul,
  random,
  reshape,
  ShapeError,
  scope,
  slice,
  softmax,
  type Tensor,
  transpose,
  zeros,
} from "../engine/index.js";
import type { Initialiser } from "./init.js";
import { type Layer, requireRank, type WeightAndBias } from "./layer.js";
import { initialWeights, layerKind, requireParams, withSettings } from "./layer-kind.js";
import { count, described, flag, setting } from "./schema.js";

/** The kind of layer that `attention` makes: its settings, checked, and how a stored network is built from them. */
export const attentionKind = layerKind({
  kind: "attention",
  about: "every token a weighted mean of all tokens, weighted by how alike they are, in several heads",
  options: {
    heads: described(count, "heads, which must divide the features of a token"),
    bias: setting(flag, true, "whether the projections have biases"),
    init: initialWeights,
  },
  make: ({ heads, bias, init }) => ({
    init: (key, shape) =>
      scope(() => {
        requireRank("attention", shape, 2, "[t,d]");
        const d = shape[1];
        if (d % heads !== 0)
          throw new ShapeError(
            `attention: tokens of ${d} features do not fall into ${heads} heads; heads must divide them`,
          );
        const [inward, outward] = random.split(key, 2);
        const weight = init(outward, [d, d], { fanIn: d, fanOut: d });
        // Three maps of d to d in one: each has its own fan.
        const in_proj_weight = init(inward, [3 * d, d], { fanIn: d, fanOut: d });
        const params = bias
          ? { in_proj_weight, in_proj_bias: zeros([3 * d]), out_proj: { weight, bias: zeros([d]) } }
          : { in_proj_weight, out_proj: { weight } };
        return { params, shape };
      }, "init"),
    apply(params, x) {
      requireParams("attention", params, bias ? ["in_proj_weight", "in_proj_bias"] : ["in_proj_weight"]);
      requireParams("attention", params.out_proj, bias ? ["weight", "bias"] : ["weight"]);
      const { in_proj_weight, in_proj_bias, out_proj } = params;
      const [n, t, d] = x.shape;
      const project = (h: Tensor, w: Tensor, b: Tensor): Tensor => {
        const y = matmul(h, w, { transposeB: true });
        return bias ? add(y, b) : y;
      };
      const all = reshape(project(x, in_proj_weight, in_proj_bias), [n, t, 3, heads, d / heads]);
      const part = (i: number): Tensor =>
        transpose(
          reshape(slice(all, [0, 0, i, 0, 0], [n, t, 1, heads, d / heads]), [n, t, heads, d / heads]),
          [0, 2, 1, 3],
        );
      const [query, keys, values] = [part(0), part(1), part(2)];
      const alike = mul(matmul(query, keys, { transposeB: true }), 1 / Math.sqrt(d / heads));
      const weights = label("weights", () => softmax(alike));
      const mixed = reshape(transpose(matmul(weights, values), [0, 2, 1, 3]), [n, t, d]);
      return project(mixed, out_proj.weight, out_proj.bias);
    },
  }),
});

/** Options of `attention`; with biases by default. */
export interface AttentionOptions {
  readonly bias?: boolean;
  /** Initialiser of the weights; default U(±1/√d). Biases start at 0. */
  readonly init?: Initialiser;
}

/** `in_proj_bias` only where there are biases. */
export interface AttentionParams<O = object> {
  readonly in_proj_weight: Tensor;
  readonly in_proj_bias: O extends { readonly bias: false } ? undefined : Tensor;
  readonly out_proj: WeightAndBias<O>;
}

/** Multi-head self-attention: softmax(q kᵀ / √(d/heads)) v for each head, heads side by side, projected. x [n,t,d] → [n,t,d].
 *  Parameters as in PyTorch's MultiheadAttention: in_proj_weight [3d,d] (queries, keys, values), in_proj_bias [3d], out_proj.weight
 *  [d,d], out_proj.bias [d]. The weights [n,heads,t,t] carry the label "weights". Source: Vaswani et al. 2017, sec. 3.2.
 *  @throws ShapeError from `init` unless heads divides d. */
export function attention<const O extends AttentionOptions = object>(
  heads: number,
  options: O = {} as O,
): Layer<AttentionParams<O>> {
  return attentionKind.layer(withSettings("attention", options, { heads }));
}

/** The kind of layer that `patches` makes: its settings, checked, and how a stored network is built from them. */
export const patchesKind = layerKind({
  kind: "patches",
  about: "an image cut into squares, each a token",
  options: { size: described(count, "side of a square, which must divide the image's sides") },
  make: ({ size }) => ({
    init(_, shape) {
      requireRank("patches", shape, 3, "[c,h,w]");
      const [c, h, w] = shape;
      if (h % size !== 0 || w % size !== 0)
        throw new ShapeError(
          `patches: samples ${describe({ shape, dtype: "f32" })} do not fall into squares of ${size}; it must divide both sides`,
        );
      return { params: null, shape: [(h / size) * (w / size), c * size * size] };
    },
    apply(_, x) {
      const [n, c, h, w] = x.shape;
      const cut = reshape(x, [n, c, h / size, size, w / size, size]);
      return reshape(transpose(cut, [0, 2, 4, 1, 3, 5]), [n, (h / size) * (w / size), c * size * size]);
    },
  }),
});

/** Squares of an image as tokens, row by row; a token has its square channel by channel. [n,c,h,w] → [n,(h/size)·(w/size),c·size²].
 *  Source: Dosovitskiy et al. 2021, sec. 3.1. @throws ShapeError from `init` unless the size divides both sides. */
export function patches(size: number): Layer<null> {
  return patchesKind.layer({ size });
}

/** The kind of layer that `positions` makes: its settings, checked, and how a stored network is built from them. */
export const positionsKind = layerKind({
  kind: "positions",
  about: "adds a learned vector to each token, by which its place can be told",
  options: {},
  make: () => ({
    init(key, shape) {
      requireRank("positions", shape, 2, "[t,d]");
      return { params: scope(() => ({ weight: mul(random.normal(key, shape), 0.02) })), shape };
    },
    apply(params, x) {
      requireParams("positions", params, ["weight"]);
      return add(x, params.weight);
    },
  }),
});

/** x + weight, a parameter [t,d] that starts as N(0, 0.02²): attention alone cannot tell where a token stands. [n,t,d] → [n,t,d].
 *  Source: Dosovitskiy et al. 2021, eq. 1. */
export const positions: Layer<{ readonly weight: Tensor }> = positionsKind.layer({});

/** The kind of layer that `averageTokens` makes: its settings, checked, and how a stored network is built from them. */
export const averageTokensKind = layerKind({
  kind: "averageTokens",
  about: "the mean of all tokens",
  options: {},
  make: () => ({
    init(_, shape) {
      requireRank("averageTokens", shape, 2, "[t,d]");
      return { params: null, shape: [shape[1]] };
    },
    apply: (_, x) => mean(x, 1),
  }),
});

/** Mean over the tokens. [n,t,d] → [n,d]. */
export const averageTokens: Layer<null> = averageTokensKind.layer({});
