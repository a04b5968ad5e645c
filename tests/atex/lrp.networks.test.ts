/** Relevance through whole networks: conservation, residual sums, pooling, attention, and which rule goes where. */
import {
  COMPOSITE_NAMES,
  type Composite,
  type CompositeName,
  gradientTimesInput,
  type LrpOptions,
  lrp,
  makeExplainer,
  smoothGrad,
} from "../../atex/index.js";
import {
  add,
  avgPool2d,
  batchNorm,
  concat,
  conv2d,
  customVjp,
  globalAvgPool2d,
  label,
  matmul,
  maximum,
  maxPool2d,
  mul,
  pow,
  prod,
  random,
  relu,
  reshape,
  slice,
  softmax,
  sub,
  sum,
  type Tensor,
  tensor,
} from "../../engine/index.js";
import * as nn from "../../nn/index.js";
import { named, PIXEL_RANGE } from "../../nn/index.js";
import { referenceTest } from "../executors.js";
import { check } from "../harness.js";
import { affineOf, drawn, handBack, withBias } from "./lrpDense.js";

const values = async (t: Tensor): Promise<number[]> => [...(await t.read())];
const images = (seed: number, n = 2): Tensor => drawn(seed, [n, 2, 6, 6], 0.5, 0.5);
const head = (h: Tensor, seed: number): Tensor => {
  const features = h.size / h.shape[0];
  return sum(matmul(reshape(h, [h.shape[0], features]), drawn(seed, [features, 1])), 1);
};

/** Scales of both signs, and no shift, which would keep relevance. */
function scaled(y: Tensor): Tensor {
  const c = y.shape[1];
  const statistics = { mean: drawn(1, [c], 0), variance: drawn(2, [c], 0.4, 0.6) };
  return batchNorm(y, statistics, { scale: tensor(Float32Array.from({ length: c }, (_, i) => (i % 2 ? -1 : 0.8))) });
}

const conv = (x: Tensor, k: number, seed: number, groups = 1): Tensor =>
  conv2d(x, drawn(seed, [k, x.shape[1] / groups, 3, 3]), { padding: "same", groups });

/** Networks without biases, as plain functions. */
const networks: Record<string, (x: Tensor) => Tensor> = {
  dense: (x) => head(relu(matmul(reshape(x, [-1, 72]), drawn(3, [72, 20]))), 4),
  "residual block": (x) => {
    const h = relu(conv(x, 4, 5));
    return head(relu(add(conv(relu(conv(h, 4, 6)), 4, 7), h)), 8);
  },
  "difference of branches": (x) => head(relu(sub(conv(x, 4, 9), conv(x, 4, 10))), 11),
  "concatenated branches": (x) => head(concat([relu(conv(x, 3, 12)), relu(conv(x, 2, 13)), x], 1), 14),
  "max pooling": (x) => head(maxPool2d(relu(conv(x, 4, 15)), { size: 2 }), 16),
  "average pooling": (x) =>
    head(globalAvgPool2d(relu(conv(avgPool2d(relu(conv(x, 4, 17)), { size: 3, stride: 1 }), 4, 18))), 19),
  "batch norm with negative scales": (x) => head(relu(scaled(conv(relu(scaled(conv(x, 4, 20))), 4, 21))), 22),
  "depthwise and grouped": (x) => head(relu(conv(relu(conv(relu(conv(x, 4, 23, 2)), 4, 24, 4)), 4, 25, 2)), 26),
};

referenceTest("without biases every composite conserves the score, through every kind of network", async () => {
  const x = images(40);
  // Alpha-beta conserves where outputs have contributions of both signs: the next test.
  const conserving = COMPOSITE_NAMES.filter((name) => !name.includes("alpha2"));
  check.is(conserving.length, COMPOSITE_NAMES.length - 2);
  for (const [name, score] of Object.entries(networks))
    for (const composite of conserving) {
      const explain = lrp({ composite, range: PIXEL_RANGE, stabiliser: 1e-11, epsilon: 1e-11 });
      const relevance = explain(score, x);
      const [gap, given] = [await values(explain.gap!(score, x, relevance)), await values(score(x))];
      check.close(gap, [0, 0], { atol: 1e-6 * Math.max(...given.map(Math.abs)) }, `${name}, ${composite}`);
      check.ok(given.every((s) => Math.abs(s) > 0.01));
    }
});

