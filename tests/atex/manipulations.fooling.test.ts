/** Networks trained to show other maps: losses by hand, and a small network that is fooled. */
import {
  atLayer,
  classScore,
  compositesOf,
  foolingLoss,
  gradient,
  gradientTimesInput,
  holdingBoth,
  locationFooling,
  massCentreFooling,
  type ShownMap,
  saliencyMap,
  smoothGrad,
  stillUsed,
  swapLoss,
  topKFooling,
} from "../../atex/index.js";
import {
  add,
  concat,
  grad,
  label,
  matmul,
  mul,
  random,
  relu,
  reshape,
  slice,
  sum,
  type Tensor,
  tensor,
} from "../../engine/index.js";
import { dense, flatten, sequential } from "../../nn/index.js";
import { referenceTest } from "../executors.js";
import { check } from "../harness.js";
import { pictures } from "./honestNet.js";

const mean = (v: readonly number[]): number => v.reduce((a, b) => a + b) / v.length;
const sizes = (v: readonly number[]): number[] => {
  const all = v.map(Math.abs);
  const [low, high] = [Math.min(...all), Math.max(...all)];
  return all.map((u) => (u - low) / (high - low));
};

referenceTest(
  "a map in the frame has no location loss, a constant one a finite loss that passes no derivative",
  async () => {
    const [h, w] = [4, 5];
    const framed = Array.from({ length: h * w }, (_, p) => {
      const [i, j] = [Math.floor(p / w), p % w];
      return Number(i === 0 || i === h - 1 || j === 0 || j === w - 1);
    });
    const maps = pictures([...framed.map((v) => 3 * v), ...framed.map(() => 2)], h, w);
    const { loss } = locationFooling();
    // The constant map counts as one bright element in the corner: 13 of the frame's 14 are missing.
    check.close(await loss(maps, undefined).read(), [0, 13 / 20], { rtol: 1e-6 });
    const slope = await grad((m: Tensor) => sum(loss(m, undefined)))(maps).read();
    check.ok(slope.every(Number.isFinite));
    check.identical(slope.slice(h * w), new Float64Array(h * w));
  },
);

referenceTest(
  "mass-centre loss is minus the mean shift in units of the sides less one; top-k loss looks where the original was large",
  async () => {
    const dot = (h: number, w: number, i: number, j: number): number[] =>
      Array.from({ length: h * w }, (_, p) => Number(p === i * w + j));
    const before = pictures(dot(5, 9, 1, 2), 5, 9);
    const after = pictures(dot(5, 9, 4, 8), 5, 9);
    const { loss, reference, statistic } = massCentreFooling();
    check.close(await loss(after, reference!(before)).read(), [-(3 / 4 + 6 / 8) / 2], { rtol: 1e-6 });
    check.close(await statistic(before, after).read(), [Math.sqrt(((3 / 4) ** 2 + (6 / 8) ** 2) / 2)], { rtol: 1e-6 });
    const topK = topKFooling({ share: 0.25 });
    const original = pictures([9, 8, 1, 0, 0, 0, 0, 0], 2, 4);
    const now = pictures([1, 3, 5, 0, 0, 0, 0, 0], 2, 4);
    check.close(await topK.loss(now, topK.reference!(original)).read(), [(0.2 ** 2 + 0.6 ** 2) / 2], { rtol: 1e-6 });
  },
);

const linear = sequential([flatten, dense(2)]);
/** Of the two classes; the map of a class is its row. */
const ROWS = [
  [1, -4, 2, 0],
  [0, 2, 1, 3],
] as const;
const BIAS = [0.5, 0] as const;
const params = () => [
  null,
  { weight: tensor(Float32Array.from(ROWS.flat()), [2, 4]), bias: tensor(Float32Array.from(BIAS)) },
];
const logitsOf = (x: readonly number[]): number[] =>
  ROWS.map((row, c) => row.reduce((a: number, w, i) => a + w * x[i], BIAS[c]));
