/** Attributes of nodes, declared by each operator's row: what a row does not declare is refused, never passed over. */
import { DataError } from "../data/error.js";
import { readTensor } from "./initialiser.js";
import type { AttributeProto, GraphProto } from "./proto.js";
import type { HostValue } from "./value.js";

/** How one attribute is read, and what stands in where it is left out. */
export interface Attribute<T> {
  read(proto: AttributeProto): T | undefined;
  readonly needed: string;
  readonly absent: { readonly value: T } | undefined;
}

export type Attributes = Readonly<Record<string, Attribute<unknown>>>;
export type Read<A extends Attributes> = { readonly [K in keyof A]: A[K] extends Attribute<infer T> ? T : never };

type Maker<T> = {
  /** Without an argument the attribute is required. */
  (): Attribute<T>;
  (fallback: T): Attribute<T>;
  (fallback: undefined): Attribute<T | undefined>;
};

function maker<T>(needed: string, read: (proto: AttributeProto) => T | undefined): Maker<T> {
  return ((...fallback: [] | [T]) => ({
    needed,
    read,
    absent: fallback.length > 0 ? { value: fallback[0] } : undefined,
  })) as Maker<T>;
}

const FLOAT = 1;
const INT = 2;
const STRING = 3;
const TENSOR = 4;
const GRAPH = 5;
const FLOATS = 6;
const INTS = 7;
const STRINGS = 8;

/** Files of IR version 1 leave the type out. */
const hasType = ({ type }: AttributeProto, wanted: number): boolean => (type ?? 0) === 0 || type === wanted;

/** Text in UTF-8; undefined for other bytes. */
function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

export const int = maker<number>("an integer", (a) => (hasType(a, INT) ? (a.i ?? 0) : undefined));
export const float = maker<number>("a float", (a) => (hasType(a, FLOAT) ? (a.f ?? 0) : undefined));
export const text = maker<string>("a string", (a) =>
  hasType(a, STRING) ? decode(a.s ?? new Uint8Array(0)) : undefined,
);
export const ints = maker<readonly number[]>("integers", (a) => (hasType(a, INTS) ? a.ints : undefined));
export const floats = maker<readonly number[]>("floats", (a) => (hasType(a, FLOATS) ? a.floats : undefined));
export const stringsOf = maker<readonly string[]>("strings", (a) => {
  const all = a.strings.map(decode);
  return hasType(a, STRINGS) && all.every((one) => one !== undefined) ? (all as string[]) : undefined;
});
export const tensorValue = maker<HostValue>("a tensor", (a) =>
  hasType(a, TENSOR) && a.t ? readTensor(a.t) : undefined,
);
export const graph = maker<GraphProto>("a graph", (a) => (hasType(a, GRAPH) ? a.g : undefined));
export const flag = (fallback: boolean): Attribute<boolean> => ({
  needed: "0 or 1",
  read: (a) => (hasType(a, INT) && ((a.i ?? 0) === 0 || a.i === 1) ? a.i === 1 : undefined),
  absent: { value: fallback },
});

/** Left over from ONNX's first versions; says nothing about the result. */
const IGNORED = new Set(["consumed_inputs"]);

/** The attributes of a node by its row. @throws DataError for one that is unknown, of another kind, or missing. */
export function readAttributes(protos: readonly AttributeProto[], declared: Attributes): Record<string, unknown> {
  const given = new Map<string, AttributeProto>();
  for (const proto of protos) {
    const name = proto.name ?? "";
    if (given.has(name)) throw new DataError(`attribute ${JSON.stringify(name)} comes twice; once is needed`);
    if (proto.ref_attr_name)
      throw new DataError(`attribute ${JSON.stringify(name)} refers to one of a function; a value is needed`);
    if (!Object.hasOwn(declared, name) && !IGNORED.has(name))
      throw new DataError(
        `attribute ${JSON.stringify(name.slice(0, 60))} is not known here; ${Object.keys(declared).join(", ") || "none"} are read`,
      );
    given.set(name, proto);
  }
  return Object.fromEntries(
    Object.entries(declared).map(([name, { read, needed, absent }]) => {
      const proto = given.get(name);
      const value = proto ? read(proto) : absent?.value;
      if (value === undefined && (proto || !absent))
        throw new DataError(`attribute ${name} is ${proto ? "of another kind" : "missing"}; ${needed} is needed`);
      return [name, value];
    }),
  );
}
