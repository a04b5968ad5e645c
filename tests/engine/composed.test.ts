/** Ops made of other ops: values by hand, derivatives to the third order, refusals. */
import { capture } from "../../engine/capture.js";
import { checkGrads } from "../../engine/check.js";
import { grad } from "../../engine/grad.js";
import { mul } from "../../engine/ops/arithmetic.js";
import { convTranspose2d } from "../../engine/ops/conv.js";
import { conv1d } from "../../engine/ops/conv1d.js";
import { arange } from "../../engine/ops/create.js";
import { einsum } from "../../engine/ops/einsum.js";
import { dot, outer } from "../../engine/ops/matmul.js";
import { batchNorm, batchStatistics, groupNorm, layerNorm } from "../../engine/ops/norm.js";
import { type AvgPoolOptions, avgPool2d, globalAvgPool2d } from "../../engine/ops/pool.average.js";
import { sum } from "../../engine/ops/reduce.js";
import { resample, resize2d } from "../../engine/ops/resize.js";
import { median, quantile, sort, topK } from "../../engine/ops/sort.js";
import { causalMask, tril, triu } from "../../engine/ops/triangle.js";
import { ravel } from "../../engine/ops/view.js";
import { sizeOf } from "../../engine/shape.js";
import { type Tensor, tensor } from "../../engine/tensor.js";
import { gpuTest, onReference, referenceTest } from "../executors.js";
import { check } from "../harness.js";
import { generator, tensorsOf } from "../values.js";

const values = async (t: Tensor): Promise<number[]> => [...(await t.read())];

const cases: readonly [name: string, shapes: readonly number[][], f: (...xs: Tensor[]) => Tensor][] = [
  ["dot", [[4], [4]], dot],
  ["outer", [[3], [2]], outer],
  ["globalAvgPool2d", [[2, 2, 2, 3]], globalAvgPool2d],
  [
    "convTranspose2d",
    [
      [1, 2, 3, 2],
      [2, 3, 2, 2],
    ],
    (x, w) => convTranspose2d(x, w, { stride: 2, padding: 1 }),
  ],
  ["resize2d", [[1, 2, 2, 3]], (x) => resize2d(x, [3, 2])],
  ["layerNorm", [[2, 3], [3], [3]], (x, scale, shift) => layerNorm(x, { scale, shift })],
  ["groupNorm", [[2, 4, 3], [4], [4]], (x, scale, shift) => groupNorm(x, 2, { scale, shift })],
  ["batchNorm", [[3, 2, 2], [2], [2]], (x, scale, shift) => batchNorm(x, batchStatistics(x), { scale, shift })],
  ["sort", [[2, 5]], (x) => sort(x, { axis: 0, descending: true })],
  ["topK", [[2, 5]], (x) => topK(x, 2).values],
  ["tril", [[2, 3, 4]], (x) => tril(x, 1)],
  ["triu", [[3, 2]], (x) => triu(x)],
  ["ravel", [[2, 3]], ravel],
  [
    "conv1d",
    [
      [2, 4, 6],
      [2, 2, 3],
    ],
    (x, w) => conv1d(x, w, { stride: 2, padding: [1, 0], dilation: 2, groups: 2 }),
  ],
  [
    "einsum",
    [
      [2, 3, 4],
      [2, 4, 5],
      [5, 3],
    ],
    (a, b, c) => einsum("bij,bjk,ki->bk", a, b, c),
  ],
  ["quantile", [[3, 4]], (x) => quantile(x, 0.3, { axis: 1 })],
];
for (const [name, shapes, f] of cases)
  referenceTest(`${name}: orders 1 to 3`, async () => {
    await checkGrads(
      f,
      tensorsOf(
        shapes.map((shape) => ({ shape, distinct: true })),
        5,
      ),
      { order: 3 },
    );
    check.ok(true, "checkGrads throws when a derivative is wrong");
  });

