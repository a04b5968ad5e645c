/** Losses with their gradients against PyTorch in float64 (goldens/layers.py), metrics on examples by hand. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { capture, grad, mul, sum, type Tensor, tensor, valueAndGrad } from "../../engine/index.js";
import {
  accuracy,
  binaryCrossEntropy,
  confusion,
  crossEntropy,
  crossEntropyPerSample,
  huber,
  klDivergence,
  klDivergencePerSample,
  mse,
} from "../../nn/index.js";
import { gpuTest, referenceTest } from "../executors.js";
import { check, root } from "../harness.js";

interface Packed {
  readonly shape: number[];
  readonly data: number[];
}
interface Goldens {
  readonly logits: Packed;
  readonly other: Packed;
  readonly labels: number[];
  readonly soft: Packed;
  readonly losses: readonly {
    name: "crossEntropy" | "mse" | "klDivergence" | "huber" | "binaryCrossEntropy";
    targets?: "labels" | "soft";
    options: Record<string, number>;
    value: number;
    gradients: readonly Packed[];
  }[];
}
const inf = Number.POSITIVE_INFINITY;
const goldens = JSON.parse(readFileSync(join(root, "tests/goldens/layers.json"), "utf8")) as Goldens;
const upload = ({ data, shape }: Packed): Tensor => tensor(data, shape);

async function compare({ name, targets, options, value, gradients }: Goldens["losses"][number], rtol: number) {
  const y = targets === "labels" ? tensor(Int32Array.from(goldens.labels)) : upload(goldens.soft);
  const call = {
    crossEntropy: (a: Tensor) => crossEntropy(a, y, options),
    mse,
    klDivergence: (a: Tensor, b: Tensor) => klDivergence(a, b, options),
    huber: (a: Tensor, b: Tensor) => huber(a, b, options),
    binaryCrossEntropy: (a: Tensor) => binaryCrossEntropy(a, y),
  }[name];
  const inputs = [goldens.logits, goldens.other].map(upload);
  const [loss, found] = valueAndGrad(call, { argument: gradients.map((_, i) => i) })(inputs[0], inputs[1]);
  check.equal([...loss.shape], []);
  check.close([await loss.item()], [value], { rtol });
  for (const [i, g] of (found as Tensor[]).entries())
    check.close(await g.read(), gradients[i].data, { rtol, atol: rtol });
}

for (const golden of goldens.losses) {
  const { name, targets, options } = golden;
  const text = `${name} ${[targets, JSON.stringify(options)].filter(Boolean).join(" ")} = PyTorch`;
  referenceTest(`${text}, in float64`, () => compare(golden, 1e-13));
  gpuTest(`${text}, on the GPU`, () => compare(golden, 1e-5));
}

referenceTest("one term per sample, whose mean is the cross-entropy", async () => {
  const logits = upload(goldens.logits);
  const labels = tensor(Int32Array.from(goldens.labels));
  const terms = await crossEntropyPerSample(logits, labels).read();
  const rows = goldens.labels.map((label, i) => {
    const row = goldens.logits.data.slice(4 * i, 4 * i + 4);
    return Math.log(row.reduce((total, v) => total + Math.exp(v), 0)) - row[label];
  });
  check.close(terms, rows, { rtol: 1e-12 });
  const mean = rows.reduce((a, b) => a + b) / rows.length;
  check.close([await crossEntropy(logits, labels).item()], [mean], { rtol: 1e-12 });
  const outside = await crossEntropyPerSample(logits, tensor(Int32Array.of(-1, 4, 0, 0, 0))).read();
  check.close(outside.slice(0, 2), [0, 0], {}, "a class that does not exist has no term");
});

referenceTest("one divergence per sample, whose mean is that of the batch", async () => {
  const [teacher, student] = [goldens.logits, goldens.other];
  const options = { temperature: 2, studentTemperature: 3 };
  const terms = await klDivergencePerSample(upload(teacher), upload(student), options).read();
  const logShares = (row: number[], t: number): number[] => {
    const total = row.reduce((sum, v) => sum + Math.exp(v / t), 0);
    return row.map((v) => v / t - Math.log(total));
  };
  const expected = Array.from({ length: teacher.shape[0] }, (_, i) => {
    const [f, g] = [teacher, student].map(({ data, shape: [, c] }, k) =>
      logShares(data.slice(c * i, c * (i + 1)), [2, 3][k]),
    );
    return f.reduce((sum, v, c) => sum + Math.exp(v) * (v - g[c]), 0);
  });
  check.close(terms, expected, { rtol: 1e-12 });
  const mean = expected.reduce((a, b) => a + b) / expected.length;
  check.close([await klDivergence(upload(teacher), upload(student), options).item()], [mean], { rtol: 1e-12 });
});

gpuTest("losses of confident logits are finite", async () => {
  const logits = tensor([[200, -200, 0]]);
  check.close([await crossEntropy(logits, tensor(Int32Array.of(1))).item()], [400], { rtol: 1e-6 });
  check.close([await crossEntropy(logits, tensor(Int32Array.of(0))).item()], [0], { atol: 1e-6 });
  check.close([await klDivergence(logits, logits).item()], [0], { atol: 1e-6 });
});

referenceTest(
  "binary cross-entropy of certain logits is 0 where they are right, infinite where they are wrong",
  async () => {
    const [yes, no] = [tensor([inf]), tensor([-inf])];
    const loss = async (z: Tensor, t: number): Promise<number> => binaryCrossEntropy(z, tensor([t])).item();
    check.equal([await loss(yes, 1), await loss(no, 0), await loss(yes, 0), await loss(no, 1)], [0, 0, inf, inf]);
    const slope = await grad((z: Tensor) => binaryCrossEntropy(z, tensor([1, 0])))(tensor([200, -200])).read();
    check.close(slope, [0, 0], { atol: 1e-12 });
  },
);

async function metrics(): Promise<void> {
  // Predictions 2, 0, 0 (the first of equals), 1.
  const logits = tensor([
    [0, 1, 2],
    [5, -1, 4],
    [3, 3, 1],
    [-2, -1, -3],
  ]);
  const labels = tensor(Int32Array.of(2, 2, 0, 1));
  check.is(await accuracy(logits, labels).item(), 0.75);
  // Row: label. Column: prediction.
  check.equal([...(await confusion(logits, labels).read())], [1, 0, 0, 0, 1, 0, 1, 0, 1]);
}
referenceTest("accuracy and confusion by hand, in float64", metrics);
gpuTest("accuracy and confusion by hand, on the GPU", metrics);

referenceTest("losses and metrics refuse targets that broadcasting would spread", () => {
  const logits = tensor(new Float32Array(12), [3, 4]);
  const column = tensor(new Int32Array(3), [3, 1]);
  check.throws(
    () => crossEntropy(logits, column),
    /^crossEntropy: logits f32\[3,4\] with targets i32\[3,1\]; f32\[n,C\] with i32\[n\] or f32\[n,C\] is needed$/,
  );
  check.throws(() => crossEntropy(logits, tensor(new Int32Array(3), [3, 1, 1])), /targets i32\[3,1,1\]/);
  check.throws(() => crossEntropy(logits, tensor(new Int32Array(2))), /targets i32\[2\]/);
  check.throws(() => crossEntropy(logits, tensor([1, 2, 3])), /targets f32\[3\]/);
  check.throws(() => crossEntropy(logits, tensor(new Float32Array(9), [3, 3])), /targets f32\[3,3\]/);
  check.throws(
    () => crossEntropy(logits, tensor(new Int32Array(3)), { labelSmoothing: 1 }),
    /crossEntropy: labelSmoothing 1 given; a share in \[0, 1\)/,
  );
  check.throws(() => mse(tensor([1, 2]), tensor([[1], [2]])), /^mse: f32\[2\] and f32\[2,1\] given; one shape/);
  check.throws(() => huber(logits, logits, { delta: 0 }), /^huber: delta 0 given; a positive finite number/);
  check.throws(() => huber(tensor([1]), tensor([[1]])), /^huber: f32\[1\] and f32\[1,1\] given; one shape/);
  check.throws(() => binaryCrossEntropy(logits, column), /^binaryCrossEntropy: f32\[3,4\] and i32\[3,1\] given/);
  check.throws(() => klDivergence(logits, tensor([[1, 2, 3, 4]])), /klDivergence: f32\[3,4\] and f32\[1,4\]/);
  check.throws(() => klDivergence(logits, logits, { temperature: 0 }), /klDivergence: temperatures 0 and 0/);
  const one = tensor([1, 2, 3]);
  check.throws(
    () => klDivergencePerSample(one, one),
    /klDivergencePerSample: f32\[3\] given; logits f32\[n,C\] are needed/,
  );
  check.throws(() => accuracy(logits, column), /accuracy: logits f32\[3,4\] with labels i32\[3,1\]/);
  check.throws(() => confusion(logits, tensor([1, 2, 3])), /confusion: logits f32\[3,4\] with labels f32\[3\]/);
});

/** Losses with masked classes: value and gradient, which masked logits do not get. */
const share = (x: number[]): number[] => {
  const total = x.reduce((sum, v) => sum + Math.exp(v), 0);
  return x.map((v) => Math.exp(v) / total);
};
const [p, q] = [share([-inf, 0, 1]), share([-inf, 1, 0])];
const masked: readonly [name: string, loss: (x: Tensor) => Tensor, x: number[][], value: number, gradient: number[]][] =
  [
    [
      "crossEntropy of a class that is possible",
      (x) => crossEntropy(x, tensor(Int32Array.of(2))),
      [[-inf, 0, 1]],
      Math.log1p(Math.exp(-1)),
      [0, p[1], p[2] - 1],
    ],
    [
      "crossEntropy of a class that is not",
      (x) => crossEntropy(x, tensor(Int32Array.of(0))),
      [[-inf, 0, 1]],
      inf,
      [-1, p[1], p[2]],
    ],
    [
      "crossEntropy of soft targets",
      (x) => crossEntropy(x, tensor([[0, 0.25, 0.75]])),
      [[-inf, 0, 1]],
      -(0.25 * Math.log(p[1]) + 0.75 * Math.log(p[2])),
      [0, p[1] - 0.25, p[2] - 0.75],
    ],
    [
      "klDivergence to the student",
      (x) => klDivergence(tensor([[-inf, 0, 1]]), x),
      [[-inf, 1, 0]],
      // tanh ½
      0.46211715726,
      [0, q[1] - p[1], q[2] - p[2]],
    ],
    [
      "klDivergence to a student who gives less classes",
      (x) => klDivergence(tensor([[0, -inf, 0]]), x),
      [[0, 1, -inf]],
      inf,
      [Math.exp(0) / (1 + Math.E) - 0.5, Math.E / (1 + Math.E), -0.5],
    ],
  ];
