import { describe, ShapeError } from "../errors.js";
import { linearGrid } from "../lower.js";
import { apply, type OpSpec } from "../op.js";
import { sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";

/** Ranks along the last axis, from 1, equal elements sharing their average rank. x [..., d] → [..., d]; work grows with d².
 *  Piecewise constant, so it has no gradient. */
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
        y.data[i] = less + (equal + 1) / 2;
      }
  },
  vjp: null,
  launch: ({ inputs: [x], output: y }) => {
    const count = sizeOf(y.shape);
    return [{ kernel: "rank", bind: { x, y }, params: { count, side: y.shape.at(-1)! }, grid: linearGrid(count, 64) }];
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
