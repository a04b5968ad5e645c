/** Triangles of matrices, and the mask of attention that looks back only. */
import { describe, ShapeError } from "../errors.js";
import { aNatural, requireTensor } from "../kinds.js";
import { requireArguments, shown } from "../options.js";
import type { Tensor } from "../tensor.js";
import { sub } from "./arithmetic.js";
import { where } from "./binary.js";
import { greaterEqual, lessEqual } from "./compare.js";
import { arange } from "./create.js";
import { reshape } from "./movement.js";

/** Column minus row of each element of an m×n matrix, i32 [m,n]. */
function across(m: number, n: number): Tensor {
  return sub(arange(0, n, 1, "i32"), reshape(arange(0, m, 1, "i32"), [m, 1]));
}

function sides(op: string, x: Tensor, diagonal: number): [number, number] {
  requireTensor(op, x);
  if (x.rank < 2) throw new ShapeError(`${op}: ${describe(x)} given; matrices [...,m,n] are needed`);
  if (!Number.isInteger(diagonal))
    throw new TypeError(`${op}: diagonal ${shown(diagonal)} given; an integer is needed, 0 for the main one`);
  return [x.shape[x.rank - 2], x.shape[x.rank - 1]];
}

/** The lower triangle: elements whose column is at most row + `diagonal`, 0 elsewhere. x [...,m,n] → the same shape.
 *  @throws ShapeError for fewer than two sides. */
export function tril(x: Tensor, diagonal = 0): Tensor {
  return where(lessEqual(across(...sides("tril", x, diagonal)), diagonal), x, 0);
}

/** The upper triangle: elements whose column is at least row + `diagonal`, 0 elsewhere. x [...,m,n] → the same shape.
 *  @throws ShapeError for fewer than two sides. */
export function triu(x: Tensor, diagonal = 0): Tensor {
  return where(greaterEqual(across(...sides("triu", x, diagonal)), diagonal), x, 0);
}

/** What token i may look at: f32 [n,n], 1 where column j ≤ row i, else 0. `where(causalMask(n), scores, -Infinity)` before a softmax
 *  lets no token see a later one. */
export function causalMask(n: number): Tensor {
  requireArguments("causalMask", { n: [n, aNatural] });
  return lessEqual(across(n, n), 0);
}
