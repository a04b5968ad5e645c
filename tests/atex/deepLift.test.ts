/** DeepLIFT: its promise on networks of every kind, by hand on small ones, its limits. */
import {
  classScore,
  completenessGap,
  deepLift,
  gradient,
  makeExplainer,
  type Score,
  smoothGrad,
} from "../../atex/index.js";
import {
  add,
  argmax,
  capture,
  checkGrads,
  concat,
  customVjp,
  gatherAlong,
  gatherPool,
  grad,
  logSumExp,
  matmul,
  max,
  maxPool2d,
  min,
  mul,
  neg,
  oneHot,
  poolIndices,
  pow,
  random,
  relu,
  reshape,
  slice,
  softplus,
  sort,
  square,
  stopGradient,
  sub,
  sum,
  type Tensor,
  tensor,
  vjp,
  where,
} from "../../engine/index.js";
import { gpuTest, onReference, referenceTest } from "../executors.js";
import { check } from "../harness.js";
import { generator } from "../values.js";
import { CLASSES, images, NETWORKS, uniform } from "./insideNets.js";

const classes = (...list: number[]): Tensor => tensor(Int32Array.from(list));
const values = async (t: Tensor): Promise<number[]> => [...(await t.read())];
const RULES = ["rescale", "reveal-cancel"] as const;

for (const rule of RULES)
  for (const [name, network] of Object.entries(NETWORKS))
    referenceTest(`${rule}: the attribution of a network (${name}) sums to the difference of the scores`, async () => {
      for (const of of ["logit", "probability", "logProbability"] as const) {
        const score = classScore(network, classes(0, 2), { of });
        for (const reference of [0, uniform(77, [2, 2, 6, 6]), add(images(3, 2), 1e-7)]) {
          const explain = deepLift({ reference, rule });
          const x = images(3, 2);
          const attribution = explain(score, x);
          check.close(await values(explain.gap!(score, x, attribution)), [0, 0], { atol: 1e-12 }, of);
          check.close(await values(completenessGap(score, x, attribution, reference)), [0, 0], { atol: 1e-12 }, of);
        }
      }
    });

referenceTest("on a linear network it is the gradient times the difference from the reference", async () => {
  const linear = (x: Tensor): Tensor => matmul(reshape(x, [x.shape[0], 72]), uniform(1, [72, CLASSES]));
  const score = classScore(linear, classes(0, 2));
  const x = images(4, 2);
  for (const reference of [0.3, uniform(5, [2, 6, 6]), uniform(6, [2, 2, 6, 6])])
    for (const rule of RULES) {
      const expected = mul(gradient(score, x), sub(x, reference));
      const got = await values(deepLift({ reference, rule })(score, x));
      check.close(got, await values(expected), { atol: 1e-13 });
    }
});

referenceTest("a saturated softmax, masked or not, loses nothing", async () => {
  const x = tensor([
    [900, -850, 3],
    [-2000, 10, 9.5],
  ]);
  const masked = (z: Tensor): Tensor => where(tensor([1, 1, 0]), z, Number.NEGATIVE_INFINITY);
  const scores = [
    classScore((z) => z, classes(1, 1), { of: "probability" }),
    classScore((z) => z, classes(1, 1), { of: "logProbability" }),
    classScore(masked, classes(1, 1), { of: "probability" }),
  ];
  for (const [i, score] of scores.entries())
    for (const reference of [0, tensor([[-900, 700, 2]])]) {
      const explain = deepLift({ reference });
      const attribution = explain(score, x);
      check.close(await values(explain.gap!(score, x, attribution)), [0, 0], { atol: 1e-11 }, `${i}`);
    }
});

/** Two hidden layers in plain loops: numbers and the forward pass. */
function layers(seed: number) {
  const next = generator(seed);
  const matrix = (rows: number, columns: number): number[][] =>
    Array.from({ length: rows }, () => Array.from({ length: columns }, () => 2 * next() - 1));
  const [w1, w2, w3] = [matrix(5, 4), matrix(3, 5), matrix(2, 3)];
  const [b1, b2] = matrix(2, 5);
  const apply = (w: number[][], x: number[], b: number[]): number[] =>
    w.map((row, i) => row.reduce((s, v, j) => s + v * x[j], b[i]));
  const forward = (x: number[], f: (v: number) => number) => {
    const z1 = apply(w1, x, b1);
    const z2 = apply(w2, z1.map(f), b2);
    return { z1, z2, y: apply(w3, z2.map(f), [0, 0]) };
  };
  return { w1, w2, w3, b1, b2: b2.slice(0, 3), forward };
}
const INPUT = [0.7, -0.4, 0.9, 0.2];
const REFERENCE = [-0.5, 0.6, 0.1, -0.8];
const positive = (v: number): number => Math.max(v, 0);

