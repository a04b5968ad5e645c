/** The four operations, with NumPy broadcasting. Plain numbers are constants. */

import { literal } from "../literal.js";
import type { DType } from "../lower.js";
import { apply, type OpSpec } from "../op.js";
import { holds, isPromise, rangeOf, requireDtype, shown } from "../options.js";
import { isTensor, type Tensor } from "../tensor.js";
import { definePointwise } from "./define.js";

/** A tensor, or a number that stands for a constant of the other operand's dtype. */
export type TensorOrNumber = Tensor | number;

interface ConstantAttrs {
  readonly value: number;
  readonly dtype: DType;
}

/** A scalar constant; its value is part of a captured plan. */
export function constant(value: number, dtype: DType = "f32"): Tensor {
  if (typeof value !== "number") throw new TypeError(`constant: ${shown(value)} given; a number is needed`);
  requireDtype("constant", dtype);
  if (!holds(dtype, value))
    throw new RangeError(`constant: ${value} given for ${dtype}; ${rangeOf(dtype)} is needed; round it, or take "f32"`);
  return made(value, dtype);
}

/** Constants, and what they are. */
const numbers = new WeakMap<Tensor, number>();

function made(value: number, dtype: DType): Tensor {
  const t = apply(constantSpec, [], { value, dtype });
  numbers.set(t, value);
  return t;
}

/** The number that a tensor was made from by `constant`, or as an operand that was given as a number. */
export function numberOf(t: Tensor): number | undefined {
  return numbers.get(t);
}

export const constantSpec: OpSpec<ConstantAttrs> = {
  name: "constant",
  shape: (_, { dtype }) => ({ shape: [], dtype }),
  reference: (_, { value }, y) => {
    y.data[0] = value;
  },
  expression: (_, { value, dtype }) => literal(value, dtype),
  vjp: null,
  samples: () => [
    { inputs: [], call: () => constant(1.5) },
    { inputs: [], call: () => constant(-7, "i32") },
  ],
  failures: () => [],
};

/** Both operands as tensors. @throws TypeError for what is neither tensor nor number, RangeError for a number that the other
 *  operand's integers cannot be. */
export function operands(op: string, a: TensorOrNumber, b: TensorOrNumber): [Tensor, Tensor] {
  const given = isTensor(a) ? a.dtype : isTensor(b) ? b.dtype : "f32";
  // The op refuses what is only stored, whatever stands beside it.
  const dtype = given === "f16" ? "f32" : given;
  return [operand(op, a, dtype), operand(op, b, dtype)];
}

function operand(op: string, x: TensorOrNumber, dtype: DType): Tensor {
  if (isTensor(x)) return x;
  if (typeof x !== "number")
    throw new TypeError(
      `${op}: an operand is ${shown(x)}; a tensor or a number is needed; ` +
        (x === undefined ? "is a name misspelt?" : isPromise(x) ? "await it" : "make a tensor with tensor()"),
    );
  if (!holds(dtype, x))
    throw new RangeError(
      `${op}: ${x} given beside ${dtype}; ${rangeOf(dtype)} is needed; cast() the tensor to f32 for other numbers`,
    );
  return made(x, dtype);
}

const ANY: readonly DType[] = ["f32", "i32", "u32"];
const pair = (
  f: (a: Tensor, b: Tensor) => Tensor,
  avoid: readonly number[] = [],
): Pick<OpSpec, "samples" | "draw"> => ({
  samples: () => [
    { inputs: [{ shape: [2, 3] }, { shape: [2, 3], avoid, gap: 0.5 }], call: f },
    { inputs: [{ shape: [2, 1, 3] }, { shape: [4, 1], avoid, gap: 0.5 }], call: f },
    { inputs: [{ shape: [] }, { shape: [5], avoid, gap: 0.5 }], call: f },
  ],
  draw: (d) => {
    const shape = d.shape({ maxSide: 3 });
    const other = shape.map((s) => (d.boolean() ? s : 1)).slice(d.int(0, shape.length));
    const inputs = [{ shape }, { shape: other, avoid, gap: 0.5 }];
    return { inputs, call: f };
  },
});
const mismatch = (name: string, f: (a: Tensor, b: Tensor) => Tensor): Pick<OpSpec, "failures"> => ({
  failures: () => [
    {
      inputs: [{ shape: [2, 3] }, { shape: [2] }],
      call: f,
      message: new RegExp(`${name}: f32.2,3. and f32.2. do not`),
    },
  ],
});

