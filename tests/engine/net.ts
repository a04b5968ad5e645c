/** The network and training step that speed is measured on, at any width: conv 5×5, softplus, average pool, twice; dense,
 *  softplus, dense; cross-entropy; Adam. */
import { grad, valueAndGrad } from "../../engine/grad.js";
import { random } from "../../engine/index.js";
import { sum } from "../../engine/ops/reduce.js";
import { square } from "../../engine/ops/unary.js";
import { type Tensor, tensor } from "../../engine/tensor.js";
import type { Tree } from "../../engine/tree.js";
import { softplus } from "../../nn/activations.js";
import { type Sequential, sequential } from "../../nn/index.js";
import { avgPool, conv2d, dense, flatten } from "../../nn/layers.js";
import { crossEntropy } from "../../nn/losses.js";
import { adam } from "../../nn/optim.js";
import { generator } from "../values.js";

export function network(first: number, second: number, hidden: number): Sequential {
  return sequential([
    conv2d(first, 5),
    softplus(),
    avgPool(2),
    conv2d(second, 5),
    softplus(),
    avgPool(2),
    flatten,
    dense(hidden),
    softplus(),
    dense(10),
  ]);
}

export interface Training {
  readonly params: Tree;
  readonly state: Tree;
  readonly x: Tensor;
  readonly y: Tensor;
  step(params: Tree, state: Tree, x: Tensor, y: Tensor): [Tensor, Tree, Tree];
  /** Gradient with respect to the images. */
  inputGradient(params: Tree, x: Tensor, y: Tensor): Tensor;
  /** Gradient with respect to the parameters of the squared norm of the input gradient. */
  secondOrder(params: Tree, x: Tensor, y: Tensor): Tree;
}

/** Everything for training `model` on `n` seeded images of noise. */
export function training(model: Sequential, n: number): Training {
  const { params } = model.init(random.key(1), [1, 28, 28]);
  const optimiser = adam();
  const objective = (p: Tree, x: Tensor, y: Tensor): Tensor => crossEntropy(model.apply(p, x), y);
  const pixels = generator(9);
  return {
    params,
    state: optimiser.init(params),
    x: tensor(
      new Float32Array(n * 784).map(() => pixels()),
      [n, 1, 28, 28],
    ),
    y: tensor(
      new Int32Array(n).map((_, i) => i % 10),
      [n],
    ),
    step(p, s, x, y) {
      const [loss, g] = valueAndGrad(objective)(p, x, y);
      return [loss, ...optimiser.update(p, g, s)];
    },
    inputGradient: (p, x, y) => grad((image: Tensor) => objective(p, image, y))(x),
    secondOrder(p, x, y) {
      const energy = (q: Tree): Tensor => sum(square(grad((image: Tensor) => objective(q, image, y))(x)));
      return grad(energy)(p);
    },
  };
}