referenceTest(
  "alpha-beta conserves where outputs have contributions of both signs, and the gap says where not",
  async () => {
    const explain = lrp({ composite: { other: { kind: "alpha-beta", alpha: 2 } }, stabiliser: 1e-11 });
    const gapOf = async (score: (x: Tensor) => Tensor, x: Tensor): Promise<number[]> =>
      values(explain.gap!(score, x, explain(score, x)));
    const given = await values(networks.dense(images(40)));
    check.close(await gapOf(networks.dense, images(40)), [0, 0], { atol: 1e-7 * Math.max(...given.map(Math.abs)) });
    const positive = (x: Tensor): Tensor => sum(matmul(x, tensor([[1], [2]])), 1);
    // 2 · 5 handed back for a score of 5.
    check.close(await gapOf(positive, tensor([[1, 2]])), [5], { rtol: 1e-9 });
  },
);

referenceTest("the gap is what a bias keeps", async () => {
  const score = (x: Tensor): Tensor => add(sum(matmul(x, tensor([[2], [1]])), 1), 0.5);
  const explain = lrp({ composite: "epsilon", epsilon: 1e-12, stabiliser: 1e-12 });
  const x = tensor([[1, 1]]);
  // No weighted op is followed by this shift: a sum comes between them.
  check.close(await values(explain(score, x)), [(3.5 * 2) / 3, 3.5 / 3], { rtol: 1e-9 });
  const biased = (z: Tensor): Tensor => sum(add(matmul(z, tensor([[2], [1]])), 0.5), 1);
  const relevance = explain(biased, x);
  check.close(await values(relevance), [2, 1], { rtol: 1e-9 });
  check.close(await values(explain.gap!(biased, x, relevance)), [0.5], { rtol: 1e-9 });
});

referenceTest("with epsilon near 0, a relu network without biases gets gradient times input", async () => {
  const x = images(41);
  const explain = lrp({ composite: "epsilon", epsilon: 1e-12, stabiliser: 1e-12 });
  for (const [name, score] of Object.entries(networks)) {
    const expected = await values(gradientTimesInput(score, x));
    check.close(await values(explain(score, x)), expected, { rtol: 1e-5, atol: 1e-8 }, name);
  }
});

/** A batch norm with shifts, and pooling of both kinds, in layers that a dense derivation can follow one by one. */
referenceTest("a network of five layers, against the formulas layer by layer", async () => {
  const shapes = { x: [2, 6, 6], a: [3, 6, 6], b: [3, 3, 3], c: [4, 3, 3], d: [4] };
  const first = (x: Tensor): Tensor => {
    const statistics = { mean: drawn(50, [3], 0.3), variance: drawn(51, [3], 0.3, 0.5) };
    return batchNorm(conv(x, 3, 52), statistics, { scale: tensor([0.9, -1.1, 0.7]), shift: drawn(53, [3], 0.3, 0.2) });
  };
  const second = (x: Tensor): Tensor => withBias(conv(x, 4, 54), 55);
  const last = (x: Tensor): Tensor => add(matmul(x, drawn(56, [4, 1])), tensor([0.2]));
  const pooled = (x: Tensor): Tensor => reshape(globalAvgPool2d(x), [-1, 4]);
  const score = (x: Tensor): Tensor =>
    reshape(last(pooled(relu(second(maxPool2d(relu(first(x)), { size: 2 }))))), [-1]);

  const x = images(57, 1);
  const a = relu(first(x));
  const b = maxPool2d(a, { size: 2 });
  const c = relu(second(b));
  const d = pooled(c);
  const around = { stabiliser: 1e-10, low: 0, high: 1 };
  const epsilon = { kind: "epsilon", epsilon: 1e-10 };
  const gamma = { kind: "gamma", gamma: 0.25 };
  const rd = handBack(epsilon, await affineOf(last, shapes.d), await values(d), await values(score(x)), around);
  const rc = handBack(epsilon, await affineOf(pooled, shapes.c), await values(c), rd, around);
  const rb = handBack(gamma, await affineOf(second, shapes.b), await values(b), rc, around);
  const ra = toMaxima(await values(a), await values(b), rb);
  const expected = handBack({ kind: "z-box" }, await affineOf(first, shapes.x), await values(x), ra, around);
  const explain = lrp({ composite: "epsilon-gamma-box", range: PIXEL_RANGE, stabiliser: 1e-10, epsilon: 1e-10 });
  check.close(await values(explain(score, x)), expected, { rtol: 1e-6, atol: 1e-9 });
});

/** Relevance of 2 × 2 windows of images of 6 × 6 to the first largest element of each. */
function toMaxima(a: readonly number[], b: readonly number[], rb: readonly number[]): number[] {
  const out = a.map(() => 0);
  for (const [o, r] of rb.entries()) {
    const corner = Math.floor(o / 9) * 36 + Math.floor((o % 9) / 3) * 12 + (o % 3) * 2;
    out[[0, 1, 6, 7].map((step) => corner + step).find((i) => a[i] === b[o])!] += r;
  }
  return out;
}