/** The same network in ops. */
function inOps(seed: number, activation: (z: Tensor) => Tensor): Score {
  const { w1, w2, w3, b1, b2 } = layers(seed);
  const layer = (x: Tensor, w: number[][], b: number[]): Tensor =>
    add(matmul(x, tensor(w), { transposeB: true }), tensor(b));
  return (x) => {
    const y = layer(activation(layer(activation(layer(x, w1, b1)), w2, b2)), w3, [0, 0]);
    return reshape(slice(y, [0, 0], [-1, 1]), [x.shape[0]]);
  };
}

referenceTest("rescale, by hand on two hidden layers", async () => {
  for (let seed = 1; seed <= 5; seed++) {
    const { w1, w2, w3, forward } = layers(seed);
    const [now, then] = [forward(INPUT, positive), forward(REFERENCE, positive)];
    const ratio = (z: number, z0: number): number => (positive(z) - positive(z0)) / (z - z0);
    const m2 = w3[0].map((w, k) => w * ratio(now.z2[k], then.z2[k]));
    const m1 = now.z1.map((z, j) => m2.reduce((s, m, k) => s + m * w2[k][j], 0) * ratio(z, then.z1[j]));
    const expected = INPUT.map((v, i) => (v - REFERENCE[i]) * m1.reduce((s, m, j) => s + m * w1[j][i], 0));
    const explain = deepLift({ reference: tensor(REFERENCE) });
    check.close(await values(explain(inOps(seed, relu), tensor([INPUT]))), expected, { atol: 1e-13 });
  }
});

referenceTest("reveal-cancel, by hand on two hidden layers", async () => {
  const f = (z: number): number => Math.log1p(Math.exp(3 * z)) / 3;
  /** Multipliers of a layer's inputs from those of its activations. */
  const back = (w: number[][], difference: number[], z0: number[], above: number[]): number[] => {
    const split = w.map((row, k) => {
      const parts = row.map((v, i) => v * difference[i]);
      const p = parts.reduce((s, v) => s + Math.max(v, 0), 0);
      const q = parts.reduce((s, v) => s + Math.min(v, 0), 0);
      const plus = 0.5 * (f(z0[k] + p) - f(z0[k])) + 0.5 * (f(z0[k] + p + q) - f(z0[k] + q));
      const minus = 0.5 * (f(z0[k] + q) - f(z0[k])) + 0.5 * (f(z0[k] + p + q) - f(z0[k] + p));
      return { plus: plus / p, minus: minus / q };
    });
    return difference.map((d, i) =>
      w.reduce((s, row, k) => s + above[k] * row[i] * (row[i] * d > 0 ? split[k].plus : split[k].minus), 0),
    );
  };
  for (let seed = 1; seed <= 5; seed++) {
    const { w1, w2, w3, forward } = layers(seed);
    const [now, then] = [forward(INPUT, f), forward(REFERENCE, f)];
    const hidden = now.z1.map((z, j) => f(z) - f(then.z1[j]));
    const m1 = back(w2, hidden, then.z2, w3[0]);
    const difference = INPUT.map((v, i) => v - REFERENCE[i]);
    const m = back(w1, difference, then.z1, m1);
    const expected = difference.map((d, i) => d * m[i]);
    const explain = deepLift({ reference: tensor(REFERENCE), rule: "reveal-cancel" });
    const score = inOps(seed, (z) => softplus(z, 3));
    // A split so small that its secant is taken by slopes agrees to the accuracy of those.
    check.close(await values(explain(score, tensor([INPUT]))), expected, { atol: 1e-9 });
  }
});

referenceTest("reveal-cancel shares a minimum where rescale gives it to one input (the paper's example)", async () => {
  // min(a, b) = a − relu(a − b)
  const smaller: Score = (x) => {
    const a = reshape(slice(x, [0, 0], [-1, 1]), [x.shape[0]]);
    return sub(a, reshape(relu(matmul(x, tensor([[1], [-1]]))), [x.shape[0]]));
  };
  const x = tensor([
    [5, 3],
    [2, 6],
  ]);
  check.close(await values(deepLift({ rule: "reveal-cancel" })(smaller, x)), [1.5, 1.5, 1, 1], { atol: 1e-12 });
  check.close(await values(deepLift()(smaller, x)), [0, 3, 2, 0], { atol: 1e-12 });
});

