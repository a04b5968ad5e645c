/** Images that hold two classes, made of one image of each. */

import { concat, describe, mean, resize2d, ShapeError, sameShape, stack, type Tensor } from "../../../engine/index.js";
import { aCount, aNumber, aTensor, tupleOf, wordOf } from "../../../engine/kinds.js";
import { requireArguments } from "../../../engine/options.js";
import { type Split, sampleTensor } from "../../../nn/index.js";
import { aSplit } from "../../../nn/kinds.js";

/** Side by side, each squeezed to half the width; or blended, the mean of the two. */
export type Holding = "side-by-side" | "blended";

/** Images of one class and of another [n,c,h,w] → images that hold both, [n,c,h,w]. Where the width is odd, the second half is wider.
 *  @throws ShapeError unless both are stacks of images of one shape, two pixels wide at least. */
export function holdingBoth(a: Tensor, b: Tensor, how: Holding): Tensor {
  requireArguments("holdingBoth", { a: [a, aTensor], b: [b, aTensor], how: [how, wordOf("side-by-side", "blended")] });
  const [, , h, w = 0] = a.shape;
  if (!sameShape(a.shape, b.shape) || w < 2)
    throw new ShapeError(
      `holdingBoth: ${describe(a)} and ${describe(b)} came; two stacks of images [n,c,h,w] of one shape are needed`,
    );
  if (how === "blended") return mean(stack([a, b]), 0);
  const half = Math.floor(w / 2);
  return concat([resize2d(a, [h, half]), resize2d(b, [h, w - half])], 3);
}

/** At most `most` composites of a split's images of two classes: the first with the first, and so on, the shorter list from its beginning
 *  again. @throws RangeError where a class has no image. */
export function compositesOf(split: Split, pair: readonly [number, number], how: Holding, most: number): Tensor {
  requireArguments("compositesOf", {
    split: [split, aSplit],
    pair: [pair, tupleOf(aNumber, 2, "numbers")],
    how: [how, wordOf("side-by-side", "blended")],
    most: [most, aCount],
  });
  const [first, second] = pair;
  const of = (label: number): number[] => Array.from(split.labels).flatMap((one, i) => (one === label ? [i] : []));
  const [a, b] = [of(first), of(second)];
  if (a.length === 0 || b.length === 0)
    throw new RangeError(
      `fooling: ${a.length} and ${b.length} images of classes ${first} and ${second}; one of each at least is needed`,
    );
  const n = Math.min(most, Math.max(a.length, b.length));
  const take = (from: readonly number[]): Tensor =>
    sampleTensor(
      split,
      Array.from({ length: n }, (_, i) => from[i % from.length]),
    );
  return holdingBoth(take(a), take(b), how);
}