/** conv1, then a block of conv2 and a dense layer. */
const layered = (x: Tensor): Tensor => {
  const h = label("conv1", () => relu(conv(x, 3, 60)));
  return label("block", () => {
    const k = label("conv2", () => relu(conv(h, 3, 61)));
    return label("dense", () => head(k, 62));
  });
};

referenceTest("composites give each layer the rule they say", async () => {
  const x = images(63);
  const by = async (composite: CompositeName | Composite, more: LrpOptions = {}): Promise<number[]> =>
    values(lrp({ composite, range: PIXEL_RANGE, ...more })(layered, x));
  const box = { conv1: "z-box", "block.conv2": { kind: "gamma", gamma: 0.25 }, "block.dense": "epsilon" } as const;
  const plus = { conv1: "z-plus", "block.conv2": "z-plus", "block.dense": "epsilon" } as const;
  const flat = { conv1: "flat", "block.conv2": "z-plus", "block.dense": "epsilon" } as const;
  const plain = { conv1: "z-box", block: "z-plus" } as const;
  const apart: number[][] = [];
  for (const [name, byLabel] of Object.entries({
    "epsilon-gamma-box": box,
    "epsilon-plus": plus,
    "epsilon-plus-flat": flat,
    dombrowski: plain,
  })) {
    const found = await by(name as CompositeName);
    check.equal(found, await by({ byLabel, other: "w-squared" }), name);
    for (const other of apart) check.ok(Math.max(...found.map((v, i) => Math.abs(v - other[i]))) > 1e-3, name);
    apart.push(found);
  }
  // The innermost label counts, before the place and the kind of op.
  const nested: Composite = { first: "flat", byOp: { conv2d: "gamma", matmul: "z-plus" }, other: "w-squared" };
  check.equal(
    await by({ ...nested, byLabel: { block: "epsilon", "block.conv2": "flat" } }),
    await by({ byLabel: { conv1: "flat", "block.dense": "epsilon", "block.conv2": "flat" }, other: "w-squared" }),
  );
  check.equal(
    await by(nested),
    await by({ byLabel: { conv1: "flat", "block.conv2": "gamma", "block.dense": "z-plus" }, other: "w-squared" }),
  );
  // Rules that do not state a setting take the explainer's.
  check.equal(await by("gamma", { gamma: 2 }), await by({ other: { kind: "gamma", gamma: 2 } }, { gamma: 0.1 }));
});

referenceTest("layers of a sequential are found by their names, and the table makes the same explainer", async () => {
  const model = nn.sequential([named("stem", nn.conv2d(3, 3)), nn.relu, nn.flatten, named("out", nn.dense(3))]);
  const { params } = model.init(random.key(1), [2, 6, 6]);
  const score = (x: Tensor): Tensor => reshape(slice(model.apply(params, x), [0, 1], [-1, 1]), [-1]);
  const x = images(64);
  const byHand = lrp({ composite: { byLabel: { stem: "z-plus", out: "epsilon" }, other: "flat" } });
  const domain = { shape: [2, 6, 6], range: PIXEL_RANGE };
  const made = makeExplainer("lrp", { composite: "epsilon-plus" }, { domain, key: random.key(0) });
  check.equal(await values(made(score, x)), await values(byHand(score, x)));
  check.equal(made.info.name, "LRP");
});

referenceTest("a residual block hands back along both ways, in proportion", async () => {
  const [w, v] = [
    tensor([
      [1, -1],
      [2, 1],
    ]),
    tensor([[1], [3]]),
  ];
  const score = (x: Tensor): Tensor => reshape(matmul(add(relu(matmul(x, w)), x), v), [-1]);
  const x = tensor([[1, 2]]);
  // By hand: the branch is relu(5, 1), the sum (6, 3), the score 15; relevance (6, 9) splits into (5, 3) and (1, 6).
  const branch = [(5 * 1) / 5 + (3 * -1) / 1, (5 * 4) / 5 + (3 * 2) / 1];
  const explain = lrp({ composite: "epsilon", epsilon: 1e-12, stabiliser: 1e-12 });
  check.close(await values(explain(score, x)), [branch[0] + 1, branch[1] + 6], { rtol: 1e-9 });
});

referenceTest("batch norms may be layers of their own: then their shifts keep a share under every rule", async () => {
  const statistics = { mean: tensor([0.5]), variance: tensor([1 - 1e-5]) };
  const score = (x: Tensor): Tensor => {
    const y = conv2d(x, tensor([[[[1, -2]]]]));
    return sum(relu(batchNorm(y, statistics, { scale: tensor([-2]), shift: tensor([3]) })), [1, 2, 3]);
  };
  const x = tensor([[[[3, 1]]]]);
  // y = 1; merged it is −2 y + 4 = 2 with contributions −6 and 4 and a bias of 4.
  const explain = (batchNormAs: "merged" | "linear"): Promise<number[]> =>
    values(lrp({ composite: { other: "z-plus" }, batchNorm: batchNormAs, stabiliser: 1e-12 })(score, x));
  check.close(await explain("merged"), [0, (2 * 4) / 8], { rtol: 1e-4 });
  // 2 at the result; the scaled part is −1 of it: −1; the centred part is 0.5 = 1 − 0.5: −1 · 1/0.5 = −2 for y, whose only
  // positive contribution is the first input's.
  check.close(await explain("linear"), [-2, 0], { rtol: 1e-4 });
});

