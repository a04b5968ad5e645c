/** What ops do with NaN, infinities and equal elements, on the GPU as in the reference. */
import { grad, hessian } from "../../engine/grad.js";
import { add, mul, sub } from "../../engine/ops/arithmetic.js";
import { pow } from "../../engine/ops/binary.js";
import { cast } from "../../engine/ops/cast.js";
import { stack } from "../../engine/ops/concat.js";
import { argmax, argmin } from "../../engine/ops/extremes.js";
import { reshape } from "../../engine/ops/movement.js";
import { layerNorm } from "../../engine/ops/norm.js";
import { avgPool2d } from "../../engine/ops/pool.average.js";
import { maxPool2d, poolIndices } from "../../engine/ops/pool.max.js";
import { prod } from "../../engine/ops/prod.js";
import { averageRank, concordance } from "../../engine/ops/rank.js";
import { sum } from "../../engine/ops/reduce.js";
import { resample, resize2d } from "../../engine/ops/resize.js";
import { slice } from "../../engine/ops/slice.js";
import { logSoftmax, softmax } from "../../engine/ops/softmax.js";
import { median, quantile, sort, topK } from "../../engine/ops/sort.js";
import { nanMask } from "../../engine/ops/unary.js";
import { type Tensor, tensor } from "../../engine/tensor.js";
import { readAll } from "../derivatives.js";
import { gpuTest, onGpu, onReference } from "../executors.js";
import { check } from "../harness.js";

const { NaN: nan, POSITIVE_INFINITY: inf } = Number;

/** `f` gives `expected` on both executors, to rounding. */
function both(name: string, expected: number[], f: () => Tensor): void {
  gpuTest(name, async () => {
    const run = async (): Promise<number[]> => [...(await f().read())];
    check.close(await onReference(run), expected, { rtol: 1e-6, atol: 1e-7 });
    check.close(await onGpu(run), expected, { rtol: 1e-5, atol: 1e-6 });
  });
}

const image = (): Tensor =>
  tensor([
    [
      [
        [1, 5, nan, 2],
        [5, 0, 3, nan],
        [-inf, -inf, 7, 7],
        [-inf, -inf, 7, 7],
      ],
    ],
  ]);
both("max pooling hands NaN on", [5, nan, -inf, 7], () => maxPool2d(image(), { size: 2 }));
both("max pooling takes the first of equals, and the first NaN", [1, 2, 8, 10], () =>
  poolIndices(image(), { size: 2 }),
);
both("average pooling hands NaN on", [2.75, nan, -inf, 7], () => avgPool2d(image(), { size: 2, stride: 2 }));

both("softmax gives masked elements nothing", [0, 0.5, 0.5, 0, 1, 0], () =>
  softmax(
    tensor([
      [-inf, 2, 2],
      [-inf, 3, -inf],
    ]),
  ),
);
both("softmax of one NaN is NaN, as is that of nothing", [nan, nan, nan, nan], () =>
  softmax(
    tensor([
      [1, nan],
      [-inf, -inf],
    ]),
  ),
);
both("logSoftmax of far apart elements stays exact", [0, -200, -1e30, 0], () =>
  logSoftmax(
    tensor([
      [100, -100],
      [-1e30, 0],
    ]),
  ),
);
both("layerNorm of a constant is 0", [0, 0, 0], () => layerNorm(tensor([3, 3, 3])));

both("argmin and argmax give the first NaN, as NumPy", [1, 1, 2, 0], () => {
  const x = tensor([
    [3, nan, 1, nan],
    [5, 4, -inf, inf],
  ]);
  return stack([cast(argmin(x), "f32"), cast(argmax(slice(x, [0, 0], [2, 3])), "f32")], 1);
});
both("argmin finds a NaN among thousands", [4321], () =>
  argmin(tensor(Float32Array.from({ length: 5000 }, (_, i) => (i === 4321 ? nan : -i)))),
);

// The product of the others: 0 for each of three zeros, and the others' product between two.
const hessianOfProduct = (values: number[]): Tensor => hessian((x) => prod(x))(tensor(values));
both("the second derivative of a product with one zero", [0, 3, 2, 3, 0, 0, 2, 0, 0], () =>
  hessianOfProduct([0, 2, 3]),
);
both("the second derivative of a product with two zeros", [0, 3, 0, 3, 0, 0, 0, 0, 0], () =>
  hessianOfProduct([0, 0, 3]),
);
both("the second derivative of a product with three zeros", [0, 0, 0, 0, 0, 0, 0, 0, 0], () =>
  hessianOfProduct([0, 0, 0]),
);
both("the third derivative of a product where it and its slopes vanish", [6], () => {
  const third = (x: Tensor): Tensor => slice(reshape(hessian((v) => prod(v))(x), [9]), [1], [1]);
  return slice(grad((x: Tensor) => sum(mul(third(x), 6)))(tensor([0, 0, 0])), [2], [1]);
});

