/** Random graphs of pointwise ops, views, sums and ops that do not fuse. */
import { add, mul, neg, sub } from "../../engine/ops/arithmetic.js";
import { expand, reshape } from "../../engine/ops/movement.js";
import { sum } from "../../engine/ops/reduce.js";
import { transpose } from "../../engine/ops/view.js";
import { broadcastShapes, sizeOf } from "../../engine/shape.js";
import type { Tensor } from "../../engine/tensor.js";
import { drawFrom } from "../values.js";

function broadcasts(a: Tensor, b: Tensor): boolean {
  try {
    return sizeOf(broadcastShapes("add", [a, b])) <= 400;
  } catch {
    return false;
  }
}

/** A random result of the tensors so far; `opaque` returns its argument by a kernel of its own. */
export function grow(
  tensors: readonly Tensor[],
  int: (low: number, high: number) => number,
  opaque: (x: Tensor) => Tensor,
): Tensor {
  const d = drawFrom(int);
  const x = d.pick(tensors);
  const axis = d.int(0, Math.max(0, x.rank - 1));
  const kind = d.pick(["binary", "binary", "binary", "split", "merge", "expand", "sum", "reverse", "opaque", "neg"]);
  if (kind === "binary") {
    const fitting = tensors.filter((t) => broadcasts(x, t));
    return d.pick([add, sub, mul])(x, d.pick(fitting));
  }
  if (kind === "split" && x.rank > 0 && x.rank < 6 && x.shape[axis] % 2 === 0)
    return reshape(x, x.shape.flatMap((s, i) => (i === axis ? d.pick([[2, s / 2], [s / 2, 2]]) : [s]))); // biome-ignore format: one line
  if (kind === "merge" && axis > 0)
    return reshape(x, [...x.shape.slice(0, axis - 1), x.shape[axis - 1] * x.shape[axis], ...x.shape.slice(axis + 1)]);
  if (kind === "expand" && x.rank < 6 && x.size <= 200)
    return expand(reshape(x, spliced(x.shape, axis, 1)), spliced(x.shape, axis, 2));
  if (kind === "sum" && x.rank > 0) return sum(x, axis, { keepDims: d.boolean() });
  if (kind === "reverse") return transpose(x);
  return kind === "opaque" ? opaque(x) : neg(x);
}

function spliced(shape: readonly number[], at: number, side: number): number[] {
  return [...shape.slice(0, at), side, ...shape.slice(at)];
}
