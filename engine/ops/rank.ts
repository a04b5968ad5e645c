import { concordanceKernel, rankKernel } from "../../shaders/gen/kernels.js";
import { describe, ShapeError } from "../errors.js";
import { call, gridFor } from "../lower.js";
import { apply, type OpSpec } from "../op.js";
import { sameShape, sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { cast } from "./cast.js";

/** Ranks along the last axis, from 1, equal elements sharing their average rank. x [..., d] → [..., d]; work grows with d². NaN has
 *  the rank NaN and the others are ranked without it, as SciPy's rankdata has it with nan_policy "omit". Piecewise constant, so it has no gradient. */
export function averageRank(x: Tensor): Tensor {
  return apply(averageRankSpec, [x], null);
}
export const averageRankSpec: OpSpec<null> = {
  name: "averageRank",
  shape: ([x]) => {
    if (x.dtype !== "f32" || x.shape.length === 0)
      throw new ShapeError(`averageRank: ${describe(x)} given; f32 of rank 1 or more is needed`);
    return { shape: x.shape, dtype: "f32" };
  },
  reference: ([x], _, y) => {
    const side = x.shape.at(-1)!;
    for (let row = 0; row < x.data.length; row += side)
      for (let i = row; i < row + side; i++) {
        let less = 0;
        let equal = 0;
        for (let j = row; j < row + side; j++) {
          if (x.data[j] < x.data[i]) less++;
          if (x.data[j] === x.data[i]) equal++;
        }
        y.data[i] = Number.isNaN(x.data[i]) ? Number.NaN : less + (equal + 1) / 2;
      }
  },
  vjp: null,
  launch: ({ inputs: [x], output: y }) => {
    const count = sizeOf(y.shape);
    return [
      call(rankKernel, { bind: { x, y }, params: { count, side: y.shape.at(-1)! }, grid: gridFor(rankKernel, count) }),
    ];
  },
  samples: () => [
    { inputs: [{ shape: [3, 70], dtype: "f32" }], call: averageRank },
    { inputs: [{ shape: [5, 9], avoid: [] }], call: averageRank, note: "short rows" },
  ],
  failures: () => [
    {
      inputs: [{ shape: [3], dtype: "i32" }],
      call: averageRank,
      message: /averageRank: i32\[3\] given; f32 of rank 1/,
    },
  ],
};

/** How the order of each element against the others of its row agrees in a and b: y_i = Σ_j sign(a_i − a_j) · sign(b_i − b_j).
 *  a, b [..., d] → [..., d]; work grows with d². Of an element that is NaN in a or b it is NaN, and for the others that one counts
 *  as equal. Piecewise constant, so it has no gradient. */
export function concordance(a: Tensor, b: Tensor): Tensor {
  return apply(concordanceSpec, [a, b], null);
}
export const concordanceSpec: OpSpec<null> = {
  name: "concordance",
  shape: ([a, b]) => {
    if (a.dtype !== "f32" || b.dtype !== "f32" || a.shape.length === 0 || !sameShape(a.shape, b.shape))
      throw new ShapeError(
        `concordance: ${describe(a)} and ${describe(b)} given; two f32 of one shape and rank 1 or more are needed`,
      );
    return { shape: a.shape, dtype: "f32" };
  },
  reference: ([a, b], _, y) => {
    const side = a.shape.at(-1)!;
    const order = (p: number, q: number): number => Number(p > q) - Number(p < q);
    for (let row = 0; row < a.data.length; row += side)
      for (let i = row; i < row + side; i++) {
        for (let j = row; j < row + side; j++) y.data[i] += order(a.data[i], a.data[j]) * order(b.data[i], b.data[j]);
        if (Number.isNaN(a.data[i]) || Number.isNaN(b.data[i])) y.data[i] = Number.NaN;
      }
  },
  vjp: null,
  launch: ({ inputs: [a, b], output: y }) => {
    const count = sizeOf(y.shape);
    const params = { count, side: y.shape.at(-1)! };
    return [call(concordanceKernel, { bind: { a, b, y }, params, grid: gridFor(concordanceKernel, count) })];
  },
  samples: () => [
    { inputs: [{ shape: [3, 70] }, { shape: [3, 70] }], call: concordance },
    {
      inputs: [
        { shape: [5, 9], dtype: "i32", high: 2 },
        { shape: [5, 9], dtype: "i32", high: 2 },
      ],
      call: (a, b) => concordance(cast(a, "f32"), cast(b, "f32")),
      note: "many ties",
    },
  ],
  failures: () => [
    {
      inputs: [{ shape: [3, 4] }, { shape: [3] }],
      call: concordance,
      message: /concordance: f32\[3,4\] and f32\[3\] given; two f32 of one shape/,
    },
  ],
};
