import { DataError } from "./error.js";

/** The parts of a PNG file that decide how it looks. */
export interface PngChunks {
  readonly header: Uint8Array;
  readonly palette?: Uint8Array;
  readonly transparency?: Uint8Array;
  /** All IDAT chunks, joined. */
  readonly data: Uint8Array;
}

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/**
 * Takes a PNG file apart and checks the sum of every chunk. Chunks that only describe (texts, profiles) are passed over.
 * @throws DataError if the file is not a sequence of chunks from IHDR to IEND.
 */
export function readChunks(bytes: Uint8Array): PngChunks {
  if (!SIGNATURE.every((byte, i) => bytes[i] === byte)) {
    throw new DataError(`png: ${bytes.length} bytes without the signature of a PNG file; save the image as PNG`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found = new Map<string, Uint8Array>();
  const pieces: Uint8Array[] = [];
  let at: number = SIGNATURE.length;
  let type = "";
  while (type !== "IEND") {
    const length = at + 12 <= bytes.length ? view.getUint32(at) : Infinity;
    if (at + 12 + length > bytes.length) {
      throw new DataError(
        `png: ${bytes.length} bytes end inside a chunk at byte ${at}; the file is cut short; save it again`,
      );
    }
    type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const content = bytes.subarray(at + 8, at + 8 + length);
    if (crc32(bytes.subarray(at + 4, at + 8 + length)) !== view.getUint32(at + 8 + length)) {
      throw new DataError(`png: the chunk at byte ${at} does not match its sum; the file is damaged; save it again`);
    }
    if (type === "IDAT" && found.size > 0) pieces.push(content);
    // An upper-case first letter marks what a reader must understand (section 5.4).
    else if (found.has(type) || !fits(type, length, found.size === 0)) {
      throw new DataError(
        `png: an unexpected chunk ${JSON.stringify(type)} of ${length} bytes at byte ${at}; save the image again, as a plain PNG`,
      );
    } else if (["IHDR", "PLTE", "tRNS"].includes(type)) found.set(type, content);
    at += 12 + length;
  }
  return {
    header: found.get("IHDR")!,
    palette: found.get("PLTE"),
    transparency: found.get("tRNS"),
    data: join(pieces),
  };
}

/** The content of the first chunk, without a look at the others. @throws DataError if it is no IHDR. */
export function headerChunk(bytes: Uint8Array): Uint8Array {
  const first = [0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52];
  if (bytes.length < 33 || ![...SIGNATURE, ...first].every((byte, i) => bytes[i] === byte))
    throw new DataError(`png: ${bytes.length} bytes without the beginning of a PNG file; save the image as PNG`);
  return bytes.subarray(16, 29);
}

/** May a chunk of this type and length stand here? */
function fits(type: string, length: number, first: boolean): boolean {
  if (first || type === "IHDR") return first && type === "IHDR" && length === 13;
  if (type === "PLTE") return length > 0 && length <= 768 && length % 3 === 0;
  return type === "IEND" || /^[a-z]/.test(type);
}

function join(pieces: readonly Uint8Array[]): Uint8Array {
  if (pieces.length === 1) return pieces[0];
  const whole = new Uint8Array(pieces.reduce((total, { length }) => total + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** Remainders of all bytes by the reversed polynomial 0xedb88320 (PNG annex D). */
const REMAINDERS = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) remainder = remainder & 1 ? 0xedb88320 ^ (remainder >>> 1) : remainder >>> 1;
  return remainder;
});

/** CRC-32 as PNG, gzip and zip use it. */
export function crc32(bytes: Uint8Array): number {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = REMAINDERS[(sum ^ byte) & 255] ^ (sum >>> 8);
  return (sum ^ 0xffffffff) >>> 0;
}
