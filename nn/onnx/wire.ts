/**
 * A strict reader of protobuf's wire format, told by a table what the messages hold. Bytes are handed out as views of the file.
 * Source: Protocol Buffers documentation, "Encoding".
 */
import { DataError } from "../data/error.js";

/** How deep messages may lie in each other: graphs within nodes within graphs. */
const MAX_DEPTH = 48;
/** Messages in a file: the largest networks have some ten thousand nodes. */
const MAX_MESSAGES = 2 ** 19;
const MAX_BYTES = 2 ** 31 - 1;

export type FieldKind = "int" | "float" | "double" | "string" | "bytes" | (() => MessageType);

export interface Field {
  readonly name: string;
  readonly kind: FieldKind;
  readonly many: boolean;
}

/** A message by its field numbers. */
export interface MessageType {
  readonly name: string;
  readonly fields: Readonly<Record<number, Field>>;
}

export const one = (name: string, kind: FieldKind): Field => ({ name, kind, many: false });
export const many = (name: string, kind: FieldKind): Field => ({ name, kind, many: true });

/** A message as an object: lists for repeated fields, undefined for single ones that the file leaves out. Fields that the table does
 *  not know are passed over. @throws DataError where the bytes are no such message. */
export function readMessage(bytes: Uint8Array, type: MessageType): Record<string, unknown> {
  if (bytes.length > MAX_BYTES)
    throw new DataError(
      `onnx: a file of ${bytes.length} bytes; at most ${MAX_BYTES} are read; keep weights in external data`,
    );
  return new Reader(bytes).message(type, 0, bytes.length, 0);
}

const WIRE_TYPES: Readonly<Record<string, number>> = { int: 0, double: 1, float: 5 };

class Reader {
  readonly #view: DataView;
  readonly #text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  #at = 0;
  #end = 0;
  #messages = 0;

  constructor(readonly bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  message(type: MessageType, start: number, end: number, depth: number): Record<string, unknown> {
    if (depth > MAX_DEPTH)
      this.#refuse(start, type, `messages ${depth} deep in each other; at most ${MAX_DEPTH} are read`);
    if (++this.#messages > MAX_MESSAGES) this.#refuse(start, type, `more than ${MAX_MESSAGES} messages`);
    const out: Record<string, unknown> = {};
    for (const { name, many } of Object.values(type.fields)) out[name] = many ? [] : undefined;
    this.#at = start;
    this.#end = end;
    while (this.#at < end) {
      const begin = this.#at;
      const tag = this.#varint(type);
      const number = Math.floor(tag / 8);
      const field = Object.hasOwn(type.fields, number) ? type.fields[number] : undefined;
      if (number < 1 || number >= 2 ** 29) this.#refuse(begin, type, `field number ${number}`);
      if (!field) this.#skip(tag % 8, type);
      else this.#field(field, tag % 8, out, type, depth);
      this.#end = end;
    }
    return out;
  }

  #field(field: Field, wire: number, out: Record<string, unknown>, type: MessageType, depth: number): void {
    const { kind, many, name } = field;
    const list = many ? (out[name] as unknown[]) : undefined;
    if (!list && out[name] !== undefined) this.#refuse(this.#at, type, `"${name}" twice; it may come once`);
    if (typeof kind === "string" && kind in WIRE_TYPES) {
      if (wire === 2 && list) {
        const [, end] = this.#piece(type);
        this.#end = end;
        while (this.#at < end) list.push(this.#number(kind, type));
        return;
      }
      if (wire !== WIRE_TYPES[kind]) this.#refuse(this.#at, type, `"${name}" with wire type ${wire}`);
    } else if (wire !== 2) this.#refuse(this.#at, type, `"${name}" with wire type ${wire}`);
    const value = this.#value(kind, type, name, depth);
    if (list) list.push(value);
    else out[name] = value;
  }

  #value(kind: FieldKind, type: MessageType, name: string, depth: number): unknown {
    if (typeof kind === "string" && kind in WIRE_TYPES) return this.#number(kind, type);
    const [start, end] = this.#piece(type);
    this.#at = end;
    if (typeof kind === "function") {
      const inside = this.message(kind(), start, end, depth + 1);
      this.#at = end;
      return inside;
    }
    const piece = this.bytes.subarray(start, end);
    if (kind === "bytes") return piece;
    try {
      return this.#text.decode(piece);
    } catch {
      return this.#refuse(start, type, `"${name}" that is not text in UTF-8`);
    }
  }

  #number(kind: string, type: MessageType): number {
    if (kind === "int") return this.#signed(type);
    const size = kind === "float" ? 4 : 8;
    const at = this.#at;
    this.#advance(size, type);
    return kind === "float" ? this.#view.getFloat32(at, true) : this.#view.getFloat64(at, true);
  }

  /** The bounds of a piece that says its own length; the position is its start. */
  #piece(type: MessageType): [number, number] {
    const length = this.#varint(type);
    const start = this.#at;
    this.#advance(length, type);
    this.#at = start;
    return [start, start + length];
  }

  #advance(bytes: number, type: MessageType): void {
    if (bytes > this.#end - this.#at)
      this.#refuse(this.#at, type, `${bytes} bytes announced where ${this.#end - this.#at} are left`);
    this.#at += bytes;
  }

  /** An int64; beyond 2^53 the nearest number. */
  #signed(type: MessageType): number {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.#byte(type);
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) break;
      if (shift >= 63n) this.#refuse(this.#at, type, "a number of more than ten bytes");
      // Nearly all numbers are short.
      if (shift === 0n && this.bytes[this.#at] < 128) return (byte & 127) + 128 * this.#byte(type);
    }
    return Number(BigInt.asIntN(64, value));
  }

  /** A tag or a length. */
  #varint(type: MessageType): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#byte(type);
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      if (scale > 2 ** 35) this.#refuse(this.#at, type, "a length of more than six bytes");
    }
  }

  #byte(type: MessageType): number {
    if (this.#at >= this.#end) this.#refuse(this.#at, type, "its end in the middle of a number");
    return this.bytes[this.#at++];
  }

  #skip(wire: number, type: MessageType): void {
    if (wire === 0) this.#signed(type);
    else if (wire === 1) this.#advance(8, type);
    else if (wire === 5) this.#advance(4, type);
    else if (wire === 2) this.#at = this.#piece(type)[1];
    else this.#refuse(this.#at, type, `wire type ${wire}`);
  }

  #refuse(at: number, type: MessageType, what: string): never {
    throw new DataError(
      `onnx: ${type.name} holds ${what}, at byte ${at} of ${this.bytes.length}; check that this is an ONNX file and that it is whole`,
    );
  }
}
