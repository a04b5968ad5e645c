/** Fixed factors of channels: put into fixed weights where that changes nothing but rounding, and nowhere else. */
import { capture } from "../../engine/capture.js";
import { grad } from "../../engine/grad.js";
import { relu } from "../../engine/ops/activations.js";
import { add, mul, neg } from "../../engine/ops/arithmetic.js";
import { cast } from "../../engine/ops/cast.js";
import { conv2d } from "../../engine/ops/conv.js";
import { zeros } from "../../engine/ops/create.js";
import { matmul } from "../../engine/ops/matmul.js";
import { reshape } from "../../engine/ops/movement.js";
import { batchNorm } from "../../engine/ops/norm.js";
import { sum } from "../../engine/ops/reduce.js";
import { square } from "../../engine/ops/unary.js";
import { sizeOf } from "../../engine/shape.js";
import type { Tensor } from "../../engine/tensor.js";
import type { Tree } from "../../engine/tree.js";
import { gpuTest, onReference } from "../executors.js";
import { check, test } from "../harness.js";
import { tensorsOf } from "../values.js";
import { llvmpipe, programOn } from "./programs.js";

const shapes = { x: [2, 6, 5, 5], w: [4, 6, 3, 3], s: [4, 1, 1] };
const [x, w, s] = Object.values(shapes);

/** Launches in each call that multiply what is as large as none of the operands: results, and not weights. */
function products(
  given: readonly (readonly number[])[],
  closedOver: readonly (readonly number[])[],
  step: (args: Tensor[], fixed: Tensor[]) => Tree,
): number {
  const { launches } = programOn(llvmpipe, () => {
    const fixed = closedOver.map((shape) => zeros(shape));
    return { step: (...args: Tensor[]) => step(args, fixed), args: given.map((shape) => zeros(shape)) };
  });
  const sizes = [...given, ...closedOver].map(sizeOf);
  return launches.filter(({ kernel, bind }) => {
    const y = bind.out0 ?? bind.fused_out0;
    return y && !sizes.includes(sizeOf(y.shape)) && kernel.name.split(/[+_]/).includes("mul");
  }).length;
}

test("a factor for each channel goes into weights that are closed over with it", () => {
  const none = (...args: Parameters<typeof products>): void => check.is(products(...args), 0);
  none([x], [w, s], ([x], [w, s]) => mul(conv2d(x, w), s));
  none([x], [w, s], ([x], [w, s]) => mul(s, conv2d(x, w, { stride: 2, padding: 1 })));
  none([x], [w, [1, 4, 1, 1]], ([x], [w, s]) => mul(conv2d(x, w), s));
  none([x], [w, [4]], ([x], [w, s]) => mul(conv2d(x, w), reshape(square(s), [4, 1, 1])));
  none(
    [x],
    [
      [6, 1, 3, 3],
      [6, 1, 1],
    ],
    ([x], [w, s]) => mul(conv2d(x, w, { groups: 6 }), s),
  );
  none([[5, 6]], [[6, 4], [4]], ([x], [w, s]) => mul(matmul(x, w), s));
  none(
    [[5, 6]],
    [
      [4, 6],
      [1, 4],
    ],
    ([x], [w, s]) => mul(matmul(x, w, { transposeB: true }), s),
  );
});

test("it stays where another reads the result, the weights or the factor are arguments, or it is none of channels", () => {
  const one = (...args: Parameters<typeof products>): void => check.is(products(...args), 1);
  one([x], [w, s], ([x], [w, s]) => {
    const y = conv2d(x, w);
    return [mul(y, s), neg(y)];
  });
  one([x], [w, s], ([x], [w, s]) => {
    const y = conv2d(x, w);
    return [y, mul(y, s)];
  });
  one([x, w], [s], ([x, w], [s]) => mul(conv2d(x, w), s));
  one([x, s], [w], ([x, s], [w]) => mul(conv2d(x, w), s));
  one([x], [w, [2, 1, 1, 1]], ([x], [w, s]) => mul(conv2d(x, w), s));
  one([x], [w, [3, 3]], ([x], [w, s]) => mul(conv2d(x, w), s));
  one([x], [w, [4, 3, 3]], ([x], [w, s]) => mul(conv2d(x, w), s));
  one([x], [w, [3, 2, 4, 1, 1]], ([x], [w, s]) => mul(conv2d(x, w), reshape(sum(s, 0), [2, 4, 1, 1])));
  one([x], [w], ([x], [w]) => mul(conv2d(x, w), 3));
  one(
    [[5, 6]],
    [
      [6, 5],
      [5, 1],
    ],
    ([x], [w, s]) => mul(matmul(x, w), s),
  );
  one([[2, 5, 6]], [[2, 6, 4], [4]], ([x], [w, s]) => mul(matmul(x, w), s));
  // What halves are unpacked to is not kept between calls, nor is what would be made of it.
  one([x], [w, s], ([x], [w, s]) => mul(conv2d(x, cast(cast(w, "f16"), "f32")), s));
  // The gradient for s needs the convolution as it was.
  one([x], [w, s], ([x], [w, s]) => grad((s: Tensor) => sum(relu(mul(conv2d(x, w), s))))(s));
});

gpuTest("what is computed stays the same to rounding, and so do gradients", async () => {
  const specs = [
    { shape: [2, 6, 9, 9] },
    ...[{ shape: [8, 6, 3, 3] }, { shape: [8, 1, 3, 3] }, { shape: [8, 5] }],
    ...[{ shape: [8] }, { shape: [8] }, { shape: [8], low: 0.5, high: 2 }, { shape: [5] }],
  ];
  const network = (x: Tensor, ...[w, deep, dense, shift, mean, variance, factor]: Tensor[]): Tensor => {
    const statistics = { mean, variance };
    const first = relu(batchNorm(conv2d(x, w, { padding: 1 }), statistics, { scale: shift, shift: mean }));
    const second = batchNorm(conv2d(first, deep, { groups: 8, stride: 2 }), statistics, { shift });
    return add(mul(matmul(sum(relu(second), [2, 3]), dense), factor), 1);
  };
  const expected = await onReference(async () => {
    const [x, ...weights] = tensorsOf(specs, 3);
    const slope = grad((x: Tensor) => sum(square(network(x, ...weights))))(x);
    return [await network(x, ...weights).read(), await slope.read()];
  });
  const [x, ...weights] = tensorsOf(specs, 3);
  using step = capture((x: Tensor) => [
    network(x, ...weights),
    grad((x: Tensor) => sum(square(network(x, ...weights))))(x),
  ]);
  await step.verify(x);
  for (const [i, y] of step(x).entries()) {
    const largest = Math.max(...expected[i].map(Math.abs));
    check.close(await y.read(), expected[i], { rtol: 1e-5, atol: 1e-5 * largest }, `output ${i}`);
  }
});
