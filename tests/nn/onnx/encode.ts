/** Writes small ONNX files, the counterpart of the reader. Field numbers: onnx/onnx.proto. */

type Bytes = readonly number[];

function varint(value: number | bigint): number[] {
  let rest = BigInt.asUintN(64, BigInt(value));
  const out: number[] = [];
  do {
    const low = Number(rest & 127n);
    rest >>= 7n;
    out.push(rest > 0n ? low | 128 : low);
  } while (rest > 0n);
  return out;
}

export const integer = (field: number, value: number | bigint): Bytes => [...varint(field * 8), ...varint(value)];
export const piece = (field: number, bytes: Iterable<number>): Bytes => {
  const list = [...bytes];
  return [...varint(field * 8 + 2), ...varint(list.length), ...list];
};
export const words = (field: number, text: string): Bytes => piece(field, new TextEncoder().encode(text));
const float = (field: number, value: number): Bytes => [
  ...varint(field * 8 + 5),
  ...new Uint8Array(Float32Array.of(value).buffer),
];
const floats = (field: number, values: readonly number[]): Bytes =>
  piece(field, new Uint8Array(Float32Array.from(values).buffer));
const packed = (field: number, values: readonly number[]): Bytes => piece(field, values.flatMap(varint));
const join = (...parts: readonly Bytes[]): Bytes => parts.flat();

export const FLOAT = 1;
export const INT64 = 7;

/** A float tensor with its elements in raw_data, or an int64 one. */
export function tensor(name: string, dims: readonly number[], data: readonly number[], type = FLOAT): Bytes {
  const raw =
    type === INT64
      ? new Uint8Array(BigInt64Array.from(data.map((v) => BigInt(v))).buffer)
      : new Uint8Array(Float32Array.from(data).buffer);
  return rawTensor(name, dims, type, raw);
}

export function rawTensor(name: string, dims: readonly number[], type: number, raw: Iterable<number>): Bytes {
  return join(...dims.map((side) => integer(1, side)), integer(2, type), words(8, name), piece(9, raw));
}

/** A tensor whose elements lie in another file. */
export function externalTensor(
  name: string,
  dims: readonly number[],
  entries: Readonly<Record<string, string>>,
): Bytes {
  const external = Object.entries(entries).map(([key, value]) => piece(13, join(words(1, key), words(2, value))));
  return join(...dims.map((side) => integer(1, side)), integer(2, FLOAT), words(8, name), ...external, integer(14, 1));
}

export type AttributeValue =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly text: string }
  | { readonly ints: readonly number[] }
  | { readonly floats: readonly number[] }
  | { readonly tensor: Bytes }
  | { readonly graph: Bytes };

function attribute(name: string, value: AttributeValue): Bytes {
  const body =
    "int" in value
      ? join(integer(3, value.int), integer(20, 2))
      : "float" in value
        ? join(float(2, value.float), integer(20, 1))
        : "text" in value
          ? join(words(4, value.text), integer(20, 3))
          : "ints" in value
            ? join(packed(8, value.ints), integer(20, 7))
            : "floats" in value
              ? join(floats(7, value.floats), integer(20, 6))
              : "tensor" in value
                ? join(piece(5, value.tensor), integer(20, 4))
                : join(piece(6, value.graph), integer(20, 5));
  return join(words(1, name), body);
}

export interface NodeSpec {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  readonly name?: string;
  readonly domain?: string;
}

export function node({ op, inputs, outputs, attributes = {}, name = "", domain = "" }: NodeSpec): Bytes {
  return join(
    ...inputs.map((input) => words(1, input)),
    ...outputs.map((output) => words(2, output)),
    words(3, name),
    words(4, op),
    ...Object.entries(attributes).map(([key, value]) => piece(5, attribute(key, value))),
    words(7, domain),
  );
}

export type Side = number | string;

export function valueInfo(name: string, sides: readonly Side[] | undefined, type = FLOAT): Bytes {
  const dims = sides?.map((side) => piece(1, typeof side === "number" ? integer(1, side) : words(2, side)));
  const shape = dims ? piece(2, dims.flat()) : [];
  return join(words(1, name), piece(2, piece(1, join(integer(1, type), shape))));
}

export interface GraphSpec {
  readonly nodes: readonly NodeSpec[];
  readonly inputs?: readonly Bytes[];
  readonly outputs: readonly (string | Bytes)[];
  readonly initialisers?: readonly Bytes[];
}

export function graph({ nodes, inputs = [], outputs, initialisers = [] }: GraphSpec): Bytes {
  return join(
    ...nodes.map((spec) => piece(1, node(spec))),
    words(2, "graph"),
    ...initialisers.map((tensor) => piece(5, tensor)),
    ...inputs.map((info) => piece(11, info)),
    ...outputs.map((output) => piece(12, typeof output === "string" ? valueInfo(output, undefined) : output)),
  );
}

export interface ModelSpec extends GraphSpec {
  readonly opset?: number;
  readonly functions?: readonly Bytes[];
  readonly domains?: Readonly<Record<string, number>>;
}

export function model({ opset = 17, functions = [], domains = {}, ...spec }: ModelSpec): Uint8Array {
  const sets = Object.entries({ "": opset, ...domains }).map(([domain, version]) =>
    piece(8, join(words(1, domain), integer(2, version))),
  );
  return Uint8Array.from(
    join(integer(1, 8), words(2, "tests"), piece(7, graph(spec)), ...sets, ...functions.map((f) => piece(25, f))),
  );
}

export interface FunctionSpec {
  readonly name: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly nodes: readonly NodeSpec[];
  readonly opset: number;
}

export function localFunction({ name, domain, inputs, outputs, nodes, opset }: FunctionSpec): Bytes {
  return join(
    words(1, name),
    ...inputs.map((input) => words(4, input)),
    ...outputs.map((output) => words(5, output)),
    ...nodes.map((spec) => piece(7, node(spec))),
    piece(9, join(words(1, ""), integer(2, opset))),
    words(10, domain),
  );
}

/** A model of one node between the input x and the output y. */
export function single(
  op: string,
  sides: readonly Side[],
  opset: number,
  attributes: NodeSpec["attributes"] = {},
  initialisers: readonly (readonly [
    name: string,
    dims: readonly number[],
    data: readonly number[],
    type?: number,
  ])[] = [],
): Uint8Array {
  return model({
    opset,
    nodes: [{ op, inputs: ["x", ...initialisers.map(([name]) => name)], outputs: ["y"], attributes, name: "only" }],
    inputs: [valueInfo("x", sides)],
    outputs: ["y"],
    initialisers: initialisers.filter(([name]) => name !== "").map((args) => tensor(...args)),
  });
}