referenceTest("dot, outer and the global average by hand", async () => {
  check.equal(await values(dot(tensor([1, 2, 3]), tensor([4, 5, 6]))), [32]);
  check.equal(await values(outer(tensor([1, 2]), tensor([3, 4]))), [3, 4, 6, 8]);
  check.equal(await values(globalAvgPool2d(tensor([[[[1, 2, 3, 6]]]]))), [3]);
});

referenceTest("triangles, a row and a range by hand", async () => {
  const x = tensor([
    [1, 2, 3],
    [4, Number.NaN, Number.POSITIVE_INFINITY],
  ]);
  check.equal(await values(tril(x, -1)), [0, 0, 0, 4, 0, 0]);
  check.equal(await values(triu(x, 2)), [0, 0, 3, 0, 0, 0]);
  check.equal(await values(tril(tensor(Int32Array.of(1, 2, 3, 4), [2, 2]))), [1, 0, 3, 4]);
  check.equal(await values(causalMask(3)), [1, 0, 0, 1, 1, 0, 1, 1, 1]);
  check.equal([...ravel(x).shape], [6]);
  check.equal(await values(arange(4)), [0, 1, 2, 3]);
});

referenceTest("conv1d by hand, and as PyTorch names its paddings", async () => {
  const x = tensor([[[1, 2, 4, 8]]]);
  const w = tensor([[[1, -1, 0]]]);
  check.equal(await values(conv1d(x, w)), [-1, -2]);
  check.equal(await values(conv1d(x, w, { padding: "same" })), [-1, -1, -2, -4]);
  check.equal(await values(conv1d(x, w, { stride: 2, padding: [2, 1] })), [0, 1 - 2, 4 - 8]);
  check.equal(await values(conv1d(x, w, { dilation: 2, padding: 1 })), [-2, 1 - 4]);
});

referenceTest("batchNorm with given statistics is one affine map", async () => {
  const x = tensor([
    [1, 10],
    [3, 20],
  ]);
  const given = { mean: tensor([1, 10]), variance: tensor([4, 25]) };
  check.close(await values(batchNorm(x, given, { epsilon: 0 })), [0, 0, 1, 2], { atol: 1e-12 });
});

const MEAN = 1000;
const channelsOf = (of: (c: number) => number): Tensor => tensor(Float32Array.of(of(0), of(1), of(2)));
const statistics = () => ({ mean: channelsOf((c) => MEAN + 0.1 * c), variance: channelsOf((c) => 1 + 0.1 * c) });
const normForms: Readonly<Record<string, (x: Tensor, scale: Tensor, shift: Tensor) => Tensor>> = {
  "given statistics": (x, scale, shift) => batchNorm(x, statistics(), { scale, shift }),
  "the batch's statistics": (x, scale, shift) => batchNorm(x, batchStatistics(x), { scale, shift }),
};

for (const [name, form] of Object.entries(normForms))
  gpuTest(`batchNorm of values around ${MEAN}, variance 1, by ${name}, is as exact as they are`, async () => {
    const shape = [32, 3, 8, 8];
    const size = sizeOf(shape);
    const random = generator(7);
    // A sum of twelve: close to a normal distribution of variance 1.
    const bell = (): number => Array.from({ length: 12 }, random).reduce((a, b) => a + b) - 6;
    const data = Float32Array.from({ length: size }, () => MEAN + bell());
    const weights = Float32Array.from({ length: size }, bell);
    const both = (x: Tensor): Tensor[] => {
      const [scale, shift] = [channelsOf((c) => 1 - c), channelsOf((c) => c)];
      const f = (z: Tensor): Tensor => form(z, scale, shift);
      return [f(x), grad((z: Tensor) => sum(mul(f(z), tensor(weights, shape))))(x)];
    };
    const read = async (run: (x: Tensor) => Tensor[]): Promise<number[][]> =>
      Promise.all(run(tensor(data, shape)).map(values));
    const [y, slope] = await onReference(() => read(both));
    // In y = slope · x + offset three values are of the size of the mean, each rounded by 2⁻²⁴ of itself at most; the mean of a
    // batch, a sum in parts, is another. Scales are at most 1 in size, and deviations at least about 1.
    const bound = 4 * 2 ** -24 * MEAN;
    using step = capture(both);
    for (const [way, run] of Object.entries({ eager: both, captured: step })) {
      const [found, gradient] = await read(run);
      check.close(found, y, { atol: bound }, way);
      // Of the gradient only its largest part matters: it is multiplied by the same slope.
      check.close(gradient, slope, { atol: bound * Math.max(...slope.map(Math.abs)) }, `${way}, gradient`);
    }
  });

