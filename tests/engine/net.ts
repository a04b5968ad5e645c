/** A convolutional network with its Adam step, small enough for a test and of the form that training has: convolutions,
 *  softplus, average pooling, dense layers, cross-entropy. */
import { valueAndGrad } from "../../engine/grad.js";
import { apply } from "../../engine/op.js";
import { add, div, mul, neg, sub } from "../../engine/ops/arithmetic.js";
import { conv2d } from "../../engine/ops/conv.js";
import { definePointwise } from "../../engine/ops/define.js";
import { matmul } from "../../engine/ops/matmul.js";
import { reshape } from "../../engine/ops/movement.js";
import { avgPool2d } from "../../engine/ops/pool.average.js";
import { sum } from "../../engine/ops/reduce.js";
import { type Tensor, tensor } from "../../engine/tensor.js";
import { mapTree, zipTrees } from "../../engine/tree.js";
import { generator } from "../values.js";

type Rule = (g: Tensor, y: Tensor, x: Tensor) => Tensor;
function unary(name: string, scalar: (x: number) => number, wgsl: (x: string) => string, rule: Rule) {
  const spec = definePointwise<null>({
    name,
    arity: 1,
    scalar: ([x]) => scalar(x),
    expression: ([x]) => wgsl(x),
    vjp: (g, { inputs: [x], output: y }) => [() => rule(g, y, x)],
    samples: () => [],
  });
  return (x: Tensor): Tensor => apply(spec, [x], null);
}

const exp = unary("exp", Math.exp, (x) => `exp(${x})`, (g, y) => mul(g, y)); // biome-ignore format: one line
const log = unary("log", Math.log, (x) => `log(${x})`, (g, _, x) => div(g, x)); // biome-ignore format: one line
const sqrt = unary("sqrt", Math.sqrt, (x) => `sqrt(${x})`, (g, y) => div(mul(g, 0.5), y)); // biome-ignore format: one line
const sigmoid = unary("sigmoid", (x) => 1 / (1 + Math.exp(-x)), (x) => `(1f / (1f + exp(-${x})))`, (g, y) => mul(g, mul(y, sub(1, y)))); // biome-ignore format: one line
const softplus = unary("softplus", (x) => Math.log1p(Math.exp(x)), (x) => `log(1f + exp(${x}))`, (g, _, x) => mul(g, sigmoid(x))); // biome-ignore format: one line

export type Params = Record<string, Tensor>;

export function initialParams(channels: readonly [number, number], hidden: number): Params {
  const random = generator(3);
  const draw = (shape: number[], scale: number): Tensor => {
    const n = shape.reduce((a, b) => a * b, 1);
    return tensor(
      new Float32Array(n).map(() => scale * (2 * random() - 1)),
      shape,
    );
  };
  const [c1, c2] = channels;
  return {
    w1: draw([c1, 1, 5, 5], 0.2),
    b1: draw([c1, 1, 1], 0.1),
    w2: draw([c2, c1, 5, 5], 0.1),
    b2: draw([c2, 1, 1], 0.1),
    w3: draw([c2 * 16, hidden], 0.1),
    b3: draw([hidden], 0.1),
    w4: draw([hidden, 10], 0.3),
    b4: draw([10], 0.1),
  };
}

/** Images [n,1,28,28] → logits [n,10]. */
export function logits(p: Params, x: Tensor): Tensor {
  const h1 = avgPool2d(softplus(add(conv2d(x, p.w1), p.b1)), { size: 2 });
  const h2 = avgPool2d(softplus(add(conv2d(h1, p.w2), p.b2)), { size: 2 });
  const h3 = softplus(add(matmul(reshape(h2, [x.shape[0], -1]), p.w3), p.b3));
  return add(matmul(h3, p.w4), p.b4);
}

/** Mean cross-entropy; targets are one-hot [n,10]. Logits of this network are small: no maximum is subtracted. */
export function loss(p: Params, x: Tensor, targets: Tensor): Tensor {
  const z = logits(p, x);
  const logSum = log(sum(exp(z), 1, { keepDims: true }));
  return mul(neg(sum(mul(targets, sub(z, logSum)))), 1 / x.shape[0]);
}

export interface AdamState {
  step: Tensor;
  m: Params;
  v: Params;
}

export function initialState(params: Params): AdamState {
  const zeros = (): Params => mapTree(params, (t) => tensor(new Float32Array(t.size), t.shape));
  return { step: tensor(0), m: zeros(), v: zeros() };
}

export function trainStep(params: Params, state: AdamState, x: Tensor, y: Tensor): [Tensor, Params, AdamState] {
  const [value, g] = valueAndGrad((p: Params) => loss(p, x, y))(params);
  const step = add(state.step, 1);
  const correction = (beta: number): Tensor => sub(1, exp(mul(step, Math.log(beta))));
  const [c1, c2] = [correction(0.9), correction(0.999)];
  const m = zipTrees((a, d) => add(mul(a, 0.9), mul(d, 0.1)), state.m, g);
  const v = zipTrees((a, d) => add(mul(a, 0.999), mul(mul(d, d), 0.001)), state.v, g);
  const next = zipTrees((p, a, b) => sub(p, mul(div(div(a, c1), add(sqrt(div(b, c2)), 1e-8)), 1e-3)), params, m, v);
  return [value, next, { step, m, v }];
}

/** Seeded images and one-hot targets. */
export function batch(n: number): [Tensor, Tensor] {
  const random = generator(9);
  const x = tensor(
    new Float32Array(n * 784).map(() => random()),
    [n, 1, 28, 28],
  );
  const y = new Float32Array(n * 10);
  for (let i = 0; i < n; i++) y[i * 10 + (i % 10)] = 1;
  return [x, tensor(y, [n, 10])];
}

/** Gradient of the squared norm of the input gradient with respect to the parameters. */
export function secondOrder(params: Params, x: Tensor, y: Tensor): Params {
  const energy = (p: Params): Tensor => {
    const [, g] = valueAndGrad((image: Tensor) => loss(p, image, y))(x);
    return sum(mul(g, g));
  };
  return valueAndGrad(energy)(params)[1];
}
