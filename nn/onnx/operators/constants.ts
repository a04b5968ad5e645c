/** Constants, casts and tensors from nothing. */
import { abs, clamp, expand, floor, mul, notEqual, sign, tensor } from "../../../engine/index.js";
import { type Attribute, float, floats, int, ints, tensorValue, text } from "../attributes.js";
import { type ElementType, elementFormat, integerBits, isFloat } from "../element-types.js";
import { type Call, type Operator, operator, refuse } from "../operator.js";
import { type ArrayValue, type DeviceValue, deviceValue, type HostValue, hostValue, toTensor } from "../value.js";

/** Names that `Cast` took before operator set 6. */
const OLD_NAMES: Readonly<Record<string, ElementType>> = {
  FLOAT: "float32",
  DOUBLE: "float64",
  FLOAT16: "float16",
  BOOL: "bool",
};

export function typeOf(number: number): ElementType {
  const format = elementFormat(number);
  return typeof format === "string" ? refuse(`elements of ${format} are asked for; they are not read`) : format.type;
}

/** The value as another type: whole numbers are cut towards zero, floats stay as they are. */
export function cast(value: ArrayValue, type: ElementType): ArrayValue {
  if (value.type === type) return value;
  const x = toTensor(value);
  if (type === "bool") return deviceValue(type, value.type === "bool" ? x : notEqual(x, 0));
  if (!isFloat(value.type) || isFloat(type)) return deviceValue(type, x);
  const bits = integerBits(type)!;
  const cut = mul(sign(x), floor(abs(x)));
  const high = 2 ** (bits.signed ? bits.bits - 1 : bits.bits) - 1;
  return deviceValue(type, bits.bits > 32 ? cut : clamp(cut, bits.signed ? -high - 1 : 0, high));
}

type Typed = Pick<HostValue, "type" | "data">;

function filled(call: Call, shape: readonly number[], { type, data }: Typed): DeviceValue {
  return deviceValue(type, expand(tensor(data[0]), call.size(shape)));
}

const ZERO = hostValue("float32", [1], [0]);

const constantKinds: Readonly<Record<string, (value: never) => HostValue>> = {
  value: (value: HostValue) => value,
  value_float: (value: number) => hostValue("float32", [], [value]),
  value_floats: (value: readonly number[]) => hostValue("float32", [value.length], value),
  value_int: (value: number) => hostValue("int64", [], [value]),
  value_ints: (value: readonly number[]) => hostValue("int64", [value.length], value),
};

export const constants: readonly Operator[] = [
  operator({
    name: "Constant",
    attributes: {
      value: tensorValue(undefined),
      value_float: float(undefined),
      value_floats: floats(undefined),
      value_int: int(undefined),
      value_ints: ints(undefined),
    },
    run(_, attributes) {
      const given = Object.entries(attributes).filter(([, value]) => value !== undefined);
      if (given.length !== 1) refuse(`${given.length} values; exactly one is needed`);
      const [kind, value] = given[0];
      return constantKinds[kind](value as never);
    },
  }),
  operator({
    name: "ConstantOfShape",
    since: 9,
    host: [0],
    attributes: { value: tensorValue(ZERO) as Attribute<HostValue> },
    run(call, { value }) {
      if (value.data.length !== 1) refuse(`value has ${value.data.length} elements; 1 is needed`);
      return filled(call, call.numbers(0), value);
    },
  }),
  operator({
    name: "Cast",
    until: 5,
    attributes: { to: text() },
    run: (call, { to }) =>
      cast(
        call.array(0),
        OLD_NAMES[to] ??
          (integerBits(to.toLowerCase() as ElementType)
            ? (to.toLowerCase() as ElementType)
            : refuse(`to is ${to}; it is not known`)),
      ),
  }),
  operator({
    name: "Cast",
    since: 6,
    attributes: { to: int(), saturate: int(1), round_mode: text("up") },
    run: (call, { to }) => cast(call.array(0), typeOf(to)),
  }),
  operator({
    name: "CastLike",
    since: 15,
    attributes: { saturate: int(1), round_mode: text("up") },
    run: (call) => cast(call.array(0), call.type(1)),
  }),
  operator({
    name: "Range",
    since: 11,
    host: [0, 1, 2],
    run(call) {
      const [start, limit, step] = [call.number(0), call.number(1), call.number(2)];
      const count = Math.max(0, Math.ceil((limit - start) / step));
      call.size([count]);
      return hostValue(
        call.type(0),
        [count],
        Float64Array.from({ length: count }, (_, i) => start + i * step),
      );
    },
  }),
  operator({
    name: "EyeLike",
    since: 9,
    ofShape: true,
    attributes: { dtype: int(undefined), k: int(0) },
    run(call, { dtype, k }) {
      const [rows, columns] = call.size(call.shape(0));
      const data = Float64Array.from({ length: rows * columns }, (_, i) =>
        Number((i % columns) - Math.floor(i / columns) === k),
      );
      return hostValue(dtype === undefined ? call.type(0) : typeOf(dtype), [rows, columns], data);
    },
  }),
];
