/** Grad-CAM and Guided Grad-CAM: by hand in plain loops, at any label, and what they refuse. */
import {
  classScore,
  gradCam,
  guidedBackprop,
  guidedGradCam,
  makeExplainer,
  type Score,
  saliencyMap,
  smoothGrad,
} from "../../atex/index.js";
import {
  avgPool2d,
  capture,
  checkGrads,
  concat,
  conv2d,
  globalAvgPool2d,
  grad,
  inspect,
  label,
  matmul,
  mean,
  mul,
  random,
  relu,
  reshape,
  slice,
  softplus,
  square,
  sum,
  type Tensor,
  tensor,
} from "../../engine/index.js";
import { avgPool, conv2d as convLayer, dense, flatten, named, relu as reluLayer, sequential } from "../../nn/index.js";
import { gpuTest, onReference, referenceTest } from "../executors.js";
import { check } from "../harness.js";
import { generator } from "../values.js";
import { images, labelled, uniform } from "./insideNets.js";

const classes = (...list: number[]): Tensor => tensor(Int32Array.from(list));
const values = async (t: Tensor): Promise<number[]> => [...(await t.read())];
const one = (t: Tensor, i: number): Tensor => slice(t, [i, 0, 0, 0], [1, -1, -1, -1]);

/** An image of 7×9 with 2 channels, 3 filters of 3×3 at every second pixel, the square of the mean of each times a weight. */
const [C, H, W, K] = [2, 7, 9, 3];
const [OH, OW] = [3, 4];
const weights = [1.3, -0.8, 0.5];
const [image, filters] = [5, 6].map((seed, i) => {
  const next = generator(seed);
  return Array.from({ length: [C * H * W, K * C * 9][i] }, () => 2 * next() - 1);
});

const small: Score = (x) => {
  const maps = label("stage", () => relu(conv2d(x, tensor(filters, [K, C, 3, 3]), { stride: 2 })));
  return matmul(square(mean(maps, [2, 3])), tensor(weights));
};

/** The class map before relu and enlarging, [OH][OW]. */
function mapByHand(): number[][] {
  const at = (k: number, y: number, x: number): number => {
    let total = 0;
    for (let c = 0; c < C; c++)
      for (let r = 0; r < 3; r++)
        for (let s = 0; s < 3; s++)
          total += filters[((k * C + c) * 3 + r) * 3 + s] * image[(c * H + 2 * y + r) * W + 2 * x + s];
    return Math.max(total, 0);
  };
  const maps = weights.map((_, k) =>
    Array.from({ length: OH }, (_, y) => Array.from({ length: OW }, (_, x) => at(k, y, x))),
  );
  // d/dA of w (mean A)²: 2 w mean(A) / (OH OW), the same at each position.
  const alpha = maps.map((m, k) => (2 * weights[k] * (m.flat().reduce((a, b) => a + b) / (OH * OW))) / (OH * OW));
  return maps[0].map((row, y) => row.map((_, x) => maps.reduce((t, m, k) => t + alpha[k] * m[y][x], 0)));
}

/** Bilinear with pixel centres at half integers, clamped at the border. */
function enlarge(map: number[][]): number[] {
  const place = (i: number, from: number, to: number): [number, number, number] => {
    const centre = Math.min(Math.max(((i + 0.5) * from) / to - 0.5, 0), from - 1);
    const low = Math.floor(centre);
    return [low, Math.min(low + 1, from - 1), centre - low];
  };
  return Array.from({ length: H * W }, (_, i) => {
    const [top, bottom, down] = place(Math.floor(i / W), OH, H);
    const [left, right, over] = place(i % W, OW, W);
    const row = (y: number): number => map[y][left] * (1 - over) + map[y][right] * over;
    return row(top) * (1 - down) + row(bottom) * down;
  });
}

