/** Reductions composed of others. */

import { describe, ShapeError } from "../errors.js";
import { aNumber, aNumberOfAtLeast0, requireTensor } from "../kinds.js";
import { checkedOptions } from "../options.js";
import { withBits } from "../record.js";
import { normaliseAxes, reducedShape, sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { add, mul, sub } from "./arithmetic.js";
import { where } from "./binary.js";
import { equal } from "./compare.js";
import { max } from "./extremes.js";
import { reshape } from "./movement.js";
import { mean, REDUCE_OPTIONS, type ReduceOptions, sum } from "./reduce.js";
import { abs, exp, finiteMask, log, sqrt, square } from "./unary.js";

/** Options of `variance`. */
export interface VarianceOptions extends ReduceOptions {
  /** What is subtracted from the count in the divisor: 0 (default) for the mean square, 1 for the unbiased estimate. */
  readonly ddof?: number;
}

/** Sum of squared deviations from the mean over `axes` (all by default), divided by count - ddof.
 *  @throws ShapeError when the divisor is not positive. */
export function variance(x: Tensor, axes?: number | readonly number[], options: VarianceOptions = {}): Tensor {
  const { ddof = 0, keepDims = false } = checkedOptions("variance", options, {
    ddof: aNumberOfAtLeast0,
    ...REDUCE_OPTIONS,
  });
  const list = normaliseAxes("variance", axes, x);
  const count = sizeOf(list.map((a) => x.shape[a]));
  if (!(count - ddof > 0))
    throw new ShapeError(`variance: ${count} elements of ${describe(x)} with ddof ${ddof}; more than ddof are needed`);
  const deviation = sub(x, mean(x, list, { keepDims: true }));
  return mul(sum(square(deviation), list, { keepDims }), 1 / (count - ddof));
}

/** Options of `norm`. */
export interface VectorNormOptions extends ReduceOptions {
  /** Σ|x| (1), √Σx² (2, the default) or max|x| (Infinity). */
  readonly p?: 1 | 2 | typeof Infinity;
}

/** Vector norm over `axes` (all by default). The gradient is 0 where the norm is; for p = Infinity equal largest elements share
 *  it evenly. The squares of p = 2 must be f32 numbers: the largest |x| from 1e-18 to 1e18; a norm of smaller ones loses digits and is
 *  0 below 1e-23, one of larger ones is infinite. Divide by `max(abs(x))` before where values can be such. */
export function norm(x: Tensor, axes?: number | readonly number[], options: VectorNormOptions = {}): Tensor {
  const { p = 2, keepDims = false } = checkedOptions("norm", options, { p: aNumber, ...REDUCE_OPTIONS });
  requireTensor("norm", x);
  if (p === 1) return sum(abs(x), axes, { keepDims });
  if (p === Infinity) return max(abs(x), axes, { keepDims });
  if (p !== 2) throw new ShapeError(`norm: p ${p} given; 1, 2 or Infinity is needed`);
  const squares = sum(square(x), axes, { keepDims });
  // The root is taken of 1 where it is not used, because its derivative at 0 is infinite.
  const none = equal(squares, 0);
  return where(none, 0, sqrt(where(none, 1, squares)));
}

/** log Σ exp(x) over `axes` (all by default), without overflow; -Infinity where all elements are. */
export function logSumExp(x: Tensor, axes?: number | readonly number[], options: ReduceOptions = {}): Tensor {
  const { keepDims = false } = checkedOptions("logSumExp", options, REDUCE_OPTIONS);
  const list = normaliseAxes("logSumExp", axes, x);
  // The shift cancels, so nothing depends on it; an infinite one would give NaN.
  const shift = withBits(0, () => {
    const largest = max(x, list, { keepDims: true });
    return where(finiteMask(largest), largest, 0);
  });
  const y = add(log(sum(exp(sub(x, shift)), list, { keepDims: true })), shift);
  return reshape(y, reducedShape(x.shape, list, keepDims));
}
