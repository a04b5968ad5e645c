/**
 * Reads and writes safetensors files: 8 bytes of header length, a JSON header, raw little-endian elements.
 * Source: the format description in the repository huggingface/safetensors, README "Format".
 */

import { bfloatToNumber, halfToNumber, numberToHalf } from "../engine/halves.js";
import { byteArray, wordOf } from "../engine/kinds.js";
import type { DType } from "../engine/lower.js";
import { checkedOptions, type KindsOf, requireArguments } from "../engine/options.js";
import { DataError } from "./data/error.js";
import { assertNoRepeatedKeys } from "./data/json-keys.js";
import { aMap } from "./kinds.js";

/** A tensor in the host's memory, elements in row-major order. */
export interface HostTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Float32Array for f16 too. */
  readonly data: Float32Array | Int32Array | Uint32Array;
}

/** A safetensors file in memory: tensors by name, and its texts. */
export interface SafetensorsFile {
  readonly tensors: Map<string, HostTensor>;
  readonly metadata: Map<string, string>;
}

/** Far above any real header (a model with 1 000 tensors has about 100 kB), and read within a second. */
const MAX_HEADER_BYTES = 4 * 2 ** 20;

const NAME_IN_FILE: Record<DType, string> = { f32: "F32", i32: "I32", u32: "U32", f16: "F16" };

type Convert = (view: DataView, count: number) => Pick<HostTensor, "dtype" | "data">;

/** Rounds stored numbers of `bytes` bytes each to f32. */
const floats =
  (bytes: number, read: (view: DataView, at: number) => number): Convert =>
  (view, count) => {
    const data = new Float32Array(count);
    for (let i = 0; i < count; i++) data[i] = read(view, i * bytes);
    return { dtype: "f32", data };
  };

/** How each stored type comes back. */
const READERS: Record<string, { bytes: number; convert: Convert }> = {
  F32: { bytes: 4, convert: (view, count) => ({ dtype: "f32", data: new Float32Array(aligned(view), 0, count) }) },
  I32: { bytes: 4, convert: (view, count) => ({ dtype: "i32", data: new Int32Array(aligned(view), 0, count) }) },
  U32: { bytes: 4, convert: (view, count) => ({ dtype: "u32", data: new Uint32Array(aligned(view), 0, count) }) },
  F64: { bytes: 8, convert: floats(8, (view, at) => view.getFloat64(at, true)) },
  F16: { bytes: 2, convert: floats(2, (view, at) => halfToNumber(view.getUint16(at, true))) },
  BF16: { bytes: 2, convert: floats(2, (view, at) => bfloatToNumber(view.getUint16(at, true))) },
  // PyTorch keeps counters (num_batches_tracked of batch normalisation) as I64.
  I64: { bytes: 8, convert: longsToInts },
};

/** How `writeSafetensors` and `packTree` store numbers. */
export interface WriteOptions {
  /** How f32 tensors are stored: as they are (default), or rounded to 16 bits, which halves the file. Those of f16 stay f16. */
  readonly floats?: "f32" | "f16";
}

/** How `readSafetensors` and `unpackTree` give numbers back. */
export interface ReadOptions {
  /** What F16 tensors become: f32 to compute with (default), or f16, which is stored as it is in the file. */
  readonly halves?: "f32" | "f16";
}

export const READ_OPTIONS: KindsOf<ReadOptions> = { halves: wordOf("f32", "f16") };

/** The elements of a tensor as they are stored. @throws DataError for a number beyond the range of 16 bits. */
function stored(name: string, { dtype, data }: HostTensor, { floats = "f32" }: WriteOptions) {
  const type = dtype === "f32" ? floats : dtype;
  if (type !== "f16") return { type: NAME_IN_FILE[type], data };
  const bad = data.findIndex((value) => Number.isFinite(value) && Math.abs(value) >= 65_520);
  if (bad >= 0)
    throw new DataError(`safetensors: ${quote(name)} holds ${data[bad]}; f16 ends at 65504; store it as f32`);
  return { type: NAME_IN_FILE[type], data: Uint16Array.from(data, numberToHalf) };
}

/**
 * The bytes of a safetensors file. Names are sorted, so equal contents give equal files.
 * @throws DataError if a name is reserved, a shape disagrees with its number of elements, or a number does not fit 16 bits.
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, HostTensor>,
  metadata: ReadonlyMap<string, string> = new Map(),
  options: WriteOptions = {},
): Uint8Array {
  requireArguments("writeSafetensors", { tensors: [tensors, aMap], metadata: [metadata, aMap] });
  const names = [...tensors.keys()].sort();
  const bodies: Uint8Array[] = [];
  const header: [string, unknown][] = metadata.size > 0 ? [["__metadata__", Object.fromEntries(metadata)]] : [];
  let end = 0;
  for (const name of names) {
    const { shape } = tensors.get(name)!;
    const { type, data } = stored(name, tensors.get(name)!, options);
    if (name === "__metadata__") throw new DataError('safetensors: a tensor is named "__metadata__"; rename it');
    if (product(shape) !== data.length) {
      throw new DataError(
        `safetensors: ${quote(name)} has shape [${shape}] and ${data.length} elements; both must agree`,
      );
    }
    header.push([name, { dtype: type, shape, data_offsets: [end, end + data.byteLength] }]);
    bodies.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    end += data.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  // Spaces after the header put the elements on a multiple of 8 bytes.
  const start = 8 + Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(start + end).fill(0x20, 8, start);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start - 8), true);
  bytes.set(json, 8);
  let at = start;
  for (const body of bodies) {
    bytes.set(body, at);
    at += body.length;
  }
  return bytes;
}

/**
 * Reads a safetensors file. F32, I32 and U32 come back as they are; F64, F16 and BF16 as f32 (F16 as f16 where `halves` says so) and
 * I64 as i32. Stricter than the format
 * asks: repeated keys, gaps, overlaps and bytes that belong to no tensor are refused.
 * @throws DataError if anything in the file disagrees.
 */
