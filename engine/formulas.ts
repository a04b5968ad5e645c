/** Methods of tensors, so that formulas read like formulas: `x.sub(mean).square().sum()`. Each is the function of its name; there
 *  are a dozen, the ones that almost every program has in it anyway, so that they cost a bundle next to nothing. */
import { add, div, mul, neg, sub, type TensorOrNumber } from "./ops/arithmetic.js";
import { pow } from "./ops/binary.js";
import { type MatmulOptions, matmul } from "./ops/matmul.js";
import { reshape } from "./ops/movement.js";
import { mean, type ReduceOptions, sum } from "./ops/reduce.js";
import { abs, sqrt, square } from "./ops/unary.js";
import type { Tensor } from "./tensor.js";

/** What a tensor can do without a function's help. Made for `Tensor` to extend, and for nothing else: only tensor.ts may import this
 *  file, because in the circle of modules the base of a class has to come first. */
export abstract class Formulas {
  /** this + other, with broadcasting. */
  add(other: TensorOrNumber): Tensor {
    return add(tensorOf(this), other);
  }
  /** this − other, with broadcasting. */
  sub(other: TensorOrNumber): Tensor {
    return sub(tensorOf(this), other);
  }
  /** this · other, element by element, with broadcasting. */
  mul(other: TensorOrNumber): Tensor {
    return mul(tensorOf(this), other);
  }
  /** this / other, element by element, with broadcasting. */
  div(other: TensorOrNumber): Tensor {
    return div(tensorOf(this), other);
  }
  /** −this */
  neg(): Tensor {
    return neg(tensorOf(this));
  }
  /** this to the power of other, with broadcasting. */
  pow(exponent: TensorOrNumber): Tensor {
    return pow(tensorOf(this), exponent);
  }
  /** this² */
  square(): Tensor {
    return square(tensorOf(this));
  }
  /** √this */
  sqrt(): Tensor {
    return sqrt(tensorOf(this));
  }
  /** |this| */
  abs(): Tensor {
    return abs(tensorOf(this));
  }
  /** Sum over `axes`, all by default. */
  sum(axes?: number | readonly number[], options?: ReduceOptions): Tensor {
    return sum(tensorOf(this), axes, options);
  }
  /** Mean over `axes`, all by default. */
  mean(axes?: number | readonly number[], options?: ReduceOptions): Tensor {
    return mean(tensorOf(this), axes, options);
  }
  /** The same elements in another shape; one side may be -1. */
  reshape(shape: readonly number[]): Tensor {
    return reshape(tensorOf(this), shape);
  }
  /** Matrix product over the last two axes. */
  matmul(other: Tensor, options?: MatmulOptions): Tensor {
    return matmul(tensorOf(this), other, options);
  }
}

/** Only `Tensor` extends it; the functions check what they get. */
function tensorOf(self: Formulas): Tensor {
  return self as Tensor;
}
