/** Products over any axes. */

import { describe, ShapeError } from "../errors.js";
import { apply, type OpSpec } from "../op.js";
import { checkedOptions } from "../options.js";
import { contiguousStrides, normaliseAxes, reducedShape } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { mul } from "./arithmetic.js";
import { concat } from "./concat.js";
import { ones } from "./create.js";
import { forEachOffset } from "./host.js";
import { reshape } from "./movement.js";
import { REDUCE_OPTIONS, type ReduceAttrs, type ReduceOptions } from "./reduce.js";
import { reduceCalls } from "./reduce.launch.js";
import { split } from "./slice.js";
import { transpose } from "./view.js";

/** Product over `axes` (all by default); 1 over no elements. Its gradients are right where elements are 0. */
export function prod(x: Tensor, axes?: number | readonly number[], options: ReduceOptions = {}): Tensor {
  const { keepDims = false } = checkedOptions("prod", options, REDUCE_OPTIONS);
  const list = normaliseAxes("prod", axes, x);
  return list.length === 0 ? x : apply(prodSpec, [x], { axes: list, keepDims });
}
export const prodSpec: OpSpec<ReduceAttrs> = {
  name: "prod",
  shape: ([x], { axes, keepDims }) => {
    if (x.dtype !== "f32") throw new ShapeError(`prod: ${describe(x)} given; f32 is needed; convert with cast()`);
    return { shape: reducedShape(x.shape, axes, keepDims), dtype: x.dtype };
  },
  reference: ([x], { axes }, y) => {
    const kept = contiguousStrides(reducedShape(x.shape, axes, true)).map((s, i) => (axes.includes(i) ? 0 : s));
    y.data.fill(1);
    forEachOffset(x.shape, [kept], (i, [at]) => {
      y.data[at] *= x.data[i];
    });
  },
  // Each element's factor is the product of the others, formed without dividing, so that zeros are harmless.
  vjp: (g, { inputs: [x], attrs: { axes } }) => [
    () => {
      const order = [...x.shape.keys()].sort((a, b) => Number(axes.includes(a)) - Number(axes.includes(b)) || a - b);
      const sorted = transpose(x, order);
      const kept = reducedShape(x.shape, axes, false);
      const factors = reshape(productOfOthers(reshape(sorted, [g.size, g.size && x.size / g.size])), sorted.shape);
      const gradient = mul(reshape(g, [...kept, ...axes.map(() => 1)]), factors);
      return transpose(
        gradient,
        order.map((_, i) => order.indexOf(i)),
      );
    },
  ],
  launch: (context, { axes }) => reduceCalls(context, axes, "prod"),
  samples: () => [
    { inputs: [{ shape: [2, 3, 4] }], call: (x) => prod(x, [0, 2]) },
    { inputs: [{ shape: [5] }], call: (x) => prod(x) },
    { inputs: [{ shape: [3, 0] }], call: (x) => prod(x, 1) },
    { inputs: [{ shape: [3, 1] }], call: (x) => prod(x, 1) },
    { inputs: [{ shape: [3, 4], low: 0, high: 0 }], call: (x) => prod(x, 0), note: "all zero" },
    {
      inputs: [{ shape: [4] }, { shape: [1], low: 0, high: 0 }],
      call: (x, z) => prod(concat([x, z])),
      note: "one zero",
    },
  ],
  draw: (d) => {
    const shape = d.shape({ maxRank: 3, maxSide: 3 });
    const axes = shape.map((_, i) => i).filter(() => d.boolean());
    const keepDims = d.boolean();
    return { inputs: [{ shape }], call: (x) => prod(x, axes, { keepDims }) };
  },
  failures: () => [
    { inputs: [{ shape: [2, 3] }], call: (x) => prod(x, 2), message: /prod: axis 2 is out of range for f32\[2,3\]/ },
  ],
};

/** For each element of x [rows, n] the product of all others of its row: halves are multiplied, the question is asked of the
 *  products, and each element's answer is multiplied by its partner. */
function productOfOthers(x: Tensor): Tensor {
  const [rows, n] = x.shape;
  if (n <= 1) return ones([rows, n]);
  const half = Math.floor(n / 2);
  const [a, b, single] = split(x, [half, half, n % 2], 1);
  const others = productOfOthers(concat([mul(a, b), single], 1));
  const [ofPairs, ofSingle] = split(others, [half, n % 2], 1);
  return concat([mul(ofPairs, b), mul(ofPairs, a), ofSingle], 1);
}