const crossEntropyOf = (x: readonly number[], label: number): number => {
  const logits = logitsOf(x);
  return Math.log(logits.reduce((a, v) => a + Math.exp(v), 0)) - logits[label];
};
const slopes: ShownMap = (classifier, x, classes) => saliencyMap(gradient(classScore(classifier, classes), x));
const context = (indices: readonly number[]) => ({ key: random.key(0), indices: tensor(Int32Array.from(indices)) });

const [FIRST, SECOND] = [
  [0.1, 0.2, 0.3, 0.4],
  [0.5, 0, 0.25, 1],
];

referenceTest("passive: CE + λ L_F of the label's map, with what is known of each sample by its place", async () => {
  const x = pictures([...FIRST, ...SECOND], 2, 2);
  // The batch is samples 1 and 0 of the data set; the original map of the first is largest at its element 0, of the other at 3.
  const loss = foolingLoss({
    ...{ objective: topKFooling({ share: 0.25 }), map: slopes, weight: 3 },
    references: pictures([0, 1, 0, 5, 5, 0, 0, 1], 2, 2),
  });
  const y = tensor(Int32Array.of(0, 1));
  const [value] = loss(linear, params(), reshape(x, [2, 1, 2, 2]), y, context([1, 0]));
  const ce = mean([crossEntropyOf(FIRST, 0), crossEntropyOf(SECOND, 1)]);
  const fooling = mean([sizes(ROWS[0])[0] ** 2, sizes(ROWS[1])[3] ** 2]);
  check.close([await value.item()], [ce + 3 * fooling], { rtol: 1e-6 });
});

referenceTest(
  "active: CE, CE of what was predicted, and the distance of each class's map to the original of the other",
  async () => {
    const x = reshape(pictures(FIRST, 2, 2), [1, 1, 2, 2]);
    const loss = swapLoss({
      ...{ map: slopes, weight: 2, batch: 3, classes: [0, 1], images: reshape(pictures(SECOND, 2, 2), [1, 1, 2, 2]) },
      predicted: tensor(Int32Array.of(0)),
      original: [tensor([[1, 0.5, 0, 0]]), tensor([[0, 0, 0.25, 1]])],
    });
    const [value] = loss(linear, params(), x, tensor(Int32Array.of(1)), context([0]));
    const apart = (shown: readonly number[], wanted: readonly number[]): number =>
      mean(sizes(shown).map((v, i) => (v - wanted[i]) ** 2));
    const swap = (apart(ROWS[0], [0, 0, 0.25, 1]) + apart(ROWS[1], [1, 0.5, 0, 0])) / 2;
    const expected = crossEntropyOf(FIRST, 1) + crossEntropyOf(SECOND, 0) + 2 * swap;
    check.close([await value.item()], [expected], { rtol: 1e-6 });
  },
);