/** a + b, element by element; shapes broadcast, dtypes must agree. Integers wrap at 32 bits. @throws ShapeError for
 *  shapes that do not broadcast or two dtypes. */
export function add(a: TensorOrNumber, b: TensorOrNumber): Tensor {
  return apply(addSpec, operands("add", a, b), null);
}
export const addSpec = definePointwise<null>({
  name: "add",
  arity: 2,
  dtypes: ANY,
  scalar: ([a, b]) => a + b,
  expression: ([a, b]) => `(${a} + ${b})`,
  vjp: (g) => [() => g, () => g],
  ...pair(add),
  ...mismatch("add", add),
});

/** a − b, element by element; shapes broadcast, dtypes must agree. Integers wrap at 32 bits. @throws as `add`. */
export function sub(a: TensorOrNumber, b: TensorOrNumber): Tensor {
  return apply(subSpec, operands("sub", a, b), null);
}
export const subSpec = definePointwise<null>({
  name: "sub",
  arity: 2,
  dtypes: ANY,
  scalar: ([a, b]) => a - b,
  expression: ([a, b]) => `(${a} - ${b})`,
  vjp: (g) => [() => g, () => neg(g)],
  ...pair(sub),
  ...mismatch("sub", sub),
});

/** a · b, element by element; shapes broadcast, dtypes must agree. Integers wrap at 32 bits. @throws as `add`. */
export function mul(a: TensorOrNumber, b: TensorOrNumber): Tensor {
  return apply(mulSpec, operands("mul", a, b), null);
}
export const mulSpec = definePointwise<null>({
  name: "mul",
  arity: 2,
  dtypes: ANY,
  scalar: ([a, b]) => a * b,
  integer: ([a, b]) => Math.imul(a, b),
  expression: ([a, b]) => `(${a} * ${b})`,
  vjp: (g, { inputs: [a, b] }) => [() => mul(g, b), () => mul(g, a)],
  linearIn: [0, 1],
  ...pair(mul),
  ...mismatch("mul", mul),
});

/** a · b, and 0 where b is, whatever a is there: what a rule multiplies by a mask with, because a gradient may be infinite where
 *  none flows on. TensorFlow's `multiply_no_nan`. f32. */
export function multiplyNoNan(a: TensorOrNumber, b: TensorOrNumber): Tensor {
  return apply(multiplyNoNanSpec, operands("multiplyNoNan", a, b), null);
}
export const multiplyNoNanSpec = definePointwise<null>({
  name: "multiplyNoNan",
  arity: 2,
  scalar: ([a, b]) => (b === 0 ? 0 : a * b),
  expression: ([a, b]) => `multiplyNoNan(${a}, ${b})`,
  vjp: (g, { inputs: [a, b] }) => [() => multiplyNoNan(g, b), () => multiplyNoNan(a, g)],
  linearIn: [0, 1],
  ...pair(multiplyNoNan),
  ...mismatch("multiplyNoNan", multiplyNoNan),
});

/** a / b. Rounding on the GPU: 2.5 ULP. */
export function div(a: TensorOrNumber, b: TensorOrNumber): Tensor {
  return apply(divSpec, operands("div", a, b), null);
}
export const divSpec = definePointwise<null>({
  name: "div",
  arity: 2,
  scalar: ([a, b]) => a / b,
  expression: ([a, b]) => `(${a} / ${b})`,
  vjp: (g, { inputs: [, b], output: y }) => [() => div(g, b), () => neg(mul(g, div(y, b)))],
  linearIn: [0],
  ...pair(div, [0]),
  ...mismatch("div", div),
});

/** −x, of f32 or i32. */
export function neg(x: Tensor): Tensor {
  return apply(negSpec, [x], null);
}
export const negSpec = definePointwise<null>({
  name: "neg",
  arity: 1,
  dtypes: ["f32", "i32"],
  scalar: ([x]) => -x,
  expression: ([x]) => `(-${x})`,
  vjp: (g) => [() => neg(g)],
  linearIn: [0],
  samples: () => [{ inputs: [{ shape: [2, 3] }], call: neg }],
  draw: (d) => ({ inputs: [{ shape: d.shape() }], call: neg }),
  failures: () => [
    { inputs: [{ shape: [2], dtype: "u32" }], call: neg, message: /neg: u32\[2\] given; f32 or i32 is needed/ },
  ],
});
