/** A differential equation solved by a network: u″ = −u with u(0) = 0, u′(0) = 1, whose solution is the sine. One learns: a loss
 *  that contains a second derivative, differentiated a third time by training. Source of the idea: Raissi et al. 2019. */
import { capture, grad, init, linspace, max, random, shutdown, sin, type Tensor, tensor, valueAndGrad } from "holdfast";
import "holdfast/methods";
import { adam, cosineDecay, dense, sequential, tanh } from "holdfast/nn";

await init();
const STEPS = 200;
const net = sequential([dense(16), tanh, dense(16), tanh, dense(1)]);
const optimiser = adam({ lr: cosineDecay(0.02, STEPS) });
const { params } = net.init(random.key(3), [1]);
type Params = typeof params;

const t = linspace(0, 3, 24).reshape([24, 1]);
const zero = tensor([[0]]);

/** The sum over independent points: its gradient holds the derivative at each of them. */
const derivative = (f: (t: Tensor) => Tensor): ((t: Tensor) => Tensor) => grad((t: Tensor) => f(t).sum());

function loss(p: Params): Tensor {
  const u = (t: Tensor): Tensor => net.apply(p, t);
  const rate = derivative(u);
  const equation = derivative(rate)(t).add(u(t)).square().mean(); // u″ + u
  const start = u(zero).square().add(rate(zero).sub(1).square()).sum();
  return equation.add(start);
}

let now = { params, state: optimiser.init(params), loss: tensor(0) };
const step = capture(
  ({ params, state }: typeof now): typeof now => {
    const [value, gradients] = valueAndGrad(loss)(params);
    const [next, after] = optimiser.update(params, gradients, state);
    return { params: next, state: after, loss: value };
  },
  { donate: [0] },
);
for (let i = 0; i < STEPS; i++) now = step(now);

console.log("loss", await now.loss.item());
console.log("largest error", await max(net.apply(now.params, t).sub(sin(t)).abs()).item());
shutdown();