both("sort puts NaN last", [-inf, 1, inf, nan], () => sort(tensor([nan, inf, 1, -inf])));
both("a descending sort puts NaN last too", [inf, 1, -inf, nan], () =>
  sort(tensor([nan, inf, 1, -inf]), { descending: true }),
);
both("topK takes the first of equals", [1, 3], () => topK(tensor([0, 4, 1, 4, 4]), 2).indices);

// x: 0 0 0 0 0 2 4, y: 2 1 0.5 0 -1 0 0.5; what PyTorch gives.
const base = (): Tensor => tensor([0, 0, 0, 0, 0, 2, 4]);
const exponent = (): Tensor => tensor([2, 1, 0.5, 0, -1, 0, 0.5]);
both("d/dx of x to the y at 0", [0, 1, inf, 0, -inf, 0, 0.25], () =>
  grad((x: Tensor) => sum(pow(x, exponent())))(base()),
);
both("d/dy of x to the y at 0", [0, 0, 0, 0, -inf, Math.LN2, 2 * Math.log(4)], () =>
  grad((y: Tensor) => sum(pow(base(), y)))(exponent()),
);
both("the second derivative of x to the y at 0", [2, 0, 0], () => {
  const slope = grad((x: Tensor) => sum(pow(x, tensor([2, 1, 3]))));
  return grad((x: Tensor) => sum(slope(x)))(tensor([0, 0, 0]));
});
both("the mixed derivative of x to the y at y = 0 is 1/x", [0.5, 0.25], () => {
  const slope = (y: Tensor): Tensor => sum(grad((x: Tensor) => sum(pow(x, y)))(tensor([2, 4])));
  return grad(slope)(tensor([0, 0]));
});

const holes = (): Tensor =>
  tensor([
    [nan, 1, 2],
    [1, 2, nan],
    [inf, 1, 2],
    [-inf, inf, 1],
  ]);
both("the median of rows with NaN is NaN, as in NumPy", [nan, nan, 2, 1], () => median(holes()));
// The neighbour above is not looked at where its weight is 0.
both("quantiles of rows with NaN are NaN, even the smallest", [nan, nan, 1, -inf], () => quantile(holes(), 0));
both("quantiles of columns with NaN", [nan, 1.5, nan], () => quantile(holes(), 0.5, { axis: 0 }));
both("topK of rows with NaN takes the numbers first", [2, 1, 2, 1, inf, 2, inf, 1], () => topK(holes(), 2).values);
both("ranks leave NaN out", [nan, 1, 2, 1, 2, nan, 3, 1, 2, 1, 3, 2], () => averageRank(holes()));
both("concordance leaves NaN out", [nan, 1, 1, 1, 1, nan, 2, 2, 2, 2, 2, 2], () => concordance(holes(), holes()));

both("resizing to the nearest leaves an infinity where it is", [inf, inf, 1, 1], () =>
  resize2d(tensor([[[[inf, 1]]]]), [1, 4], { mode: "nearest" }),
);
// Outputs 0 to 4 of each side have pixel 1 among the two that they are made of, if with weight 0, as in PyTorch.
both("bilinear resizing spreads one NaN to its neighbours", [25, 0], () => {
  const x = tensor(
    Float32Array.from({ length: 16 }, (_, i) => (i === 5 ? nan : i)),
    [1, 1, 4, 4],
  );
  const y = resize2d(x, [8, 8]);
  return stack([sum(nanMask(y)), sum(nanMask(slice(y, [0, 0, 5, 5], [1, 1, 3, 3])))]);
});
both("the gradient of a resized image gets an infinity from its neighbours alone", [inf, 2], () =>
  grad((x: Tensor) => sum(mul(resize2d(x, [1, 4], { mode: "nearest" }), tensor([inf, 1, 1, 1]))))(tensor([[[[1, 1]]]])),
);
both("resample by hand, with taps missing", [5, 0, 3], () =>
  resample(tensor([1, 2, 3]), 0, [
    [
      [0, 2],
      [2, 1],
    ],
    [],
    [[1, 1.5]],
  ]),
);

for (const [name, data] of [
  ["i32", Int32Array],
  ["u32", Uint32Array],
] as const)
  gpuTest(`sums, differences and products of ${name} are exact modulo 2³²`, async () => {
    const all = [123456789, 987654321, -1, 2 ** 31 - 1, -(2 ** 31), 65537, 3];
    const a = data.from(all.flatMap((p) => all.map(() => p)));
    const b = data.from(all.flatMap(() => all));
    const exact = [(x: bigint, y: bigint) => x + y, (x: bigint, y: bigint) => x - y, (x: bigint, y: bigint) => x * y];
    const expected = exact.map((f) =>
      data.from([...a.keys()].map((i) => Number(BigInt.asIntN(32, f(BigInt(a[i]), BigInt(b[i])))))),
    );
    const run = async (): Promise<number[]> => readAll([add, sub, mul].map((f) => f(tensor(a), tensor(b))));
    check.identical(
      await onReference(run),
      expected.flatMap((part) => [...part]),
    );
    check.identical(
      await run(),
      expected.flatMap((part) => [...part]),
    );
  });