referenceTest("sort, topK and median by hand, with ties", async () => {
  const x = tensor([
    [3, 1, 2, 3],
    [0, 0, -1, 5],
  ]);
  check.equal(await values(sort(x)), [1, 2, 3, 3, -1, 0, 0, 5]);
  check.equal(await values(sort(x, { axis: 0, descending: true })), [3, 1, 2, 5, 0, 0, -1, 3]);
  const { values: top, indices } = topK(x, 2);
  check.equal(
    [await values(top), await values(indices)],
    [
      [3, 3, 5, 0],
      [0, 3, 3, 0],
    ],
  );
  check.equal(await values(topK(x, 1, { axis: 0, smallest: true }).indices), [1, 1, 1, 0]);
  check.equal(await values(median(x, { axis: 1 })), [2.5, 0]);
});

referenceTest("ops made of ops refuse what does not fit", () => {
  const image = tensor(new Float32Array(8), [1, 2, 2, 2]);
  check.throws(() => dot(tensor([1, 2]), tensor([1])), /dot: f32\[2\] and f32\[1\] given; two vectors of one length/);
  check.throws(() => outer(image, tensor([1])), /outer: f32\[1,2,2,2\] and f32\[1\] given; two vectors/);
  check.throws(() => convTranspose2d(image, image, { padding: "same" }), /convTranspose2d: padding "same" does not/);
  check.throws(() => convTranspose2d(image, image, { outputPadding: 1 }), /outputPadding 1,1 is not smaller/);
  // Plain JavaScript may leave it out, or call it otherwise.
  check.throws(() => avgPool2d(image, {} as AvgPoolOptions), /avgPool2d: size is undefined; integers of at least 1/);
  check.throws(() => resize2d(image, [0, 2]), /resize2d: size is \[0,2\]/);
  check.throws(() => resample(image, 2, [[[2, 1]]]), /resample: a tap of position 2 .* of f32\[1,2,2,2\]/);
  check.throws(() => groupNorm(image, 3), /groupNorm: f32\[1,2,2,2\] has 2 channels, which do not fall into 3 groups/);
  check.throws(
    () => batchNorm(image, { mean: tensor([1]), variance: tensor([1]) }),
    /f32\[1\] given for the 2 channels/,
  );
  check.throws(() => topK(image, 3), /topK: 3 of f32\[1,2,2,2\] asked for along axis 3, which has 2/);
  check.throws(() => tril(tensor([1])), /^tril: f32\[1\] given; matrices/);
  check.throws(() => triu(image, 0.5), /^triu: diagonal 0\.5 given; an integer/);
  check.throws(() => conv1d(image, image), /^conv1d: x f32\[1,2,2,2\] and w f32\[1,2,2,2\] given; \[n,c,l\]/);
  const [row, window] = [tensor([[[1, 2]]]), tensor([[[1], [1]]])];
  check.throws(
    () => conv1d(row, window),
    /^conv1d: x f32\[1,1,2\] has 1 channels, w f32\[1,2,1\] with groups 1 expects 2/,
  );
  check.throws(
    () => conv1d(row, row, { stride: [1, 1] as never }),
    /^conv1d: stride is a list of 2; a number is needed/,
  );
  check.throws(() => quantile(image, 1.5), /quantile: 1.5 given; a number on \[0, 1\]/);
});
