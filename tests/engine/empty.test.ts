/** Tensors without elements: every op on axes, windows and images follows its shape rule, eager, captured and differentiated, on both
 *  executors, and what sums over nothing gives what is summed up to begin with. */
import { capture } from "../../engine/capture.js";
import { grad } from "../../engine/grad.js";
import * as h from "../../engine/index.js";
import type { Sample } from "../../engine/op.js";
import { table } from "../../engine/ops/table.js";
import { shapeOf } from "../../engine/shape-of.js";
import type { Tensor } from "../../engine/tensor.js";
import { gradients, isDifferentiable, secondOrder } from "../derivatives.js";
import { gpuTest, referenceTest } from "../executors.js";
import { check } from "../harness.js";
import { tensorsOf } from "../values.js";

type Shape = readonly number[];

/** x [n,c,h,w] → anything, with the shape of the result. */
const probes: Readonly<Record<string, readonly [f: (x: Tensor) => Tensor, shape: (x: Shape) => Shape]>> = {
  avgPool2d: [(x) => h.avgPool2d(x, { size: 2 }), ([n, c]) => [n, c, 1, 1]],
  "avgPool2d, overlapping": [(x) => h.avgPool2d(x, { size: 2, stride: 1, padding: 1 }), ([n, c]) => [n, c, 3, 3]],
  "avgPool2d, padding left out": [
    (x) => h.avgPool2d(x, { size: 2, padding: 1, countIncludePad: false }),
    ([n, c]) => [n, c, 2, 2],
  ],
  globalAvgPool2d: [(x) => h.globalAvgPool2d(x), ([n, c]) => [n, c, 1, 1]],
  maxPool2d: [(x) => h.maxPool2d(x, { size: [2, 1], stride: 1, padding: "same" }), ([n, c]) => [n, c, 2, 2]],
  windowSum: [(x) => h.windowSum(x, { size: 2 }), ([n, c]) => [n, c, 1, 1]],
  windowSpread: [(x) => h.windowSpread(x, { size: 1, image: [2, 2] }), (x) => x],
  conv2d: [(x) => h.conv2d(x, h.ones([3, x.shape[1], 2, 2])), ([n]) => [n, 3, 1, 1]],
  "conv2d, padded": [
    (x) => h.conv2d(x, h.ones([3, x.shape[1], 2, 2]), { padding: 1, stride: 2 }),
    ([n]) => [n, 3, 2, 2],
  ],
  convTranspose2d: [(x) => h.convTranspose2d(x, h.ones([x.shape[1], 3, 2, 2])), ([n]) => [n, 3, 3, 3]],
  "conv2d by x": [(x) => h.conv2d(h.ones([2, x.shape[1], 3, 3]), x), ([n]) => [2, n, 2, 2]],
  resize2d: [(x) => h.resize2d(x, [3, 4]), ([n, c]) => [n, c, 3, 4]],
  "resize2d to the nearest": [(x) => h.resize2d(x, [3, 4], { mode: "nearest" }), ([n, c]) => [n, c, 3, 4]],
  matmul: [(x) => h.matmul(x, h.ones([2, 5])), ([n, c]) => [n, c, 2, 5]],
  "matmul of batches": [(x) => h.matmul(x, x, { transposeB: true }), (x) => x],
  layerNorm: [(x) => h.layerNorm(x), (x) => x],
  batchStatistics: [(x) => h.batchStatistics(x).variance, ([, c]) => [c]],
  softmax: [(x) => h.softmax(x, 1), (x) => x],
  logSoftmax: [(x) => h.logSoftmax(x), (x) => x],
  sort: [(x) => h.sort(x, { axis: 0 }), (x) => x],
  topK: [(x) => h.topK(x, 1).values, ([n, c, r]) => [n, c, r, 1]],
  median: [(x) => h.median(x), ([n, c, r]) => [n, c, r]],
  cumsum: [(x) => h.cumsum(x, 1), (x) => x],
  prod: [(x) => h.prod(x, 0), ([, c, r, s]) => [c, r, s]],
  max: [(x) => h.max(x, 3), ([n, c, r]) => [n, c, r]],
  norm: [(x) => h.norm(x, 1), ([n, , r, s]) => [n, r, s]],
  logSumExp: [(x) => h.logSumExp(x, 2), ([n, c, , s]) => [n, c, s]],
  averageRank: [(x) => h.averageRank(x), (x) => x],
  gather: [(x) => h.gather(x, h.tensor(Int32Array.of(1, 0, 1)), 3), ([n, c, r]) => [n, c, r, 3]],
  pad: [
    (x) =>
      h.pad(x, [
        [0, 0],
        [1, 0],
        [0, 0],
        [0, 2],
      ]),
    ([n, c, r, s]) => [n, c + 1, r, s + 2],
  ],
  where: [(x) => h.where(h.greater(x, 0), x, 1), (x) => x],
};

