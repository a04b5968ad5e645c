/** The element types of ONNX and how their bytes are read. Source: onnx/onnx.proto, TensorProto.DataType. */
import { bfloatToNumber, halfToNumber } from "../../engine/halves.js";

export type ElementType =
  | "float32"
  | "float64"
  | "float16"
  | "bfloat16"
  | "int8"
  | "int16"
  | "int32"
  | "int64"
  | "uint8"
  | "uint16"
  | "uint32"
  | "uint64"
  | "bool";

export interface ElementFormat {
  readonly type: ElementType;
  readonly bytes: number;
  read(view: DataView, at: number): number;
}

const formats: Readonly<Record<number, ElementFormat>> = {
  1: { type: "float32", bytes: 4, read: (view, at) => view.getFloat32(at, true) },
  2: { type: "uint8", bytes: 1, read: (view, at) => view.getUint8(at) },
  3: { type: "int8", bytes: 1, read: (view, at) => view.getInt8(at) },
  4: { type: "uint16", bytes: 2, read: (view, at) => view.getUint16(at, true) },
  5: { type: "int16", bytes: 2, read: (view, at) => view.getInt16(at, true) },
  6: { type: "int32", bytes: 4, read: (view, at) => view.getInt32(at, true) },
  7: { type: "int64", bytes: 8, read: (view, at) => Number(view.getBigInt64(at, true)) },
  9: { type: "bool", bytes: 1, read: (view, at) => Number(view.getUint8(at) !== 0) },
  10: { type: "float16", bytes: 2, read: (view, at) => halfToNumber(view.getUint16(at, true)) },
  11: { type: "float64", bytes: 8, read: (view, at) => view.getFloat64(at, true) },
  12: { type: "uint32", bytes: 4, read: (view, at) => view.getUint32(at, true) },
  13: { type: "uint64", bytes: 8, read: (view, at) => Number(view.getBigUint64(at, true)) },
  16: { type: "bfloat16", bytes: 2, read: (view, at) => bfloatToNumber(view.getUint16(at, true)) },
};

const unread: Readonly<Record<number, string>> = {
  8: "string",
  14: "complex64",
  15: "complex128",
  17: "float8e4m3fn",
  18: "float8e4m3fnuz",
  19: "float8e5m2",
  20: "float8e5m2fnuz",
  21: "uint4",
  22: "int4",
  23: "float4e2m1",
};

/** The format of a data type's number, or the name of one that is not read. */
export function elementFormat(number: number | undefined): ElementFormat | string {
  return formats[number ?? 0] ?? unread[number ?? 0] ?? `type ${number ?? "missing"}`;
}

const FLOATS: readonly ElementType[] = ["float32", "float64", "float16", "bfloat16"];

export function isFloat(type: ElementType): boolean {
  return FLOATS.includes(type);
}

/** How many bits an integer type has, and whether it has a sign; undefined for others. */
export function integerBits(type: ElementType): { readonly bits: number; readonly signed: boolean } | undefined {
  const found = /^(u?)int(\d+)$/.exec(type);
  return found ? { bits: Number(found[2]), signed: found[1] === "" } : undefined;
}
