/** Arithmetic, comparisons and logic with broadcasting. */
import {
  abs,
  add,
  div,
  equal,
  floor,
  greater,
  greaterEqual,
  less,
  lessEqual,
  logicalAnd,
  logicalNot,
  logicalOr,
  maximum,
  minimum,
  mul,
  notEqual,
  pow,
  reshape,
  sign,
  sub,
  Tensor,
  type TensorOrNumber,
  where,
} from "../../../engine/index.js";
import { flag, int, text } from "../attributes.js";
import { type ElementType, integerBits, isFloat } from "../element-types.js";
import { type Call, type Operator, operator, refuse } from "../operator.js";
import { type DeviceValue, deviceValue } from "../value.js";

type Binary = (a: TensorOrNumber, b: TensorOrNumber, type: ElementType) => Tensor;

/** What falls out of a short integer type comes in again at its other end. */
function wrapped(x: Tensor, type: ElementType): Tensor {
  const found = integerBits(type);
  if (!found || found.bits > 16) return x;
  const size = 2 ** found.bits;
  const from = found.signed ? size / 2 : 0;
  return sub(x, mul(floor(mul(add(x, from), 1 / size)), size));
}

/** The quotient cut towards zero. A quotient that was rounded to the next whole number is put right by its remainder. */
export function wholeQuotient(a: TensorOrNumber, b: TensorOrNumber): Tensor {
  const [x, y] = [magnitude(a), magnitude(b)];
  const near = floor(div(x, y));
  const rest = sub(x, mul(near, y));
  const exact = sub(add(near, greaterEqual(rest, y)), less(rest, 0));
  return mul(mul(signOf(a), signOf(b)), exact);
}

const magnitude = (x: TensorOrNumber): TensorOrNumber => (x instanceof Tensor ? abs(x) : Math.abs(x));
const signOf = (x: TensorOrNumber): TensorOrNumber => (x instanceof Tensor ? sign(x) : Math.sign(x));

/** Two operands; where one is a known number it stays one. */
function operands(call: Call): [TensorOrNumber, TensorOrNumber] {
  const b = call.operand(1, 0);
  return [b instanceof Tensor ? call.operand(0, 1) : call.tensor(0), b];
}

/** Before operator set 7 the second operand's sides began at `axis` of the first's, if `broadcast` said so. */
function alignedOperands(call: Call, axis: number | undefined, broadcast: boolean): [Tensor, Tensor] {
  const [a, b] = [call.tensor(0), call.tensor(1)];
  if (!broadcast && a.shape.join() !== b.shape.join())
    refuse(`shapes [${a.shape}] and [${b.shape}] without broadcast; equal ones are needed`);
  const at = axis === undefined ? a.rank - b.rank : call.axis(axis, a.rank);
  const after = a.rank - at - b.rank;
  if (after < 0) refuse(`shapes [${a.shape}] and [${b.shape}] with axis ${axis}; the second does not fit there`);
  return [a, reshape(b, [...b.shape, ...new Array<number>(after).fill(1)])];
}

/** `f`, with NumPy's broadcasting from operator set 7 on and by attributes before. */
function binary(name: string, f: Binary, result?: ElementType): Operator[] {
  const typed = (call: Call, y: Tensor): DeviceValue => deviceValue(result ?? call.type(0), y);
  return [
    operator({
      name,
      until: 6,
      attributes: { axis: int(undefined), broadcast: flag(false) },
      run: (call, { axis, broadcast }) => typed(call, f(...alignedOperands(call, axis, broadcast), call.type(0))),
    }),
    operator({ name, since: 7, run: (call) => typed(call, f(...operands(call), call.type(0))) }),
  ];
}

const folded = (name: string, f: (a: Tensor, b: Tensor) => Tensor, divide = false): Operator =>
  operator({
    name,
    run(call) {
      const parts = call.tensors();
      if (parts.length === 0) refuse("no input; at least one is needed");
      const total = parts.reduce((a, b) => f(a, b));
      return divide ? mul(total, 1 / parts.length) : total;
    },
  });

/** a − b·⌊a/b⌋, with the sign of b. */
function remainder(a: TensorOrNumber, b: TensorOrNumber): Tensor {
  const cut = sub(a, mul(wholeQuotient(a, b), b));
  return where(mul(notEqual(cut, 0), notEqual(sign(cut), signOf(b))), add(cut, b), cut);
}

export const arithmetic: readonly Operator[] = [
  ...binary("Add", (a, b, type) => wrapped(add(a, b), type)),
  ...binary("Sub", (a, b, type) => wrapped(sub(a, b), type)),
  ...binary("Mul", (a, b, type) => wrapped(mul(a, b), type)),
  ...binary("Div", (a, b, type) => (isFloat(type) ? div(a, b) : wholeQuotient(a, b))),
  ...binary("Pow", pow),
  ...binary("Equal", equal, "bool"),
  ...binary("Greater", greater, "bool"),
  ...binary("Less", less, "bool"),
  ...binary("And", (a, b) => logicalAnd(asTensor(a, b), asTensor(b, a)), "bool"),
  ...binary("Or", (a, b) => logicalOr(asTensor(a, b), asTensor(b, a)), "bool"),
  ...binary("Xor", (a, b) => notEqual(a, b), "bool"),
  operator({ name: "GreaterOrEqual", since: 12, run: (call) => deviceValue("bool", greaterEqual(...operands(call))) }),
  operator({ name: "LessOrEqual", since: 12, run: (call) => deviceValue("bool", lessEqual(...operands(call))) }),
  operator({ name: "Not", run: (call) => logicalNot(call.tensor(0)) }),
  folded("Sum", add),
  folded("Mean", add, true),
  folded("Max", maximum),
  folded("Min", minimum),
  operator({
    name: "Mod",
    attributes: { fmod: flag(false) },
    run(call, { fmod }) {
      const [a, b] = operands(call);
      return fmod ? sub(a, mul(wholeQuotient(a, b), b)) : remainder(a, b);
    },
  }),
  operator({
    name: "BitShift",
    attributes: { direction: text() },
    run(call, { direction }) {
      const factor = pow(2, call.tensor(1));
      if (direction === "LEFT") return wrapped(mul(call.tensor(0), factor), call.type(0));
      return direction === "RIGHT"
        ? floor(div(call.tensor(0), factor))
        : refuse(`direction is ${direction}; LEFT or RIGHT is needed`);
    },
  }),
  operator({
    name: "Where",
    run: (call) => deviceValue(call.type(1), where(call.tensor(0), call.operand(1, 0), call.operand(2, 0))),
  }),
];

/** A number as a tensor of the other operand's kind. */
function asTensor(a: TensorOrNumber, other: TensorOrNumber): Tensor {
  return a instanceof Tensor ? a : add(mul(other, 0), a);
}