for (const [name, loss, x, value, gradient] of masked)
  for (const [where, run, rtol] of [
    ["in float64", referenceTest, 1e-10],
    ["on the GPU", gpuTest, 1e-5],
  ] as const)
    run(`${name}, with a logit of -Infinity, ${where}`, async () => {
      const step = (v: Tensor): Tensor[] => valueAndGrad(loss)(v) as Tensor[];
      const energy = (v: Tensor): Tensor => sum(mul(grad(loss)(v), tensor([1, 2, 3])));
      using captured = capture(step);
      for (const f of [step, captured]) {
        const [y, g] = f(tensor(x));
        check.close([await y.item()], [value], { rtol });
        check.close(await g.read(), gradient, { rtol, atol: 1e-6 });
      }
      const second = await grad(energy)(tensor(x)).read();
      check.ok(second.every(Number.isFinite), `the second order is ${second}`);
    });

referenceTest("the gradient of soft targets that are 0 is that of others", async () => {
  const logits = tensor([[1, 2, 0.5]]);
  const found = await grad((t: Tensor) => crossEntropy(logits, t))(tensor([[0, 1, 0]])).read();
  const logs = share([1, 2, 0.5]).map((v) => -Math.log(v));
  check.close(found, logs, { rtol: 1e-12 });
});