referenceTest("a relu by a mask or a product gets what relu gets", async () => {
  const of = (name: string): Promise<number[]> => {
    const score = classScore(NETWORKS[name], classes(0, 2));
    return values(deepLift({ reference: 0.2 })(score, images(8, 2)));
  };
  const expected = await of("relu");
  for (const name of ["relu by a mask", "relu by a product"])
    check.close(await of(name), expected, { atol: 1e-12 }, name);
});

referenceTest("one relu used twice is two activations", async () => {
  const once = relu;
  const shared = (x: Tensor): Tensor => once(sub(once(mul(x, 2)), 1));
  const apart = (x: Tensor): Tensor => relu(sub((() => relu(mul(x, 2)))(), 1));
  const score =
    (f: (x: Tensor) => Tensor): Score =>
    (x) =>
      sum(f(x), 1);
  const x = tensor([[1.5, 0.2, -1, 0.6]]);
  const got = await values(deepLift({ reference: -0.5 })(score(shared), x));
  check.close(got, [2, 0, 0, 0.2], { atol: 1e-13 });
  check.equal(got, await values(deepLift({ reference: -0.5 })(score(apart), x)));
});

referenceTest("the largest element's difference goes to it, on the side that wins", async () => {
  const x = tensor([
    [1, 5, 2],
    [1, 2, 0],
    [7, 2, 3],
    [4, 4, 0],
  ]);
  const reference = tensor([[3, 1, 2]]);
  const explain = deepLift({ reference });
  // 5 − 3 to the new largest; 2 − 3 to the old one; 7 − 3 to the one that stays; 4 − 3 to two alike.
  const expected = [0, 2, 0, -1, 0, 0, 4, 0, 0, 0.5, 0.5, 0];
  check.close(await values(explain((z) => max(z, 1), x)), expected, { atol: 1e-13 });
  const least = deepLift({ reference: neg(reference) });
  check.close(
    await values(least((z) => min(z, 1), neg(x))),
    expected.map((v) => -v),
    { atol: 1e-13 },
  );
  const pooled: Score = (z) => reshape(maxPool2d(reshape(z, [z.shape[0], 1, 1, 3]), { size: [1, 3] }), [z.shape[0]]);
  // Pooling takes the first of two alike.
  check.close(await values(explain(pooled, x)), [...expected.slice(0, 9), 1, 0, 0], { atol: 1e-13 });
});

referenceTest("near the reference multipliers become slopes, and can be differentiated", async () => {
  for (const name of ["softplus", "gelu", "attention", "batch norm", "largest, smallest and norms", "max pool"]) {
    const score = classScore(NETWORKS[name], classes(1, 0));
    const x = images(9, 2);
    const at = (distance: number): Tensor => deepLift({ reference: stopGradient(() => sub(x, distance)) })(score, x);
    const slope = await values(gradient(score, x));
    check.close(
      await values(at(1e-7)),
      slope.map((v) => v * 1e-7),
      { rtol: 1e-5, atol: 1e-12 },
      name,
    );
    check.close(
      await values(at(0)),
      slope.map(() => 0),
      {},
      name,
    );
    // d/dx of m · (x − x₀) at x = x₀ is m: the gradient.
    const back = vjp((z: Tensor) => deepLift({ reference: x })(score, z), x, mul(add(mul(x, 0), 1), 1))[1];
    check.close(await values(back), slope, { rtol: 1e-8, atol: 1e-9 }, name);
    check.ok(slope.some((v) => Math.abs(v) > 1e-2));
  }
});

referenceTest("its second order is that of finite differences", async () => {
  for (const rule of RULES)
    for (const [name, network] of Object.entries(NETWORKS)) {
      const score = classScore(network, classes(0), { of: "probability" });
      const explain = deepLift({ reference: 0.1, rule });
      try {
        await checkGrads((x: Tensor) => explain(score, x), [images(13, 1)], { order: 1 });
        check.ok(true);
      } catch (error) {
        check.fail(`${rule}, ${name}: ${(error as Error).message}`);
      }
    }
});