for (const [name, [f, shapeRule]] of Object.entries(probes)) {
  const body = async (): Promise<void> => {
    for (const shape of [
      [0, 2, 2, 2],
      [2, 0, 2, 2],
      [0, 0, 2, 2],
    ]) {
      const x = h.zeros(shape);
      const expected = [...shapeRule(shape)];
      const slope = grad((v: Tensor) => h.sum(h.square(f(v))));
      const second = grad((v: Tensor) => h.sum(h.square(slope(v))));
      const all = (v: Tensor): Tensor[] => [h.mul(f(v), 1), slope(v), second(v)];
      using step = capture(all);
      check.equal([...shapeOf(() => f(x)).shape], expected, `${name} of [${shape}], by its rule`);
      for (const [how, [y, g, gg]] of [
        ["eager", all(x)],
        ["captured", step(x)],
      ] as const) {
        check.equal([...y.shape], expected, `${name} of [${shape}], ${how}`);
        check.equal([...g.shape, ...gg.shape], [...shape, ...shape], `the gradients of ${name} of [${shape}], ${how}`);
        const values = await y.read();
        check.is(values.length, y.size);
        check.is((await g.read()).length + (await gg.read()).length, 0);
        // Sums over no channels.
        if (name.startsWith("conv2d") || name.startsWith("norm")) check.ok([...values].every((v) => v === 0));
      }
    }
  };
  referenceTest(`${name} without elements, in float64`, body);
  gpuTest(`${name} without elements, on the GPU`, body);
}

/** The sample with 0 for every side of one length, in all inputs alike, so that sides which must agree still do. */
function emptied(sample: Sample): Sample[] {
  const lengths = new Set(sample.inputs.flatMap(({ shape }) => shape).filter((side) => side > 0));
  return [...lengths].map((length) => ({
    ...sample,
    inputs: sample.inputs.map((spec) => ({ ...spec, shape: spec.shape.map((side) => (side === length ? 0 : side)) })),
    note: `${sample.note ?? ""} without ${length}`,
  }));
}

/** Ops whose samples fit no other shape: a key has two words, and what is expanded is given its sides. */
const REFUSING = ["expand", "firstOfRows", "foldKey", "randomBits"];

/** Every op of the table: a call without elements gives what its shape rule says, in every way to run it, or is refused in a
 *  sentence. */
async function withoutElements(op: (typeof table)[number], order: 1 | 2): Promise<void> {
  let accepted = 0;
  for (const [i, sample] of op.samples().flatMap(emptied).entries()) {
    const name = `${op.name} ${sample.note}`;
    const inputs = tensorsOf(sample.inputs, 400 + i);
    let expected: Shape;
    try {
      expected = shapeOf(() => sample.call(...inputs)).shape;
    } catch (error) {
      check.ok(error instanceof h.ShapeError || error instanceof RangeError, `${name}: ${error}`);
      check.ok(!/internal/.test(String(error)), `${name}: ${error}`);
      continue;
    }
    accepted++;
    const isSmooth = isDifferentiable(op, sample);
    const all = (...xs: Tensor[]): Tensor[] => [
      h.mul(h.cast(sample.call(...xs), "f32"), 1),
      ...(isSmooth ? gradients(sample, xs) : []),
      ...(isSmooth && order === 2 ? secondOrder(sample, xs) : []),
    ];
    const floats = sample.inputs.filter(({ dtype = "f32" }) => dtype === "f32").map(({ shape }) => shape);
    using step = capture(all);
    for (const [how, [y, ...slopes]] of [
      ["eager", all(...inputs)],
      ["captured", step(...inputs)],
    ] as const) {
      check.equal([...y.shape], [...expected], `${name}, ${how}`);
      check.equal((await y.read()).length, y.size, `${name}, ${how}`);
      const shapes = floats.map((shape) => [...shape]);
      if (isSmooth) check.equal(slopes.map(({ shape }) => [...shape]), order === 2 ? [...shapes, ...shapes] : shapes, `gradients of ${name}, ${how}`); // biome-ignore format: one line
      for (const slope of slopes) check.is((await slope.read()).length, slope.size);
    }
  }
  const takesTensors = op.samples().some(({ inputs }) => inputs.some(({ shape }) => shape.length > 0));
  check.ok(
    accepted > 0 || !takesTensors || REFUSING.includes(op.name),
    `${op.name} accepts no tensor without elements`,
  );
}

for (const op of table) {
  referenceTest(`${op.name} of the table without elements, in float64`, () => withoutElements(op, 2));
  gpuTest(`${op.name} of the table without elements, on the GPU`, () => withoutElements(op, 1));
}
