/** Tensors of a model file as numbers on the host, and the data that lie in other files. */
import { DataError } from "../data/error.js";
import { type ElementFormat, type ElementType, elementFormat, integerBits } from "./element-types.js";
import type { TensorProto } from "./proto.js";
import { type HostValue, hostValue } from "./value.js";

/** Reads a file beside the model: `location` is relative to the model's folder. Given to `importOnnx` where weights are external. */
export type ReadExternal = (location: string) => Promise<Uint8Array> | Uint8Array;

/** Files beside the model that were read. */
export type ExternalFiles = ReadonlyMap<string, Uint8Array>;

const EXTERNAL = 1;
const FEW = 64;

/** Where a tensor's external data lie; undefined for a tensor that carries its own. @throws DataError for a place outside. */
export function externalPlace(proto: TensorProto): { location: string; offset: number; length?: number } | undefined {
  if (proto.data_location !== EXTERNAL) {
    if ((proto.data_location ?? 0) !== 0)
      throw new DataError(`onnx: ${nameOf(proto)} has data_location ${proto.data_location}; 0 or 1 is needed`);
    return undefined;
  }
  const entries = new Map(proto.external_data.map(({ key = "", value = "" }) => [key, value]));
  const location = entries.get("location") ?? "";
  if (!isInside(location))
    throw new DataError(
      `onnx: ${nameOf(proto)} lies in ${JSON.stringify(location.slice(0, 80))}; a relative path inside the model's folder is needed`,
    );
  const number = (key: string): number | undefined => {
    const text = entries.get(key);
    if (text === undefined) return undefined;
    if (!/^\d{1,15}$/.test(text))
      throw new DataError(
        `onnx: ${nameOf(proto)} has external ${key} ${JSON.stringify(text.slice(0, 40))}; a whole number is needed`,
      );
    return Number(text);
  };
  return { location, offset: number("offset") ?? 0, length: number("length") };
}

/** A relative path of plain names that stays below where it starts. */
export function isInside(location: string): boolean {
  const parts = location.split("/");
  return (
    location.length > 0 &&
    location.length < 1000 &&
    !/[\\:\p{Cc}]/u.test(location) &&
    parts.every((part) => part !== "" && part !== "." && part !== "..")
  );
}

/** The elements of a tensor. @throws DataError where type, shape and data disagree or the type is not read. */
export function readTensor(proto: TensorProto, external: ExternalFiles = new Map()): HostValue {
  const format = elementFormat(proto.data_type);
  if (typeof format === "string")
    throw new DataError(
      `onnx: ${nameOf(proto)} holds elements of ${format}; floats, integers of 8 to 64 bits and bool are read`,
    );
  if (proto.segment) throw new DataError(`onnx: ${nameOf(proto)} is one segment of a tensor; a whole one is needed`);
  const size = proto.dims.reduce((a, b) => a * b, 1);
  if (proto.dims.length > 8 || proto.dims.some((side) => !(side >= 0)) || !(size < 2 ** 31))
    throw new DataError(
      `onnx: ${nameOf(proto)} has shape [${proto.dims.slice(0, 9)}]; at most 8 sides of 0 or more, with fewer than 2^31 elements, are read`,
    );
  const place = externalPlace(proto);
  const bytes = place ? externalBytes(proto, place, external) : proto.raw_data;
  const data = bytes ? fromBytes(proto, format, bytes, size) : fromList(proto, format, size);
  return hostValue(format.type, proto.dims, data);
}

function externalBytes(
  proto: TensorProto,
  { location, offset, length }: { location: string; offset: number; length?: number },
  files: ExternalFiles,
): Uint8Array {
  const file = files.get(location);
  if (!file)
    throw new DataError(
      `onnx: ${nameOf(proto)} lies in the file ${location}, which was not given; pass readExternal, or open the model by its path`,
    );
  const end = length === undefined ? file.length : offset + length;
  if (offset > file.length || end > file.length)
    throw new DataError(
      `onnx: ${nameOf(proto)} lies in bytes ${offset} to ${end} of ${location}, which has ${file.length}; is the file whole?`,
    );
  return file.subarray(offset, end);
}

function fromBytes(proto: TensorProto, { type, bytes, read }: ElementFormat, raw: Uint8Array, size: number) {
  if (raw.length !== size * bytes)
    throw new DataError(
      `onnx: ${nameOf(proto)} is ${type} [${proto.dims}] in ${raw.length} bytes; ${size * bytes} are needed`,
    );
  // Elements that lie where an array of floats may begin are not copied, but for a few, which would hold on to the whole file.
  if (type === "float32" && raw.byteOffset % 4 === 0 && size > FEW)
    return new Float32Array(raw.buffer, raw.byteOffset, size);
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const data = isNarrow(type) ? new Float32Array(size) : new Float64Array(size);
  for (let i = 0; i < size; i++) data[i] = read(view, i * bytes);
  return data;
}

/** Types of which f32 holds every element. */
function isNarrow(type: ElementType): boolean {
  return type !== "float64" && (type === "float32" || (integerBits(type)?.bits ?? 1) <= 16);
}

function fromList(proto: TensorProto, { type, read, bytes }: ElementFormat, size: number): ArrayLike<number> {
  const list =
    type === "float32"
      ? proto.float_data
      : type === "float64"
        ? proto.double_data
        : type === "int64"
          ? proto.int64_data
          : type === "uint32" || type === "uint64"
            ? proto.uint64_data
            : proto.int32_data;
  if (list.length !== size)
    throw new DataError(
      `onnx: ${nameOf(proto)} is ${type} [${proto.dims}] with ${list.length} elements; ${size} are needed`,
    );
  // Short types are stored as integers that hold their bits.
  const element = new DataView(new ArrayBuffer(8));
  const decode = (value: number): number => {
    if (bytes <= 2) {
      element.setInt32(0, value, true);
      return read(element, 0);
    }
    return type === "uint64" && value < 0 ? value + 2 ** 64 : value;
  };
  const data = isNarrow(type) ? new Float32Array(size) : new Float64Array(size);
  for (let i = 0; i < size; i++) data[i] = decode(list[i]);
  return data;
}

const nameOf = ({ name }: TensorProto): string =>
  name ? `the tensor ${JSON.stringify(name.length > 60 ? `${name.slice(0, 60)}…` : name)}` : "a tensor";
