/** `import "holdfast/methods"` gives tensors methods, so that formulas read like formulas: `x.sub(mean).square().sum()`. Each is the function
 *  of its name. Nobody else imports this file: a bundle without the import has neither the methods nor the ops behind them, and does not
 *  compile with them either. */
import { add, div, mul, neg, sub, type TensorOrNumber } from "./ops/arithmetic.js";
import { pow } from "./ops/binary.js";
import { type MatmulOptions, matmul } from "./ops/matmul.js";
import { reshape } from "./ops/movement.js";
import { mean, type ReduceOptions, sum } from "./ops/reduce.js";
import { abs, sqrt, square } from "./ops/unary.js";
import type { Shape } from "./shape.js";
import { Tensor } from "./tensor.js";

const FUNCTIONS = { add, sub, mul, div, neg, pow, square, sqrt, abs, sum, mean, reshape, matmul } as const;

declare module "./tensor.js" {
  interface Tensor {
    /** this + other, with broadcasting. */
    add(other: TensorOrNumber): Tensor;
    /** this − other, with broadcasting. */
    sub(other: TensorOrNumber): Tensor;
    /** this · other, element by element, with broadcasting. */
    mul(other: TensorOrNumber): Tensor;
    /** this / other, element by element, with broadcasting. */
    div(other: TensorOrNumber): Tensor;
    /** −this */
    neg(): Tensor;
    /** this to the power of the exponent, with broadcasting. */
    pow(exponent: TensorOrNumber): Tensor;
    /** this² */
    square(): Tensor;
    /** √this */
    sqrt(): Tensor;
    /** |this| */
    abs(): Tensor;
    /** Sum over `axes`, all by default. */
    sum(axes?: number | readonly number[], options?: ReduceOptions): Tensor;
    /** Mean over `axes`, all by default. */
    mean(axes?: number | readonly number[], options?: ReduceOptions): Tensor;
    /** The same elements in another shape; one side may be -1. */
    reshape(shape: Shape): Tensor;
    /** Matrix product over the last two axes. */
    matmul(other: Tensor, options?: MatmulOptions): Tensor;
  }
}

/** Names of the methods. */
export const METHODS = Object.keys(FUNCTIONS) as readonly (keyof typeof FUNCTIONS)[];

for (const name of METHODS) {
  const call = FUNCTIONS[name] as (x: Tensor, ...rest: unknown[]) => Tensor;
  Object.defineProperty(Tensor.prototype, name, {
    value(this: Tensor, ...rest: unknown[]): Tensor {
      return call(this, ...rest);
    },
    configurable: true,
    writable: true,
  });
}
