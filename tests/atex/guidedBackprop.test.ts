/** Guided backpropagation by hand, at every activation it knows, in any function. */
import { classScore, guidedBackprop, makeExplainer, type Score, smoothed, smoothGrad } from "../../atex/index.js";
import {
  capture,
  checkGrads,
  clamp,
  concat,
  elu,
  gelu,
  grad,
  greater,
  leakyRelu,
  matmul,
  maximum,
  mul,
  random,
  relu,
  silu,
  slice,
  softplus,
  square,
  step,
  sum,
  type Tensor,
  tanh,
  tensor,
  vjp,
  where,
  zerosLike,
} from "../../engine/index.js";
import { gpuTest, onReference, referenceTest } from "../executors.js";
import { check } from "../harness.js";
import { images, NETWORKS } from "./insideNets.js";

const classes = (...list: number[]): Tensor => tensor(Int32Array.from(list));
const values = async (t: Tensor): Promise<number[]> => [...(await t.read())];

const W1 = [
  [0.5, -1, 0.3],
  [1.2, 0.4, -0.7],
  [-0.6, 0.9, 0.8],
  [0.2, 1.1, -0.5],
];
const W2 = [
  [0.7, -0.4, 1.1, 0.6],
  [-0.9, 0.8, 0.5, -1.3],
];
const W3 = [1, -0.8];
const X = [0.9, -0.3, 0.4];

/** Two hidden layers, without biases. */
const network =
  (activation: (z: Tensor) => Tensor): Score =>
  (x) => {
    const h = activation(matmul(x, tensor(W1), { transposeB: true }));
    return matmul(activation(matmul(h, tensor(W2), { transposeB: true })), tensor(W3));
  };

/** The walk back in plain loops: `guide` is what an activation f passes back at z for g. */
function byHand(f: (z: number) => number, guide: (g: number, z: number) => number): number[] {
  const times = (w: number[][], x: number[]): number[] => w.map((row) => row.reduce((s, v, i) => s + v * x[i], 0));
  const back = (w: number[][], g: number[]): number[] =>
    w[0].map((_, i) => w.reduce((s, row, k) => s + row[i] * g[k], 0));
  const z1 = times(W1, X);
  const z2 = times(W2, z1.map(f));
  const g2 = W3.map((g, k) => guide(g, z2[k]));
  const g1 = back(W2, g2).map((g, j) => guide(g, z1[j]));
  return back(W1, g1);
}
const positive = (v: number): number => Math.max(v, 0);
const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));
const softplusOf = (beta: number) => (v: number) => Math.log1p(Math.exp(beta * v)) / beta;
const attributionOf = (activation: (z: Tensor) => Tensor): Promise<number[]> =>
  values(guidedBackprop(network(activation), tensor([X])));

referenceTest("at relu the incoming gradient loses its negative parts, by hand", async () => {
  const expected = byHand(positive, (g, z) => positive(g) * Number(z > 0));
  check.close(await attributionOf(relu), expected, { atol: 1e-14 });
  const plain = await values(vjp(network(relu), tensor([X]), tensor([1]))[1]);
  check.ok(
    plain.some((v, i) => Math.abs(v - expected[i]) > 0.1),
    "the gradient itself is something else",
  );
});

referenceTest("at softplus it is the form of Dombrowski et al., by hand", async () => {
  for (const beta of [1, 7]) {
    const expected = byHand(softplusOf(beta), (g, z) => softplusOf(beta)(g) * sigmoid(beta * z));
    check.close(await attributionOf((z) => softplus(z, beta)), expected, { atol: 1e-13 });
  }
});

referenceTest("at other activations the positive part goes through their slope, by hand", async () => {
  const slopes: [(z: Tensor) => Tensor, (z: number) => number, (z: number) => number][] = [
    [(z) => leakyRelu(z, 0.2), (z) => (z > 0 ? z : 0.2 * z), (z) => (z > 0 ? 1 : 0.2)],
    [(z) => elu(z, 0.5), (z) => (z > 0 ? z : 0.5 * Math.expm1(z)), (z) => (z > 0 ? 1 : 0.5 * Math.exp(z))],
    [silu, (z) => z * sigmoid(z), (z) => sigmoid(z) * (1 + z * (1 - sigmoid(z)))],
    [(z) => clamp(z, 0, 6), (z) => Math.min(positive(z), 6), (z) => Number(z > 0 && z < 6)],
    [(z) => clamp(z, 0, Infinity), positive, (z) => Number(z > 0)],
  ];
  for (const [activation, f, slope] of slopes)
    check.close(
      await attributionOf(activation),
      byHand(f, (g, z) => positive(g) * slope(z)),
      { atol: 1e-13 },
    );
  const [a, b] = [await attributionOf(gelu), await attributionOf((z) => mul(z, tanh(z)))];
  const gradient = await values(
    vjp(
      network((z) => mul(z, tanh(z))),
      tensor([X]),
      tensor([1]),
    )[1],
  );
  check.ok(a.some((v, i) => v !== b[i]));
  check.close(b, gradient, { atol: 1e-13 }, "what is no activation keeps its derivative");
});