referenceTest("a sample's attribution depends neither on its batch nor on copies stacked by SmoothGrad", async () => {
  const x = images(15, 2);
  const network = NETWORKS["a residual sum"];
  const reference = uniform(16, [2, 2, 6, 6]);
  const one = (t: Tensor, i: number): Tensor => slice(t, [i, 0, 0, 0], [1, -1, -1, -1]);
  for (const rule of RULES) {
    const together = deepLift({ reference, rule })(classScore(network, classes(0, 2)), x);
    for (const [i, c] of [0, 2].entries()) {
      const alone = deepLift({ reference: one(reference, i), rule })(classScore(network, classes(c)), one(x, i));
      check.close(await values(one(together, i)), await values(alone), { atol: 1e-13 });
    }
  }
  const score = classScore(network, classes(0, 2));
  const base = deepLift({ reference });
  const noisy = { samples: 3, sigma: 0.1, key: random.key(1), base };
  const [stacked, singly] = [3, 1].map((chunk) => smoothGrad({ ...noisy, chunk })(score, x));
  check.close(await values(stacked), await values(singly), { atol: 1e-13 });
});

gpuTest("the GPU gives what float64 gives, captured or not, to the second order", async () => {
  for (const name of ["a residual sum", "max pool of overlapping windows", "attention", "batch norm"]) {
    const x = images(17, 2);
    const run = (z: Tensor): Tensor => {
      const score = classScore(NETWORKS[name], classes(0, 2), { of: "probability" });
      const map = (v: Tensor): Tensor => deepLift()(score, v);
      return concat([map(z), grad((v: Tensor) => sum(square(map(v))))(z)]);
    };
    const eager = await values(run(x));
    const step = capture((z: Tensor) => [run(z)]);
    try {
      check.close(await values(step(x)[0]), eager, { rtol: 1e-3, atol: 1e-5 }, name);
    } finally {
      step.dispose();
    }
    const exact = await onReference(() => values(run(images(17, 2))));
    check.close(eager, exact, { rtol: 1e-3, atol: 1e-4 }, name);
  }
});

referenceTest("what has no multiplier is refused by name", () => {
  const x = tensor([[0.3, 0.7, -0.2]]);
  const refuses = (score: Score, message: RegExp): void => {
    check.throws(() => deepLift()(score, x), message);
  };
  refuses((z) => sum(mul(sort(z), tensor([1, 2, 3])), 1), /deepLift: permute uses i32\[1,3\], which changes with x/);
  refuses((z) => sum(mul(z, oneHot(argmax(z, 1), 3)), 1), /deepLift: mul uses f32\[1,3\], which changes with x/);
  refuses((z) => sum(gatherAlong(z, reshape(argmax(z, 1), [1, 1])), 1), /deepLift: gatherAlong uses i32\[1,1\]/);
  refuses((z) => sub(sum(z, 1), logSumExp(z, 1)), /deepLift: add uses f32\[1,1\], .* stopGradient/);
  refuses((z) => sum(pow(add(square(z), 1), z), 1), /deepLift: there is no rule for pow of f32\[1,3\] and f32\[1,3\]/);
  const own = customVjp(
    (z) => mul(z, 2),
    (g) => [g],
    "mine",
  );
  refuses((z) => sum(own(z), 1), /deepLift: there is no rule for mine of f32\[1,3\]/);
  const windows = { size: [1, 2], stride: 1 } as const;
  const asImage = (z: Tensor): Tensor => reshape(z, [1, 1, 1, 3]);
  const elsewhere: Score = (z) =>
    sum(gatherPool(asImage(z), poolIndices(asImage(neg(z)), windows), windows), [1, 2, 3]);
  refuses(elsewhere, /deepLift: gatherPool uses i32\[1,1,1,2\]/);
  let runs = 0;
  refuses((z) => sum(runs++ === 0 ? z : relu(z), 1), /step 0 is sum on x and relu on the reference/);
  check.throws(
    () => deepLift({ reference: tensor([1, 2]) })((z) => sum(z, 1), x),
    /the reference is f32\[2\], x is f32\[1,3\]/,
  );
  check.throws(() => deepLift({ reference: Number.NaN }), /deepLift: reference is NaN; a tensor or a number is needed/);
  check.throws(
    () => deepLift({ rule: "x" as "rescale" }),
    /deepLift: rule is "x"; "rescale" or "reveal-cancel" is needed/,
  );
});

referenceTest("it is in the table", async () => {
  const context = { domain: { shape: [2, 6, 6], range: { low: 0, high: 1 } }, key: random.key(0) };
  const score = classScore(NETWORKS.relu, classes(0, 2));
  const made = makeExplainer("deep-lift", { reference: 0.5, rule: "reveal-cancel" }, context);
  const expected = deepLift({ reference: 0.5, rule: "reveal-cancel" });
  check.equal(await values(made(score, images(1, 2))), await values(expected(score, images(1, 2))));
  check.throws(() => makeExplainer("deep-lift", { rule: "lrp" }, context), /deep-lift.rule: "lrp" came/);
});