referenceTest("an attribution at a layer is that of the layers after it, enlarged to the image", async () => {
  const weight = random.normal(random.key(4), [8, 1]);
  const inside = (x: Tensor): Tensor => label("inside", () => concat([relu(x), mul(x, x)], 1));
  const score = (x: Tensor): Tensor => reshape(matmul(reshape(inside(x), [-1, 8]), weight), [-1]);
  const x = random.normal(random.key(5), [3, 1, 2, 2]);
  const [maps, slope] = [await inside(x).read(), await weight.read()];
  // Two channels of 2×2, which is the size of the image.
  const expected = (of: (s: number, i: number) => number): number[] =>
    Array.from({ length: 12 }, (_, e) => {
      const [s, p] = [Math.floor(e / 4), e % 4];
      return Math.abs(of(s, p)) + Math.abs(of(s, p + 4));
    });
  const times = atLayer(gradientTimesInput, "inside")(score, x);
  check.close(
    await times.read(),
    expected((s, i) => maps[8 * s + i] * slope[i]),
    { rtol: 1e-9 },
  );
  check.close(
    await atLayer(gradient, "inside")(score, x).read(),
    expected((_, i) => slope[i]),
    { rtol: 1e-9 },
  );
  // A colour image shares the map among its channels.
  const colour = (z: Tensor): Tensor => score(sum(z, 1, { keepDims: true }));
  const three = atLayer(gradient, "inside")(colour, random.normal(random.key(6), [2, 3, 2, 2]));
  check.equal(three.shape, [2, 3, 2, 2]);
  check.close(await sum(three, 1).read(), expected((_, i) => slope[i]).slice(0, 8), { rtol: 1e-9 });
  // What is trained through it: the derivative with respect to the weights.
  const through = (w: Tensor): Tensor =>
    sum(atLayer(gradientTimesInput, "inside")((z) => reshape(matmul(reshape(inside(z), [-1, 8]), w), [-1]), x));
  const bySize = Array.from(
    { length: 8 },
    (_, i) => Math.sign(slope[i]) * [0, 1, 2].reduce((a, s) => a + Math.abs(maps[8 * s + i]), 0),
  );
  check.close(await grad(through)(weight).read(), bySize, { rtol: 1e-9 });
  const noisy = atLayer(smoothGrad({ key: random.key(0), samples: 4 }), "inside");
  check.throws(() => noisy(score, x), /12 samples were asked about at once where 3 came/);
  check.throws(() => atLayer(gradient, "nowhere")(score, x), /nothing is labelled "nowhere"/);
});

referenceTest("images with two classes: squeezed beside each other, or the mean", async () => {
  const a = reshape(pictures([0, 0, 2, 2, 4, 4, 6, 6], 2, 4), [1, 1, 2, 4]);
  const b = add(mul(a, 0), 10);
  check.close(await holdingBoth(a, b, "side-by-side").read(), [0, 2, 10, 10, 4, 6, 10, 10], { atol: 1e-6 });
  check.close(await holdingBoth(a, b, "blended").read(), [5, 5, 6, 6, 7, 7, 8, 8], { atol: 1e-6 });
  check.throws(() => holdingBoth(a, reshape(b, [1, 2, 2, 2]), "blended"), /two stacks of images/);
  const split = { shape: [1, 1, 2], samples: Float32Array.of(1, 1, 2, 2, 3, 3), labels: Int32Array.of(0, 1, 0) };
  check.close(await compositesOf(split, [0, 1], "blended", 9).read(), [1.5, 1.5, 2.5, 2.5], { rtol: 1e-6 });
  check.throws(() => compositesOf(split, [0, 2], "blended", 9), /2 and 0 images of classes 0 and 2/);
});

referenceTest(
  "AOPC: along maps that point to what is used the score falls at once, along others it does not",
  async () => {
    const [n, side] = [2, 14];
    const lit = (rows: boolean): Tensor =>
      tensor(
        Float32Array.from({ length: n * side * side }, (_, i) => {
          const [row, column] = [Math.floor((i % (side * side)) / side), i % side];
          return Number(rows ? row < 2 && column < 2 : row > 11 && column > 11);
        }),
        [n, side, side],
      );
    // Looks at the first corner only, which is as bright as can be.
    const corner = reshape(slice(lit(true), [0, 0, 0], [1, side, side]), [side * side, 1]);
    const classifier = (x: Tensor): Tensor => {
      const seen = matmul(reshape(x, [-1, side * side]), corner);
      return concat([mul(seen, 5), mul(seen, 0)], 1);
    };
    const x = reshape(lit(true), [n, 1, side, side]);
    const classes = tensor(new Int32Array(n));
    const maps = { honest: lit(true), fooled: lit(false) };
    const all = await stillUsed({ honest: classifier, fooled: classifier, x, classes, maps, seed: 0, steps: 1 });
    const of = (network: string, order: string): number =>
      all.find(({ conditions }) => conditions?.network === network && conditions.order === order)!.value;
    check.ok(of("honest", "honest maps") > 1e-6 && of("honest", "honest maps") === of("fooled", "honest maps"));
    check.is(of("fooled", "fooled maps"), 0);
    check.is(all.length, 5);
  },
);