export function readSafetensors(bytes: Uint8Array, options: ReadOptions = {}): SafetensorsFile {
  requireArguments("readSafetensors", { bytes: [bytes, byteArray] });
  const { halves = "f32" } = checkedOptions("readSafetensors", options, READ_OPTIONS);
  const { header, body } = splitFile(bytes);
  const metadata = readMetadata(header.__metadata__);
  const entries = Object.entries(header)
    .filter(([name]) => name !== "__metadata__")
    .map(([name, value]) => readEntry(name, value))
    .sort((a, b) => a.begin - b.begin || a.end - b.end);
  let covered = 0;
  for (const { name, begin, end } of entries) {
    if (begin !== covered) {
      throw new DataError(
        `safetensors: ${quote(name)} begins at byte ${begin}, the tensors before it end at ${covered}; tensors must follow each other without gap or overlap; write the file again`,
      );
    }
    covered = end;
  }
  if (covered !== body.byteLength) {
    throw new DataError(
      `safetensors: the header describes ${covered} bytes of elements, the file holds ${body.byteLength}; both must agree; the file may be cut short`,
    );
  }
  const tensors = new Map<string, HostTensor>();
  for (const { name, type, shape, begin, end } of entries) {
    const view = new DataView(body.buffer, body.byteOffset + begin, end - begin);
    const found = READERS[type].convert(view, product(shape));
    tensors.set(name, { shape, ...found, dtype: type === "F16" ? halves : found.dtype });
  }
  return { tensors, metadata };
}

function splitFile(bytes: Uint8Array): { header: Record<string, unknown>; body: DataView } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = bytes.length < 8 ? Number.NaN : Number(view.getBigUint64(0, true));
  if (!(length >= 2 && length <= MAX_HEADER_BYTES && length <= bytes.length - 8)) {
    throw new DataError(
      `safetensors: ${bytes.length} bytes with a header length of ${length}; a length of 2 to ${Math.min(MAX_HEADER_BYTES, Math.max(2, bytes.length - 8))} is needed; check that this is a safetensors file`,
    );
  }
  let header: unknown;
  try {
    const json = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes.subarray(8, 8 + length));
    header = JSON.parse(json);
    assertNoRepeatedKeys(json, "safetensors");
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw new DataError(`safetensors: the header of ${length} bytes is not JSON in UTF-8; write the file again`, {
      cause,
    });
  }
  if (!isRecord(header)) {
    throw new DataError("safetensors: the header is not a JSON object; one entry per tensor is needed");
  }
  return { header, body: new DataView(bytes.buffer, bytes.byteOffset + 8 + length, bytes.length - 8 - length) };
}

function readMetadata(value: unknown): Map<string, string> {
  if (value === undefined) return new Map();
  if (!isRecord(value) || !Object.values(value).every((entry) => typeof entry === "string")) {
    throw new DataError('safetensors: "__metadata__" must map names to strings; write the file again');
  }
  return new Map(Object.entries(value as Record<string, string>));
}

function readEntry(name: string, value: unknown) {
  const { dtype, shape, data_offsets: offsets } = isRecord(value) ? value : {};
  if (typeof dtype !== "string" || !isSizes(shape) || !isSizes(offsets) || offsets.length !== 2) {
    throw new DataError(
      `safetensors: the entry of ${quote(name)} is not complete; dtype, shape and two data_offsets of whole numbers are needed; write the file again`,
    );
  }
  const reader = Object.hasOwn(READERS, dtype) ? READERS[dtype] : undefined;
  if (reader === undefined) {
    throw new DataError(
      `safetensors: ${quote(name)} has type ${dtype.slice(0, 20)}; ${Object.keys(READERS).join(", ")} are read; convert the tensor before saving`,
    );
  }
  const [begin, end] = offsets;
  if (shape.length > 8 || product(shape) * reader.bytes !== end - begin) {
    throw new DataError(
      `safetensors: ${quote(name)} is ${dtype} [${shape.slice(0, 9)}] in bytes ${begin} to ${end}; at most 8 dimensions, and as many bytes as they take, are needed; write the file again`,
    );
  }
  return { name, type: dtype, shape, begin, end };
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isSizes = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);

const product = (shape: readonly number[]): number => shape.reduce((size, length) => size * length, 1);

/** A name for a message; a file may hold names of any length. */
const quote = (name: string): string => JSON.stringify(name.length > 60 ? `${name.slice(0, 60)}…` : name);

/** The bytes under a view, copied: typed arrays of 4-byte elements need an offset that is a multiple of 4. */
const aligned = ({ buffer, byteOffset, byteLength }: DataView): ArrayBuffer =>
  (buffer as ArrayBuffer).slice(byteOffset, byteOffset + byteLength);

function longsToInts(view: DataView, count: number): Pick<HostTensor, "dtype" | "data"> {
  const data = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const value = view.getBigInt64(8 * i, true);
    data[i] = Number(BigInt.asIntN(32, value));
    if (BigInt(data[i]) !== value) {
      throw new DataError(
        `safetensors: an I64 tensor holds ${value}; only values that fit 32 bits are read; convert the tensor before saving`,
      );
    }
  }
  return { dtype: "i32", data };
}