referenceTest("a sample's relevance does not depend on its batch, and SmoothGrad averages it", async () => {
  const x = images(81, 3);
  const explain = lrp({ composite: "epsilon-gamma-box", range: PIXEL_RANGE });
  for (const score of Object.values(networks)) {
    const all = await values(explain(score, x));
    check.close(await values(explain(score, slice(x, [1, 0, 0, 0], [1, -1, -1, -1]))), all.slice(72, 144), {
      rtol: 1e-9,
      atol: 1e-12,
    });
  }
  const settings = { samples: 3, key: random.key(3), base: explain };
  const score = networks["residual block"];
  const [still, noisy, pieces] = [
    smoothGrad({ ...settings, sigma: 0 }),
    smoothGrad({ ...settings, sigma: 0.2 }),
    smoothGrad({ ...settings, sigma: 0.2, chunk: 1 }),
  ].map((smooth) => values(smooth(score, x)));
  check.close(await still, await values(explain(score, x)), { rtol: 1e-9, atol: 1e-12 });
  check.close(await noisy, await pieces, { rtol: 1e-9, atol: 1e-12 });
  const plain = await still;
  check.ok((await noisy).some((v, i) => Math.abs(v - plain[i]) > 1e-3));
});

referenceTest("maxima pass all on, and what is not used gets exactly nothing", async () => {
  const score = (x: Tensor): Tensor => sum(maximum(slice(x, [0, 0], [-1, 2]), slice(x, [0, 2], [-1, 2])), 1);
  const x = tensor([[1, 5, 2, 3, 7]]);
  check.close(await values(lrp()(score, x)), [0, 5, 2, 0, 0], { rtol: 1e-6 });
});

referenceTest("what cannot be explained is refused", () => {
  const x = tensor([[1, 2]]);
  const sumOf = (f: (x: Tensor) => Tensor) => (z: Tensor) => sum(f(z), 1);
  check.throws(
    () => lrp()((z) => label("tail", () => prod(z, 1)), x),
    /lrp: no rule for prod in tail; write it with other ops/,
  );
  const power = (z: Tensor): Tensor => sum(pow(z, add(z, 1)), 1);
  check.throws(() => lrp()(power, x), /lrp: no rule for pow of 2 operands that depend on x/);
  const own = customVjp(
    (z) => mul(z, 2),
    (g) => [mul(g, 2)],
    "twice",
  );
  check.throws(() => lrp()(sumOf(own), x), /lrp: no rule for twice/);
  check.throws(
    () => lrp({ composite: "epsilon-pluss" as never }),
    /lrp: composite "epsilon-pluss" given; one of epsilon, /,
  );
  check.throws(
    () => lrp({ composite: { other: "z+" as never } }),
    /lrp: composite.other.kind: "z\+" came; one of epsilon, /,
  );
  check.throws(
    () => lrp({ composite: { byOp: { dense: "flat" } as never, other: "flat" } }),
    /byOp.dense: no such setting/,
  );
  check.throws(
    () => lrp({ composite: { other: { kind: "alpha-beta", alpha: 0.5 } } }),
    /alpha: 0.5 came; a number of at least 1/,
  );
  check.throws(() => lrp({ epsilon: 0 }), /lrp: epsilon: 0 came; a number of at least 1e-12 is needed/);
  check.throws(() => lrp({ composite: "dombrowski" }), /lrp: a rule is z-box and no range is given/);
  const range = { low: 0, high: [1, 1, 1] };
  const dense = (z: Tensor): Tensor => sum(matmul(z, tensor([[1], [2]])), 1);
  check.throws(
    () => lrp({ composite: "dombrowski", range })(dense, x),
    /the range has 3 bounds, a sample of f32\[1,2\] has 2 elements/,
  );
  check.throws(
    () => lrp({ composite: "dombrowski", range: PIXEL_RANGE })((z) => dense(softmax(z)), x),
    /z-box needs to know between what a first layer's input lies, but softmax comes before it/,
  );
  check.throws(
    () => lrp({ composite: { byLabel: { conv3: "flat" }, other: "epsilon" } })(layered, images(90)),
    /a rule for "conv3", where no weighted op is; there are some in conv1, block.conv2, block.dense/,
  );
});
