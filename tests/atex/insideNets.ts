/** Networks with one of everything, as plain functions of ops: what explainers that look inside must follow. */
import {
  abs,
  add,
  avgPool2d,
  batchNorm,
  clamp,
  concat,
  conv2d,
  cumsum,
  div,
  elu,
  erf,
  exp,
  gather,
  gelu,
  globalAvgPool2d,
  greater,
  groupNorm,
  label,
  layerNorm,
  leakyRelu,
  log,
  matmul,
  max,
  maximum,
  maxPool2d,
  mean,
  min,
  minimum,
  mul,
  norm,
  pow,
  reciprocal,
  relu,
  reshape,
  rsqrt,
  sigmoid,
  silu,
  sin,
  slice,
  softmax,
  softplus,
  sqrt,
  square,
  step,
  sub,
  sum,
  type Tensor,
  tanh,
  tensor,
  transpose,
  where,
} from "../../engine/index.js";
import { generator } from "../values.js";

/** Side and channels of the images. */
export const SIDE = 6;
export const CHANNELS = 2;
export const CLASSES = 3;

export function uniform(seed: number, shape: readonly number[], scale = 1): Tensor {
  const next = generator(seed);
  const size = shape.reduce((a, b) => a * b, 1);
  return tensor(
    Float64Array.from({ length: size }, () => Math.fround((2 * next() - 1) * scale)),
    shape,
  );
}
export const images = (seed: number, n: number): Tensor => uniform(seed, [n, CHANNELS, SIDE, SIDE], 1.2);

type Network = (x: Tensor) => Tensor;

const flat = (x: Tensor): Tensor => reshape(x, [x.shape[0], x.size / x.shape[0]]);
const dense = (seed: number, x: Tensor, units: number): Tensor =>
  add(
    matmul(x, uniform(seed, [x.shape[1], units], 1.5 / Math.sqrt(x.shape[1]) + 0.2)),
    uniform(seed + 1, [units], 0.3),
  );
const conv = (seed: number, x: Tensor, k: number): Tensor =>
  add(
    conv2d(x, uniform(seed, [k, x.shape[1], 3, 3], 0.6), { padding: "same" }),
    reshape(uniform(seed + 1, [k], 0.3), [k, 1, 1]),
  );
const head = (x: Tensor): Tensor => dense(90, flat(x), CLASSES);

/** A convolution, an activation, a dense layer. */
const around =
  (activation: Network): Network =>
  (x) =>
    head(activation(conv(1, x, 4)));

function attention(x: Tensor): Tensor {
  const tokens = transpose(reshape(x, [x.shape[0], CHANNELS * 2, (SIDE * SIDE) / 2]), [0, 2, 1]);
  const [n, t, d] = tokens.shape;
  const heads = (seed: number): Tensor =>
    transpose(reshape(matmul(tokens, uniform(seed, [d, 4], 0.7)), [n, t, 2, 2]), [0, 2, 1, 3]);
  const weights = softmax(mul(matmul(heads(1), heads(2), { transposeB: true }), Math.SQRT1_2));
  const mixed = reshape(transpose(matmul(weights, heads(3)), [0, 2, 1, 3]), [n, t, 4]);
  const scale = uniform(5, [d], 1);
  return head(mean(gelu(layerNorm(add(tokens, matmul(mixed, uniform(4, [4, d], 0.7))), { scale })), 1));
}

/** Networks in whose every step x has one way in, but for sums, products and choices. */
export const NETWORKS: Readonly<Record<string, Network>> = {
  relu: around(relu),
  softplus: around((z) => softplus(z, 10)),
  leakyRelu: around((z) => leakyRelu(z, 0.1)),
  elu: around((z) => elu(z, 0.7)),
  gelu: around(gelu),
  silu: around(silu),
  "tanh, sigmoid, erf, sin": around((z) => add(mul(tanh(z), sigmoid(z)), mul(erf(z), sin(z)))),
  "abs, square, pow": around((z) => add(abs(z), add(mul(square(z), 0.3), mul(pow(z, 3), 0.1)))),
  "exp, log, sqrt, rsqrt, reciprocal": around((z) => {
    const y = add(exp(mul(z, 0.5)), 0.2);
    return [log(y), sqrt(y), rsqrt(y), reciprocal(y), pow(y, 0.7), pow(1.5, y)].reduce(add);
  }),
  relu6: around((z) => clamp(mul(z, 3), 0, 2)),
  "maximum and minimum with a number": around((z) => minimum(maximum(z, 0), 0.5)),
  "maximum and minimum of two": around((z) => minimum(maximum(z, tanh(mul(z, 2))), sub(1, z))),
  "relu by a mask": around((z) => where(greater(z, 0), z, 0)),
  "relu by a product": around((z) => mul(z, step(z))),
  "a gated unit": around((z) =>
    mul(slice(z, [0, 0, 0, 0], [-1, 2, -1, -1]), sigmoid(slice(z, [0, 2, 0, 0], [-1, 2, -1, -1]))),
  ),
  "a quotient": around((z) => div(z, add(1, abs(z)))),
  "a residual sum": (x) => {
    const h = relu(conv(1, x, 3));
    return head(relu(add(h, conv(5, relu(conv(3, h, 3)), 3))));
  },
  concat: (x) => {
    const h = relu(conv(1, x, 2));
    return head(concat([x, h, relu(conv(3, concat([h, x], 1), 2))], 1));
  },
  "shared weights and one relu twice": (x) => head(relu(conv(1, relu(conv(1, x, CHANNELS)), CHANNELS))),
  "max pool": (x) => head(relu(conv(3, maxPool2d(conv(1, x, 3), { size: 2 }), 3))),
  "max pool of overlapping windows": (x) =>
    head(
      maxPool2d(relu(conv(1, x, 3)), {
        size: [3, 2],
        stride: [2, 1],
        padding: [
          [1, 0],
          [0, 1],
        ],
      }),
    ),
  "average pools": (x) =>
    head(globalAvgPool2d(relu(conv(3, avgPool2d(relu(conv(1, x, 3)), { size: 3, stride: 1 }), 4)))),
  "batch norm": (x) => {
    const statistics = { mean: uniform(7, [3], 0.3), variance: add(uniform(8, [3], 0.4), 1) };
    return head(relu(batchNorm(conv(1, x, 3), statistics, { scale: uniform(9, [3]), shift: uniform(10, [3]) })));
  },
  "group norm": (x) => head(relu(groupNorm(conv(1, x, 4), 2))),
  attention,
  "largest, smallest and norms": (x) => {
    const h = flat(conv(1, x, 3));
    const parts = [max(h, 1), min(h, 1), norm(h, 1), norm(h, 1, { p: 1 })];
    return dense(90, transpose(reshape(concat(parts), [4, x.shape[0]])), CLASSES);
  },
  "running sums and picked columns": (x) =>
    dense(90, relu(gather(cumsum(flat(x), 1), tensor(Int32Array.of(3, 1, 40, 3)), 1)), CLASSES),
  "an old sum of squares": (x) => dense(90, reshape(sum(mul(x, x), [2, 3]), [x.shape[0], CHANNELS]), CLASSES),
};

/** Names for Grad-CAM. */
export function labelled(x: Tensor): Tensor {
  const a = label("conv1", () => relu(conv(1, x, 3)));
  const b = label("block", () => {
    const h = label("conv2", () => conv(3, a, 3));
    return relu(add(a, h));
  });
  const pooled = label("pool", () => maxPool2d(b, { size: 2 }));
  return label("head", () => head(pooled));
}
