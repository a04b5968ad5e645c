/** Writes ONNX's messages, the counterpart of wire.ts. Source: onnx/onnx.proto of the ONNX repository; Protocol Buffers documentation,
 *  "Encoding". */
import { DataError } from "../data/error.js";

/** Largest message that protobuf's own readers take. */
const MAX_BYTES = 2 ** 31 - 1;

function varint(value: number): number[] {
  let rest = BigInt.asUintN(64, BigInt(value));
  const out: number[] = [];
  for (; rest > 127n; rest >>= 7n) out.push(Number(rest & 127n) | 128);
  return [...out, Number(rest)];
}

/** Pieces one after the other. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  if (length > MAX_BYTES)
    throw new DataError(`onnx: the model takes ${length} bytes; at most ${MAX_BYTES} are written to one file`);
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

export const integer = (field: number, value: number): Uint8Array =>
  Uint8Array.from([...varint(field * 8), ...varint(value)]);

/** A message or a text within a message. */
export function piece(field: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return joined([Uint8Array.from([...varint(field * 8 + 2), ...varint(length)]), ...parts]);
}

export const words = (field: number, text: string): Uint8Array => piece(field, new TextEncoder().encode(text));

function float(field: number, value: number): Uint8Array {
  const out = new Uint8Array(5);
  out[0] = field * 8 + 5;
  new DataView(out.buffer).setFloat32(1, value, true);
  return out;
}

/** Numbers of a type in little-endian order, whatever this machine has. */
function raw(data: ArrayLike<number>, bytes: number, put: (view: DataView, at: number, value: number) => void) {
  const out = new Uint8Array(data.length * bytes);
  const view = new DataView(out.buffer);
  for (let i = 0; i < data.length; i++) put(view, i * bytes, data[i]);
  return out;
}

const FLOAT = 1;
const INT64 = 7;

/** An initialiser (TensorProto): floats, or int64 for shapes. */
export function tensorProto(
  name: string,
  dims: readonly number[],
  data: ArrayLike<number>,
  type: "float" | "int64" = "float",
): Uint8Array {
  const bytes =
    type === "float"
      ? raw(data, 4, (view, at, value) => view.setFloat32(at, value, true))
      : raw(data, 8, (view, at, value) => view.setBigInt64(at, BigInt(value), true));
  const sides = dims.map((side) => integer(1, side));
  return joined([...sides, integer(2, type === "float" ? FLOAT : INT64), words(8, name), piece(9, bytes)]);
}

/** Whole numbers as int or ints; fractions are marked, for 1 may be meant as one. */
export type AttributeValue = number | readonly number[] | { readonly float: number };

function attributeProto(name: string, value: AttributeValue): Uint8Array {
  if (typeof value === "number") return joined([words(1, name), integer(3, value), integer(20, 2)]);
  if ("float" in value) return joined([words(1, name), float(2, value.float), integer(20, 1)]);
  return joined([words(1, name), ...value.map((one) => integer(8, one)), integer(20, 7)]);
}

export function nodeProto(
  op: string,
  inputs: readonly string[],
  output: string,
  attributes: Readonly<Record<string, AttributeValue>> = {},
): Uint8Array {
  return joined([
    ...inputs.map((input) => words(1, input)),
    words(2, output),
    words(3, output),
    words(4, op),
    ...Object.entries(attributes).map(([key, value]) => piece(5, attributeProto(key, value))),
  ]);
}

/** A float value of a graph with its shape; a text is a side that is open. */
export function valueInfoProto(name: string, sides: readonly (number | string)[]): Uint8Array {
  const dims = sides.map((side) => piece(1, typeof side === "number" ? integer(1, side) : words(2, side)));
  return joined([words(1, name), piece(2, piece(1, integer(1, FLOAT), piece(2, ...dims)))]);
}

export interface ModelParts {
  readonly opset: number;
  readonly nodes: readonly Uint8Array[];
  readonly initialisers: readonly Uint8Array[];
  readonly input: Uint8Array;
  readonly output: Uint8Array;
  /** What the file says of itself. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** IR version of 2021, which runtimes since then read. */
const IR_VERSION = 8;

export function modelProto({ opset, nodes, initialisers, input, output, metadata }: ModelParts): Uint8Array {
  const graph = [
    ...nodes.map((node) => piece(1, node)),
    words(2, "network"),
    ...initialisers.map((tensor) => piece(5, tensor)),
    piece(11, input),
    piece(12, output),
  ];
  return joined([
    integer(1, IR_VERSION),
    words(2, "holdfast"),
    piece(7, ...graph),
    piece(8, integer(2, opset)),
    ...Object.entries(metadata).map(([key, value]) => piece(14, words(1, key), words(2, value))),
  ]);
}
