import { DataError } from "./error.js";
import { inflate } from "./inflate.js";

/** An array of bytes read from an IDX file, in row-major order. */
export interface IdxArray {
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

const UNSIGNED_BYTE = 0x08;
/** MNIST's largest file has 47 MB. */
const DEFAULT_MAX_BYTES = 256 * 2 ** 20;

/**
 * Reads an IDX file of unsigned bytes, the format of MNIST and its relatives: two zero bytes, element type, rank, one
 * big-endian 32-bit length per dimension, elements. The result is a view of `bytes`.
 * Source: LeCun, Cortes, Burges, "The MNIST database", file formats.
 * @throws DataError if the file is not exactly such an array.
 */
export function readIdx(bytes: Uint8Array, what = "idx"): IdxArray {
  if (bytes.length < 4 || bytes[0] !== 0 || bytes[1] !== 0) {
    const start = [...bytes.subarray(0, 4)].map((b) => b.toString(16).padStart(2, "0")).join(" ");
    throw new DataError(
      `${what}: ${bytes.length} bytes that start with "${start}"; an IDX file starts with 00 00 08; check that this is the right file`,
    );
  }
  const [, , type, rank] = bytes;
  if (type !== UNSIGNED_BYTE) {
    throw new DataError(
      `${what}: element type 0x${type.toString(16)}; only unsigned bytes (0x8) are read; convert the file`,
    );
  }
  const start = 4 + 4 * rank;
  if (rank < 1 || rank > 8 || bytes.length < start) {
    throw new DataError(
      `${what}: ${bytes.length} bytes with rank ${rank}; a rank of 1 to 8 and a header of ${start} bytes are needed; fetch the file again`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  // Lengths up to 2^32 each: the product may round, but no rounded product equals a real file's size by accident,
  // because every product up to 2^53 is exact.
  const size = shape.reduce((product, length) => product * length, 1);
  if (size !== bytes.length - start || size === 0) {
    throw new DataError(
      `${what}: the header says [${shape}], which is ${size} bytes, and ${bytes.length - start} follow; both must agree and not be 0; fetch the file again`,
    );
  }
  return { shape, data: bytes.subarray(start) };
}

/**
 * Reads an IDX file that may be compressed with gzip, in Node and in browsers.
 * @throws DataError as `readIdx`, and if more than `maxBytes` come out.
 */
export async function readIdxFile(
  bytes: Uint8Array,
  { what = "idx", maxBytes = DEFAULT_MAX_BYTES } = {},
): Promise<IdxArray> {
  const compressed = bytes[0] === 0x1f && bytes[1] === 0x8b;
  return readIdx(compressed ? await inflate(bytes, "gzip", maxBytes, what) : bytes, what);
}