referenceTest("Grad-CAM by hand, with relu and with its sign", async () => {
  const x = tensor(image, [1, C, H, W]);
  const signed = mapByHand();
  check.ok(signed.flat().some((v) => v < 0) && signed.flat().some((v) => v > 0), "both signs occur");
  const expected = enlarge(signed.map((row) => row.map((v) => Math.max(v, 0))));
  const attribution = gradCam()(small, x);
  check.equal(attribution.shape, [1, C, H, W]);
  check.close(await values(saliencyMap(attribution)), expected, { atol: 1e-14 }, "its saliency map is the map");
  const half = expected.map((v) => v / C);
  check.close(await values(attribution), [...half, ...half], { atol: 1e-14 });
  const both = gradCam({ positive: false, layer: "stage" })(small, x);
  check.close(await values(sum(both, 1)), enlarge(signed), { atol: 1e-14 });
});

referenceTest("Guided Grad-CAM is guided backpropagation times the map", async () => {
  const x = tensor(image, [1, C, H, W]);
  const map = enlarge(mapByHand().map((row) => row.map((v) => Math.max(v, 0))));
  const guided = await values(guidedBackprop(small, x));
  const expected = guided.map((v, i) => v * map[i % (H * W)]);
  check.ok(expected.some((v) => Math.abs(v) > 1e-3));
  check.close(await values(guidedGradCam()(small, x)), expected, { atol: 1e-14 });
});

referenceTest("any label with maps can be asked for, the last one is the default", async () => {
  const score = classScore(labelled, classes(0, 2));
  const x = images(31, 2);
  const at = async (layer?: string): Promise<number[]> => values(gradCam({ layer, positive: false })(score, x));
  check.equal(await at(), await at("pool"));
  const maps = [await at("conv1"), await at("block.conv2"), await at("block"), await at("pool")];
  for (const [i, a] of maps.entries())
    for (const b of maps.slice(i + 1)) check.ok(a.some((v, j) => Math.abs(v - b[j]) > 1e-6));
  // At the block, by what is found inside.
  const expected = inspect(score, x, ({ at: find, pullback }) => {
    const block = find("block");
    const alpha = mean(pullback(tensor([1, 1])).at(block), [2, 3], { keepDims: true });
    return sum(mul(alpha, block), 1, { keepDims: true });
  });
  check.close(await values(sum(gradCam({ layer: "block", positive: false })(score, x), 1)), await values(expected), {
    atol: 1e-13,
  });
});

referenceTest("layers of a model are found by name and number; one position is no map by default", async () => {
  const model = sequential([named("first", convLayer(3, 3)), reluLayer, avgPool(2), flatten, dense(3)]);
  const { params } = model.init(random.key(1), [2, 6, 6]);
  const score = classScore((x) => model.apply(params, x), classes(1));
  const x = images(32, 1);
  check.equal(await values(gradCam()(score, x)), await values(gradCam({ layer: "2" })(score, x)));
  const pooled: Score = (z) => {
    const maps = label("maps", () => relu(conv2d(z, uniform(1, [3, 2, 3, 3]))));
    return sum(
      label("mean", () => globalAvgPool2d(maps)),
      [1, 2, 3],
    );
  };
  check.equal(await values(gradCam()(pooled, x)), await values(gradCam({ layer: "maps" })(pooled, x)));
});

referenceTest("what has no maps is refused, with the labels that have", () => {
  const score = classScore(labelled, classes(0));
  const x = images(33, 1);
  for (const [who, make] of Object.entries({ gradCam, guidedGradCam })) {
    const known = "there is conv1, block.conv2, block, pool";
    check.throws(
      () => make({ layer: "conv9" })(score, x),
      new RegExp(`${who}: nothing is labelled "conv9"; ${known}$`),
    );
    check.throws(() => make({ layer: "head" })(score, x), new RegExp(`${who}: "head" gives f32.1,3.; .*${known}$`));
    const plain: Score = (z) => sum(relu(z), [1, 2, 3]);
    check.throws(() => make()(plain, x), new RegExp(`${who}: a layer with maps .n,k,h,w. is needed; no label has any`));
    const mixed: Score = (z) =>
      sum(
        reshape(
          label("mixed", () => reshape(mul(z, 2), [2, 1, 6, 6])),
          [1, 72],
        ),
        1,
      );
    check.throws(() => make({ layer: "mixed" })(mixed, x), new RegExp(`${who}: "mixed" gives f32.2,1,6,6.`));
    check.throws(() => make()((z) => sum(z, 1), tensor([[1, 2]])), new RegExp(`${who}: x is f32.1,2.; images`));
    check.throws(() => make({ layer: 3 as unknown as string }), new RegExp(`${who}: layer is 3; a text is needed`));
    check.throws(
      () => make({ positive: 1 as unknown as boolean }),
      new RegExp(`${who}: positive is 1; true or false is needed`),
    );
  }
});

