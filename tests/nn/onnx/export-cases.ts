/** Layers of every kind that is written as ONNX. */
import { mapTree, random, scope, type Tree } from "../../../engine/index.js";
import {
  avgPool,
  batchNorm,
  concatenate,
  conv1d,
  conv2d,
  dense,
  dropout,
  elu,
  flatten,
  gelu,
  globalAvgPool,
  hardSwish,
  identity,
  type Layer,
  layerNorm,
  leakyRelu,
  maxPool,
  relu,
  relu6,
  reshape,
  residual,
  type SampleShape,
  sequential,
  sigmoid,
  silu,
  softplus,
  tanh,
} from "../../../nn/index.js";

const images: SampleShape = [2, 6, 7];

/** Layers with settings that are not the defaults, and the shape of a sample that each takes. */
export const CASES: readonly (readonly [Layer, SampleShape])[] = [
  [sequential([dense(4), tanh, dense(3)]), [5]],
  [residual(conv2d(2, 3, { padding: "same" })), images],
  [residual(conv2d(4, 3, { padding: 1, stride: 2 }), conv2d(4, 1, { stride: 2, bias: false })), images],
  [concatenate([conv2d(3, 1), identity, relu]), images],
  [concatenate([dense(2), dense(3)], { axis: -1 }), [4]],
  [dense(3, { bias: false }), [4]],
  [dense(3, { tokens: true }), [2, 4]],
  [conv2d(4, [3, 2], { stride: [2, 1], padding: "same", dilation: [1, 2], groups: 2 }), images],
  [conv2d(3, 3, { stride: 2, padding: "same" }), images],
  [
    conv2d(3, 3, {
      padding: [
        [0, 1],
        [2, 0],
      ],
    }),
    images,
  ],
  [conv1d(4, 3, { stride: 2, padding: [2, 1], groups: 2 }), [2, 7]],
  [conv1d(3, 2, { padding: "same", dilation: 2, bias: false }), [2, 7]],
  [conv1d(2, 3, { padding: 1 }), [2, 7]],
  [avgPool(2), images],
  [maxPool(3, 2), images],
  [globalAvgPool, images],
  [flatten, images],
  [reshape([3, 4]), [12]],
  [dropout(0.5), [4]],
  [batchNorm({ epsilon: 0.1 }), images],
  [batchNorm(), [5]],
  [layerNorm({ epsilon: 0.1 }), [3, 4]],
  [layerNorm({ axes: [-1] }), [3, 4]],
  [softplus(), [5]],
  [softplus({ beta: 7 }), [5]],
  [relu, [5]],
  [tanh, [5]],
  [sigmoid, [5]],
  [gelu, [5]],
  [silu, [5]],
  [leakyRelu({ slope: 0.3 }), [5]],
  [elu({ alpha: 1.7 }), [5]],
  [relu6, [5]],
  [hardSwish, [5]],
  [identity, [5]],
];

/** Parameters none of which is what it starts as, and variances that are positive. */
export function drawn(layer: Layer, shape: SampleShape): Tree {
  let count = 0;
  return scope(() =>
    mapTree(layer.init(random.key(1), shape).params, (t, path) => {
      const key = random.fold(random.key(2), count++);
      const variance = path.endsWith("running_var");
      return random.uniform(key, t.shape, { low: variance ? 0.5 : -1, high: variance ? 1.5 : 1 });
    }),
  );
}