referenceTest("max(x, 0) is a relu however the 0 is written; other bounds are not", async () => {
  const expected = await attributionOf(relu);
  for (const [name, activation] of Object.entries({
    "a number": (z: Tensor) => maximum(z, 0),
    "the other way round": (z: Tensor) => maximum(0, z),
    zerosLike: (z: Tensor) => maximum(z, zerosLike(z)),
  }))
    check.close(await attributionOf(activation), expected, { atol: 1e-14 }, name);
  for (const other of [
    (z: Tensor) => maximum(z, 1e-9),
    (z: Tensor) => clamp(z, 0, 1),
    (z: Tensor) => where(greater(z, 0), z, 0),
    (z: Tensor) => mul(z, step(z)),
  ])
    check.close(await attributionOf(other), await values(vjp(network(other), tensor([X]), tensor([1]))[1]), {
      atol: 1e-14,
    });
});

referenceTest("its second order is that of finite differences", async () => {
  for (const name of ["relu", "softplus", "gelu", "leakyRelu", "attention", "max pool"]) {
    const score = classScore(NETWORKS[name], classes(1), { of: "probability" });
    await checkGrads((x: Tensor) => guidedBackprop(score, x), [images(21, 1)], { order: 1 });
    check.ok(true, name);
  }
});

referenceTest("through the smoothed network it has slopes, and tends to that of relu as sharpness grows", async () => {
  const classifier = NETWORKS["a residual sum"];
  const x = images(22, 1);
  const map = (beta: number): Tensor => guidedBackprop(classScore(smoothed(classifier, beta), classes(1)), x);
  const sharp = await values(guidedBackprop(classScore(classifier, classes(1)), x));
  check.close(await values(map(1e5)), sharp, { atol: 2e-3 });
  const slope = grad((z: Tensor) => sum(square(guidedBackprop(classScore(smoothed(classifier), classes(1)), z))))(x);
  check.ok((await values(slope)).some((v) => Math.abs(v) > 1e-3));
});

referenceTest("a sample's attribution depends neither on its batch nor on copies stacked by SmoothGrad", async () => {
  const x = images(23, 2);
  const network = NETWORKS["max pool"];
  const one = (t: Tensor, i: number): Tensor => slice(t, [i, 0, 0, 0], [1, -1, -1, -1]);
  const together = guidedBackprop(classScore(network, classes(0, 2)), x);
  for (const [i, c] of [0, 2].entries()) {
    const alone = guidedBackprop(classScore(network, classes(c)), one(x, i));
    check.close(await values(one(together, i)), await values(alone), { atol: 1e-14 });
  }
  const noisy = { samples: 3, sigma: 0.1, key: random.key(1), base: guidedBackprop };
  const score = classScore(network, classes(0, 2));
  const [stacked, singly] = [3, 1].map((chunk) => smoothGrad({ ...noisy, chunk })(score, x));
  check.close(await values(stacked), await values(singly), { atol: 1e-14 });
});

gpuTest("the GPU gives what float64 gives, captured or not, to the second order", async () => {
  for (const name of ["a residual sum", "softplus", "max pool"]) {
    const run = (z: Tensor): Tensor => {
      const map = (v: Tensor): Tensor =>
        guidedBackprop(classScore(NETWORKS[name], classes(0, 2), { of: "probability" }), v);
      return concat([map(z), grad((v: Tensor) => sum(square(map(v))))(z)]);
    };
    const eager = await values(run(images(24, 2)));
    const step = capture((z: Tensor) => [run(z)]);
    try {
      check.close(await values(step(images(24, 2))[0]), eager, { rtol: 1e-4, atol: 1e-6 }, name);
    } finally {
      step.dispose();
    }
    const exact = await onReference(() => values(run(images(24, 2))));
    check.close(eager, exact, { rtol: 1e-3, atol: 1e-5 }, name);
  }
});

referenceTest("it is in the table", async () => {
  const context = { domain: { shape: [2, 6, 6], range: { low: 0, high: 1 } }, key: random.key(0) };
  const score = classScore(NETWORKS.relu, classes(0, 2));
  const x = images(1, 2);
  const [made, itself] = [makeExplainer("guided-backprop", {}, context)(score, x), guidedBackprop(score, x)];
  check.equal(await values(made), await values(itself));
});
