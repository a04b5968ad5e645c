/** XOR from scratch. One learns: a network as layers, a gradient of its parameters, and a training step that is captured once and
 *  replayed, its tensors updated in place so that the loop leaves none behind. */
import { capture, greater, init, random, shutdown, sigmoid, type Tensor, tensor, valueAndGrad } from "holdfast";
import { adam, binaryCrossEntropy, dense, sequential, tanh } from "holdfast/nn";

await init();
const x = tensor([
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
]);
const y = tensor([[0], [1], [1], [0]]);

const model = sequential([dense(8), tanh, dense(1)]);
const optimiser = adam({ lr: 0.1 });
const { params } = model.init(random.key(1), [2]);
type Params = typeof params;

const loss = (p: Params): Tensor => binaryCrossEntropy(model.apply(p, x), y);
let now = { params, state: optimiser.init(params), loss: tensor(0) };
const step = capture(
  ({ params, state }: typeof now): typeof now => {
    const [value, gradients] = valueAndGrad(loss)(params);
    const [next, after] = optimiser.update(params, gradients, state);
    return { params: next, state: after, loss: value };
  },
  { donate: [0] }, // each call takes over the tensors of the one before
);
for (let i = 0; i < 150; i++) now = step(now);

const answers = greater(sigmoid(model.apply(now.params, x)), 0.5);
console.log("loss", await now.loss.item());
console.log("answers", ...(await answers.read())); // 0 1 1 0
shutdown();
