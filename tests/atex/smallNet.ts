/** A network that attacks in tests are run on: smooth, with every kind of layer that the paper's has. */
import { random, type Tensor } from "../../engine/index.js";
import { avgPool, conv2d, dense, flatten, sequential, softplus } from "../../nn/index.js";

/** Side of its square images. */
export const SIDE = 8;
export const model = sequential([
  conv2d(4, 3, { padding: "same" }),
  softplus({ beta: 5 }),
  avgPool(2),
  flatten,
  dense(6),
  softplus({ beta: 5 }),
  dense(4),
]);

export function classifier(seed: number): (x: Tensor) => Tensor {
  const { params } = model.init(random.key(seed), [1, SIDE, SIDE]);
  return (x) => model.apply(params, x);
}
