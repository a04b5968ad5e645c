/** Comparisons and masks: f32 tensors of 0 and 1. No gradient flows through them. */

import { requireTensor } from "../kinds.js";
import type { DType } from "../lower.js";
import { apply, type OpSpec } from "../op.js";
import type { Tensor } from "../tensor.js";
import { mul, operands, type TensorOrNumber } from "./arithmetic.js";
import { definePointwise } from "./define.js";

const ANY: readonly DType[] = ["f32", "i32", "u32"];

function comparison(
  name: string,
  call: (a: Tensor, b: Tensor) => Tensor,
  scalar: (a: number, b: number) => boolean,
  condition: (a: string, b: string) => string,
): OpSpec<null> {
  return definePointwise<null>({
    name,
    arity: 2,
    dtypes: ANY,
    result: () => "f32",
    scalar: ([a, b]) => Number(scalar(a, b)),
    expression: ([a, b]) => `select(0.0, 1.0, ${condition(a, b)})`,
    vjp: null,
    samples: () => [
      { inputs: [{ shape: [4, 5] }, { shape: [5] }], call },
      // Few values, so that some are equal.
      {
        inputs: [
          { shape: [6, 5], dtype: "i32", high: 2 },
          { shape: [6, 1], dtype: "i32", high: 2 },
        ],
        call,
        note: "integers",
      },
    ],
    failures: () => [
      {
        inputs: [{ shape: [2] }, { shape: [2], dtype: "i32" }],
        call,
        message: new RegExp(`${name}: f32.2. and i32.2. given; .* the same for all`),
      },
    ],
  });
}

/** 1 where a = b, else 0. */
export function equal(a: TensorOrNumber, b: TensorOrNumber): Tensor {
  return apply(equalSpec, operands("equal", a, b), null);
}
export const equalSpec = comparison(
  "equal",
  equal,
  (a, b) => a === b,
  (a, b) => `${a} == ${b}`,
);

/** 1 where a ≠ b, else 0: 1 for NaN, as in IEEE 754, NumPy and PyTorch; all other comparisons with NaN are 0. */
export function notEqual(a: TensorOrNumber, b: TensorOrNumber): Tensor {
  return apply(notEqualSpec, operands("notEqual", a, b), null);
}
// WGSL's != is false for NaN on some drivers.
export const notEqualSpec = comparison(
  "notEqual",
  notEqual,
  (a, b) => a !== b,
  (a, b) => `!(${a} == ${b})`,
);

/** 1 where a < b, else 0. */
export function less(a: TensorOrNumber, b: TensorOrNumber): Tensor {
  return apply(lessSpec, operands("less", a, b), null);
}
export const lessSpec = comparison(
  "less",
  less,
  (a, b) => a < b,
  (a, b) => `${a} < ${b}`,
);

/** 1 where a ≤ b, else 0. */
export function lessEqual(a: TensorOrNumber, b: TensorOrNumber): Tensor {
  return apply(lessEqualSpec, operands("lessEqual", a, b), null);
}
export const lessEqualSpec = comparison(
  "lessEqual",
  lessEqual,
  (a, b) => a <= b,
  (a, b) => `${a} <= ${b}`,
);

/** 1 where a > b, else 0. */
export function greater(a: TensorOrNumber, b: TensorOrNumber): Tensor {
  return apply(greaterSpec, operands("greater", a, b), null);
}
export const greaterSpec = comparison(
  "greater",
  greater,
  (a, b) => a > b,
  (a, b) => `${a} > ${b}`,
);

/** 1 where a ≥ b, else 0. */
export function greaterEqual(a: TensorOrNumber, b: TensorOrNumber): Tensor {
  return apply(greaterEqualSpec, operands("greaterEqual", a, b), null);
}
export const greaterEqualSpec = comparison(
  "greaterEqual",
  greaterEqual,
  (a, b) => a >= b,
  (a, b) => `${a} >= ${b}`,
);

/** Mask of masks: 1 where x is 0, else 0. */
export function logicalNot(x: Tensor): Tensor {
  requireTensor("logicalNot", x);
  return equal(x, 0);
}

/** Mask of masks: 1 where neither is 0, else 0; NaN is not 0. */
export function logicalAnd(a: Tensor, b: Tensor): Tensor {
  requireTensor("logicalAnd", a);
  requireTensor("logicalAnd", b);
  return mul(notEqual(a, 0), notEqual(b, 0));
}

/** Mask of masks: 1 where one is not 0, else 0. */
export function logicalOr(a: Tensor, b: Tensor): Tensor {
  requireTensor("logicalOr", a);
  requireTensor("logicalOr", b);
  return logicalNot(mul(logicalNot(a), logicalNot(b)));
}
