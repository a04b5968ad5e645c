/** A layer of one's own: outputs rounded to quarters, with a derivative of one's own, because that of rounding is 0. One learns:
 *  `customVjp`, and that a layer is two functions. Source of the rule: Bengio et al. 2013, straight-through estimator. */
import { customVjp, grad, init, random, round, shutdown, sum, type Tensor, tensor } from "holdfast";
import "holdfast/methods";
import { dense, type Layer, sequential } from "holdfast/nn";

await init();
const quarters = customVjp(
  (x) => round(x.mul(4)).div(4),
  (g) => [g], // as if nothing had been rounded
  "quarters",
);
const rounded: Layer<null> = {
  kind: "rounded",
  init: (_, shape) => ({ params: null, shape }),
  apply: (_, x) => quarters(x),
};

const model = sequential([dense(3), rounded]);
const { params } = model.init(random.key(0), [2]);
const x = tensor([[0.3, -0.7]]);
console.log("outputs", ...(await model.apply(params, x).read())); // whole quarters
const slope = grad((z: Tensor) => sum(model.apply(params, z)))(x);
console.log("gradient", ...(await slope.read())); // the columns of the weight, summed
console.log("without it", ...(await grad((z: Tensor) => sum(round(z)))(x).read())); // 0 0
shutdown();
