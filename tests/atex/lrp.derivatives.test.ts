/** Relevance is attacked and trained through: its derivatives, with respect to input and weights, and the GPU. */
import { COMPOSITE_NAMES, type LrpOptions, lrp, type RuleSpec } from "../../atex/index.js";
import {
  add,
  avgPool2d,
  batchNorm,
  capture,
  checkGrads,
  conv2d,
  grad,
  matmul,
  maxPool2d,
  mul,
  relu,
  reshape,
  softmax,
  softplus,
  sum,
  type Tensor,
  tensor,
  withOps,
} from "../../engine/index.js";
import { gpuTest, onReference, referenceTest } from "../executors.js";
import { check } from "../harness.js";
import { drawn } from "./lrpDense.js";

const values = async (t: Tensor): Promise<number[]> => [...(await t.read())];

interface Weights {
  readonly conv: Tensor;
  readonly second: Tensor;
  readonly dense: Tensor;
}

const weights = (): Weights => ({
  conv: drawn(1, [3, 2, 3, 3], 0.5),
  second: drawn(2, [3, 3, 3, 3], 0.5),
  dense: drawn(3, [12, 1]),
});
const input = (n = 2): Tensor => drawn(4, [n, 2, 4, 4], 0.45, 0.5);

/** Conv, batch norm with a negative scale, a residual block, pooling, dense. */
function network(x: Tensor, { conv, second, dense }: Weights, activation: (x: Tensor) => Tensor): Tensor {
  const statistics = { mean: drawn(5, [3], 0.2), variance: drawn(6, [3], 0.2, 0.6) };
  const norm = { scale: tensor([0.8, -0.9, 1.1]), shift: drawn(7, [3], 0.3) };
  const h = activation(batchNorm(conv2d(x, conv, { padding: "same" }), statistics, norm));
  const block = add(conv2d(h, second, { padding: "same" }), h);
  const pooled = activation(avgPool2d(block, { size: 2 }));
  return reshape(add(matmul(reshape(pooled, [-1, 12]), dense), 0.1), [-1]);
}

const smooth = (x: Tensor): Tensor => softplus(x, 3);
const rules: readonly RuleSpec[] = [
  "epsilon",
  { kind: "gamma", gamma: 0.5 },
  { kind: "alpha-beta", alpha: 2 },
  "z-plus",
  "w-squared",
  "flat",
];

referenceTest("relevance has right derivatives to second order, in input and weights, under every rule", async () => {
  for (const other of rules)
    for (const first of [undefined, "z-box"] as const) {
      const composite = { other, ...(first && { first }) };
      // Denominators that come near 0 bend relevance more than finite differences can follow.
      const explain = lrp({ composite, epsilon: 0.3, stabiliser: 0.3, range: { low: 0, high: 1 } });
      const relevance = (x: Tensor, conv: Tensor, second: Tensor): Tensor =>
        explain((z) => network(z, { ...weights(), conv, second }, smooth), x);
      await checkGrads(relevance, [input(1), weights().conv, weights().second], { order: 2 });
      check.ok(true, "checkGrads throws when a derivative is wrong");
    }
});

referenceTest("an attack's gradient is the numeric one, element by element", async () => {
  const explain = lrp({ composite: "dombrowski", range: { low: 0, high: 1 } });
  const energy = (x: Tensor): Tensor => {
    const r = explain((z) => network(z, weights(), smooth), x);
    return sum(mul(r, r));
  };
  const x = input(1);
  const found = await values(grad(energy)(x));
  const numeric: number[] = [];
  const at = await values(x);
  for (const i of at.keys()) {
    const moved = (by: number): Promise<number> =>
      energy(
        tensor(
          Float64Array.from(at, (v, j) => (j === i ? v + by : v)),
          x.shape,
        ),
      ).item();
    numeric.push(((await moved(1e-5)) - (await moved(-1e-5))) / 2e-5);
  }
  check.close(found, numeric, { rtol: 1e-5, atol: 1e-7 });
  check.ok(Math.max(...numeric.map(Math.abs)) > 1e-2);
});

referenceTest("values and derivatives are finite where all is 0", async () => {
  const dead = (x: Tensor): Tensor => network(x, { ...weights(), conv: mul(weights().conv, 0) }, relu);
  for (const composite of COMPOSITE_NAMES) {
    const explain = lrp({ composite, range: { low: 0, high: 1 } });
    for (const score of [dead, (x: Tensor) => sum(matmul(reshape(relu(x), [1, 32]), drawn(9, [32, 1])), 1)]) {
      const energy = (x: Tensor): Tensor => sum(mul(explain(score, x), explain(score, x)));
      const x = mul(input(1), 0);
      check.ok((await values(explain(score, x))).every(Number.isFinite), composite);
      check.ok((await values(grad(energy)(x))).every(Number.isFinite), composite);
    }
  }
});

referenceTest("another activation in the network leaves the parts of weights alone", async () => {
  const explain = lrp({ composite: "dombrowski", range: { low: 0, high: 1 } });
  const plain = await values(explain((z) => network(z, weights(), smooth), input()));
  const substituted = withOps({ relu: ([x]) => softplus(x, 3) }, () =>
    explain((z) => network(z, weights(), relu), input()),
  );
  check.close(await values(substituted), plain, { rtol: 1e-12 });
});

/** With pooling of both kinds and a softmax in the score. */
const whole = (x: Tensor): Tensor => {
  const h = smooth(conv2d(x, drawn(10, [4, 2, 3, 3]), { padding: 1 }));
  const logits = matmul(reshape(maxPool2d(h, { size: 2 }), [-1, 16]), drawn(11, [16, 3]));
  return add(network(x, weights(), smooth), sum(mul(softmax(logits), tensor([1, 0, 0])), 1));
};

// Every rule is in one of them.
for (const composite of ["epsilon-gamma-box", "epsilon-alpha2-beta1-flat", "deep-taylor"] as const)
  gpuTest(`${composite} on the GPU is the reference, captured or not, with its gradient`, async () => {
    const options: LrpOptions = { composite, range: { low: 0, high: 1 }, stabiliser: 1e-3, epsilon: 1e-3 };
    const explain = lrp(options);
    const both = (x: Tensor): Tensor[] => [
      explain(whole, x),
      grad((z: Tensor) => sum(mul(explain(whole, z), explain(whole, z))))(x),
    ];
    const [value, slope] = await onReference(async () => Promise.all(both(input()).map(values)));
    const eager = await Promise.all(both(input()).map(values));
    const size = (list: number[]): number => Math.max(...list.map(Math.abs));
    // f32 through denominators as small as 1e-3.
    check.close(eager[0], value, { rtol: 1e-3, atol: 1e-4 * size(value) });
    check.close(eager[1], slope, { rtol: 1e-2, atol: 1e-3 * size(slope) });
    const step = capture(both);
    try {
      const captured = await Promise.all(step(input()).map(values));
      check.close(captured[0], eager[0], { rtol: 1e-3, atol: 1e-4 * size(value) });
      check.close(captured[1], eager[1], { rtol: 1e-2, atol: 1e-3 * size(slope) });
    } finally {
      step.dispose();
    }
  });
