/**
 * Reads arrays that NumPy wrote (.npy), strictly: the header is a Python literal of three known entries and nothing is evaluated.
 * Source: NumPy's documentation, "numpy.lib.format", versions 1.0 to 3.0.
 */

import { halfToNumber } from "../../engine/halves.js";
import { byteArray } from "../../engine/kinds.js";
import { requireArguments } from "../../engine/options.js";
import { DataError } from "./error.js";

/** An array of a .npy file, as float32. */
export interface NpyArray {
  readonly shape: readonly number[];
  /** Row by row; numbers that float32 cannot hold are rounded. */
  readonly data: Float32Array;
}

type Read = (view: DataView, at: number, little: boolean) => number;

/** By kind and bytes of an element. */
const READS: Readonly<Record<string, Read>> = {
  f2: (view, at, little) => halfToNumber(view.getUint16(at, little)),
  f4: (view, at, little) => view.getFloat32(at, little),
  f8: (view, at, little) => view.getFloat64(at, little),
  i1: (view, at) => view.getInt8(at),
  i2: (view, at, little) => view.getInt16(at, little),
  i4: (view, at, little) => view.getInt32(at, little),
  i8: (view, at, little) => Number(view.getBigInt64(at, little)),
  u1: (view, at) => view.getUint8(at),
  u2: (view, at, little) => view.getUint16(at, little),
  u4: (view, at, little) => view.getUint32(at, little),
  u8: (view, at, little) => Number(view.getBigUint64(at, little)),
  b1: (view, at) => Number(view.getUint8(at) !== 0),
};

const MAGIC = [0x93, ...new TextEncoder().encode("NUMPY")];
const MAX_RANK = 32;

/** An array of numbers or booleans, in C or Fortran order, of either byte order.
 *  @throws DataError for bytes that are no such array, or another number of them than the shape needs. */
export function readNpy(bytes: Uint8Array): NpyArray {
  requireArguments("readNpy", { bytes: [bytes, byteArray] });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 10 || MAGIC.some((byte, i) => bytes[i] !== byte))
    throw new DataError("npy: the file does not begin as NumPy's arrays do; save it with numpy.save");
  const [major, minor] = [bytes[6], bytes[7]];
  if (major < 1 || major > 3 || minor !== 0)
    throw new DataError(`npy: version ${major}.${minor} of the format; 1.0 to 3.0 are read`);
  const begin = major === 1 ? 10 : 12;
  if (bytes.length < begin) throw new DataError("npy: the file ends within its header; it is not whole");
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > bytes.length - begin)
    throw new DataError(
      `npy: a header of ${length} bytes where ${bytes.length - begin} are left; the file is not whole`,
    );
  const { kind, little, fortran, shape } = readHeader(bytes.subarray(begin, begin + length));
  const read = READS[kind];
  const width = Number(kind.slice(1));
  const count = shape.reduce((a, b) => a * b, 1);
  const left = bytes.length - begin - length;
  if (count * width !== left)
    throw new DataError(
      `npy: [${shape}] of ${width} bytes each needs ${count * width} bytes, ${left} came; the file is not whole`,
    );
  const data = new Float32Array(count);
  for (let i = 0; i < count; i++) data[i] = read(view, begin + length + i * width, little);
  return { shape, data: fortran ? inRows(data, shape) : data };
}

interface Header {
  readonly kind: string;
  readonly little: boolean;
  readonly fortran: boolean;
  readonly shape: readonly number[];
}

function readHeader(bytes: Uint8Array): Header {
  const text = new TextDecoder("latin1").decode(bytes.subarray(0, 4096));
  const [, inside] = /^\{(.*)\}\s*$/.exec(text) ?? [];
  const entry = (name: string, value: string): string | undefined =>
    inside === undefined ? undefined : new RegExp(`(?:^|,)\\s*'${name}':\\s*${value}\\s*(?=,|$)`).exec(inside)?.[1];
  const descr = entry("descr", "'([^']{1,20})'");
  const order = entry("fortran_order", "(True|False)");
  const sides = entry("shape", "\\(([0-9, ]*)\\)");
  if (descr === undefined || order === undefined || sides === undefined)
    throw new DataError(
      "npy: the header does not give descr, fortran_order and shape of an array of plain numbers; save one with numpy.save",
    );
  const [, endian, kind] = /^([<>|=])([a-z]\d{1,2})$/.exec(descr) ?? [];
  if (kind === undefined || !Object.hasOwn(READS, kind) || endian === "=" || (endian === "|" && !kind.endsWith("1")))
    throw new DataError(`npy: elements of type ${printable(descr)}; floats, integers or booleans are read`);
  const words = sides.trim() === "" ? [] : sides.trim().replace(/,$/, "").split(",");
  const shape = words.map((word) => (/^\d{1,15}$/.test(word.trim()) ? Number(word) : Number.NaN));
  const elements = shape.reduce((a, b) => a * b, 1);
  if (shape.length > MAX_RANK || !(elements < 2 ** 31))
    throw new DataError(
      `npy: the shape (${printable(sides.slice(0, 60))}) makes no sense; at most ${MAX_RANK} sides and 2^31 elements are read`,
    );
  return { kind, little: endian !== ">", fortran: order === "True", shape };
}

const printable = (text: string): string => text.replace(/[^\x20-\x7e]/g, "?");

/** From columns first to rows first. */
function inRows(data: Float32Array, shape: readonly number[]): Float32Array {
  const out = new Float32Array(data.length);
  const strides: number[] = [];
  for (const [i] of shape.entries()) strides.push(i === 0 ? 1 : strides[i - 1] * shape[i - 1]);
  const at = shape.map(() => 0);
  for (let i = 0; i < out.length; i++) {
    out[i] = data[at.reduce((sum, index, side) => sum + index * strides[side], 0)];
    for (let side = shape.length - 1; side >= 0; side--) {
      at[side]++;
      if (at[side] < shape[side]) break;
      at[side] = 0;
    }
  }
  return out;
}