/** As `labelled`, smooth, so that derivatives of every order exist. */
const smooth = (x: Tensor): Tensor => {
  const maps = label("a", () => softplus(conv2d(x, uniform(3, [4, 2, 3, 3], 0.6), { padding: "same" }), 5));
  const pooled = label("b", () => avgPool2d(maps, { size: 2 }));
  return matmul(reshape(softplus(pooled), [x.shape[0], 36]), uniform(4, [36, 3]));
};

referenceTest("their second order is that of finite differences", async () => {
  for (const make of [gradCam, guidedGradCam])
    for (const options of [{ positive: false }, { layer: "a" }]) {
      const score = classScore(smooth, classes(1), { of: "probability" });
      await checkGrads((x: Tensor) => make(options)(score, x), [images(34, 1)], { order: 2 });
      check.ok(true);
      const kinked = classScore(labelled, classes(1), { of: "probability" });
      const layer = options.layer && "block";
      await checkGrads((x: Tensor) => make({ ...options, layer })(kinked, x), [images(34, 1)], { order: 1 });
    }
});

referenceTest("a sample's map depends neither on its batch nor on copies stacked by SmoothGrad", async () => {
  const x = images(35, 2);
  const score = classScore(labelled, classes(0, 2));
  for (const base of [gradCam(), guidedGradCam({ positive: false })]) {
    const together = base(score, x);
    for (const [i, c] of [0, 2].entries()) {
      const alone = base(classScore(labelled, classes(c)), one(x, i));
      check.close(await values(one(together, i)), await values(alone), { atol: 1e-14 });
    }
    const noisy = { samples: 3, sigma: 0.1, key: random.key(1), base };
    const [stacked, singly] = [3, 1].map((chunk) => smoothGrad({ ...noisy, chunk })(score, x));
    check.close(await values(stacked), await values(singly), { atol: 1e-14 });
  }
});

gpuTest("the GPU gives what float64 gives, captured or not, to the second order", async () => {
  for (const explain of [gradCam(), gradCam({ layer: "a", positive: false }), guidedGradCam()]) {
    const run = (z: Tensor): Tensor => {
      const map = (v: Tensor): Tensor => explain(classScore(smooth, classes(0, 2), { of: "probability" }), v);
      return concat([map(z), grad((v: Tensor) => sum(square(map(v))))(z)]);
    };
    const eager = await values(run(images(36, 2)));
    const step = capture((z: Tensor) => [run(z)]);
    try {
      check.close(await values(step(images(36, 2))[0]), eager, { rtol: 1e-4, atol: 1e-6 });
    } finally {
      step.dispose();
    }
    const exact = await onReference(() => values(run(images(36, 2))));
    check.close(eager, exact, { rtol: 1e-3, atol: 1e-6 });
  }
});

referenceTest("they are in the table", async () => {
  const context = { domain: { shape: [2, 6, 6], range: { low: 0, high: 1 } }, key: random.key(0) };
  const score = classScore(labelled, classes(0, 2));
  const x = images(37, 2);
  for (const [name, make] of Object.entries({ "grad-cam": gradCam, "guided-grad-cam": guidedGradCam })) {
    const options = { layer: "conv1", positive: false };
    const made = makeExplainer(name, options, context)(score, x);
    check.equal(await values(made), await values(make(options)(score, x)));
    const plain = makeExplainer(name, {}, context)(score, x);
    check.equal(await values(plain), await values(make()(score, x)));
  }
});
