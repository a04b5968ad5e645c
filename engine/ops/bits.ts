/** Bit operations on u32, for packed data. */
import { requireTensor } from "../kinds.js";
import { apply, type InputSpec, type OpSpec } from "../op.js";
import type { Tensor } from "../tensor.js";
import { operands, type TensorOrNumber } from "./arithmetic.js";
import { definePointwise } from "./define.js";

const WORD: InputSpec = { shape: [2, 3], dtype: "u32", low: 0, high: 2 ** 32 - 1 };
const COUNT: InputSpec = { shape: [3], dtype: "u32", low: 0, high: 31 };

function wordOp(
  name: string,
  call: (a: Tensor, b: Tensor) => Tensor,
  row: { scalar(a: number, b: number): number; expression(a: string, b: string): string; second: InputSpec },
): OpSpec<null> {
  return definePointwise<null>({
    name,
    arity: 2,
    dtypes: ["u32"],
    scalar: ([a, b]) => row.scalar(a, b) >>> 0,
    expression: ([a, b]) => row.expression(a, b),
    vjp: null,
    samples: () => [{ inputs: [WORD, row.second], call }],
    failures: () => [
      { inputs: [{ shape: [2] }, { shape: [2] }], call, message: new RegExp(`${name}: .*u32 is needed`) },
    ],
  });
}

/** a AND b, bit by bit. */
export function bitAnd(a: Tensor, b: TensorOrNumber): Tensor {
  requireTensor("bitAnd", a);
  return apply(bitAndSpec, operands("bitAnd", a, b), null);
}
export const bitAndSpec = wordOp("bitAnd", bitAnd, {
  scalar: (a, b) => a & b,
  expression: (a, b) => `(${a} & ${b})`,
  second: WORD,
});

/** a shifted right by b bits, zeros coming in; b in [0, 31]. */
export function shiftRight(a: Tensor, b: TensorOrNumber): Tensor {
  requireTensor("shiftRight", a);
  if (typeof b === "number" && !(b >= 0 && b <= 31))
    throw new RangeError(`shiftRight: by ${b} bits; 0 to 31 are possible`);
  return apply(shiftRightSpec, operands("shiftRight", a, b), null);
}
export const shiftRightSpec = wordOp("shiftRight", shiftRight, {
  scalar: (a, b) => a >>> b,
  expression: (a, b) => `(${a} >> ${b})`,
  second: COUNT,
});
