/** Small schemas: one value that is the type, the check and the JSON Schema of a configuration. */

import { isList, shown } from "../engine/options.js";
import { isPlainObject } from "../engine/tree.js";
import { nearest } from "./nearest.js";
import { printable } from "./printable.js";

/** A configuration that does not fit its schema: one sentence with the place, one line of at most 1000 characters. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";

  constructor(message: string) {
    super(printable(message, 1000));
  }
}

export interface Schema<T> {
  /** The value with its defaults. @throws ConfigError naming the place at `path`. */
  read(value: unknown, path: string): T;
  readonly json: Readonly<Record<string, unknown>>;
  /** Stands in when a field is left out. */
  readonly absent?: { readonly value: T };
}

export type Infer<S> = S extends Schema<infer T> ? T : never;

function refuse(path: string, value: unknown, needed: string, hint = ""): never {
  const came = value === undefined ? "nothing" : printable(inWords(value), 120);
  throw new ConfigError(`${path || "configuration"}: ${came} came; ${needed} is needed${hint}`);
}

/** JSON where there is one. */
function inWords(value: unknown): string {
  if (typeof value === "object" && value !== null && !(isList(value) || isPlainObject(value))) return shown(value);
  try {
    return JSON.stringify(value) ?? shown(value);
  } catch {
    return shown(value);
  }
}

/** "; did you mean lrp?", where a word is near one of those there are. */
function meant(word: unknown, words: readonly string[]): string {
  const near = typeof word === "string" ? nearest(word, words) : undefined;
  return near === undefined ? "" : `; did you mean ${near}?`;
}

export interface NumberLimits {
  readonly min?: number;
  readonly max?: number;
  /** It is to be larger. */
  readonly above?: number;
  /** It is to be smaller. */
  readonly below?: number;
  readonly whole?: boolean;
}

export function number({ min, max, above, below, whole = false }: NumberLimits = {}): Schema<number> {
  const limits = [
    [min, "of at least"],
    [above, "above"],
    [max, (min ?? above) === undefined ? "of at most" : "at most"],
    [below, "below"],
  ] as const;
  const range = limits.flatMap(([limit, words]) => (limit === undefined ? [] : [`${words} ${limit}`])).join(" and ");
  const needed = [whole ? "a whole number" : "a number", range].filter(Boolean).join(" ");
  return {
    json: {
      ...{ type: whole ? "integer" : "number", minimum: min, maximum: max },
      ...{ exclusiveMinimum: above, exclusiveMaximum: below },
    },
    read(value, path) {
      const fits = typeof value === "number" && Number.isFinite(value) && (!whole || Number.isInteger(value));
      const isInside = (v: number): boolean =>
        v >= (min ?? v) && v <= (max ?? v) && v > (above ?? -Infinity) && v < (below ?? Infinity);
      if (!fits || !isInside(value)) refuse(path, value, needed);
      return value;
    },
  };
}

export const count = number({ min: 1, whole: true });
export const natural = number({ min: 0, whole: true });
export const size = number({ min: 0 });
export const positive = number({ above: 0 });
export const share = number({ min: 0, max: 1 });

export const text: Schema<string> = {
  json: { type: "string" },
  read: (value, path) => (typeof value === "string" ? value : refuse(path, value, "a text")),
};

export const flag: Schema<boolean> = {
  json: { type: "boolean" },
  read: (value, path) => (typeof value === "boolean" ? value : refuse(path, value, "true or false")),
};

export function oneOf<const T extends string>(...words: readonly T[]): Schema<T> {
  return {
    json: { enum: words },
    read: (value, path) =>
      words.find((word) => word === value) ?? refuse(path, value, `one of ${words.join(", ")}`, meant(value, words)),
  };
}

/** A list of at least one, or of at least `min`. */
export function list<T>(item: Schema<T>, { min = 1 }: Pick<NumberLimits, "min"> = {}): Schema<readonly T[]> {
  return {
    json: { type: "array", items: item.json, minItems: min },
    read(value, path) {
      if (!isList(value) || value.length < min)
        refuse(path, value, min === 0 ? "a list" : `a list of at least ${min === 1 ? "one" : min}`);
      return value.map((v, i) => item.read(v, `${path}[${i}]`));
    },
  };
}

export function optional<T>(schema: Schema<T>): Schema<T | undefined>;
export function optional<T>(schema: Schema<T>, value: T): Schema<T>;
export function optional<T>(schema: Schema<T>, value?: T): Schema<T | undefined> {
  return { ...schema, json: value === undefined ? schema.json : { ...schema.json, default: value }, absent: { value } };
}

/** Any names, one schema for all values. */
export function record<T>(item: Schema<T>): Schema<Readonly<Record<string, T>>> {
  return {
    json: { type: "object", additionalProperties: item.json },
    read: (value, path) =>
      Object.fromEntries(Object.entries(fieldsOf(value, path)).map(([k, v]) => [k, item.read(v, inside(path, k))])),
  };
}

/** The same with one line for people, which help texts and the JSON Schema show. */
export function described<T>(schema: Schema<T>, description: string): Schema<T> {
  return { ...schema, json: { ...schema.json, description } };
}

/** A setting with a default and one line for people. */
export function setting<T>(schema: Schema<T>, value: T, description: string): Schema<T>;
/** A setting that may be left out. */
export function setting<T>(schema: Schema<T>, value: undefined, description: string): Schema<T | undefined>;
export function setting<T>(schema: Schema<T>, value: T | undefined, description: string): Schema<T | undefined> {
  return described(optional(schema, value as T), description);
}

/** A value may be like another that is like another, so often. */
const MAX_LIKE = 100;

/** A record whose values may also be `{ "like": name, …changes }`: everything another value says, but for the changes; not in a circle. */
export function variations<T>(item: Schema<T>): Schema<Readonly<Record<string, T>>> {
  const change = { type: "object", properties: { like: text.json }, required: ["like"] };
  const plain = record(item);
  return {
    json: { type: "object", additionalProperties: { anyOf: [item.json, change] } },
    read(value, path) {
      const given = fieldsOf(value, path);
      const made = new Map<string, Readonly<Record<string, unknown>>>();
      const spelledOut = (name: string, after: readonly string[]): Readonly<Record<string, unknown>> => {
        const ready = made.get(name);
        if (ready) return ready;
        const { like, ...changes } = fieldsOf(given[name], inside(path, name));
        const place = inside(path, `${name}.like`);
        if (after.length > MAX_LIKE)
          throw new ConfigError(`${place}: more than ${MAX_LIKE} values, each like the next`);
        const circle = [...after, name];
        if (like !== undefined && (typeof like !== "string" || !Object.hasOwn(given, like) || circle.includes(like)))
          oneOf(...Object.keys(given).filter((other) => !circle.includes(other))).read(like, place);
        const result = like === undefined ? changes : { ...spelledOut(like as string, circle), ...changes };
        made.set(name, result);
        return result;
      };
      return plain.read(Object.fromEntries(Object.keys(given).map((name) => [name, spelledOut(name, [])])), path);
    },
  };
}

/** Named settings, each with its schema. */
export type Fields = Readonly<Record<string, Schema<unknown>>>;
export type Read<F extends Fields> = { readonly [K in keyof F]: Infer<F[K]> };

/** These fields and no others. */
export function object<const F extends Fields>(fields: F): Schema<Read<F>> {
  const required = Object.keys(fields).filter((name) => !fields[name].absent);
  return {
    json: {
      type: "object",
      properties: Object.fromEntries(Object.entries(fields).map(([name, { json }]) => [name, json])),
      ...{ required, additionalProperties: false },
    },
    read(value, path) {
      const given = fieldsOf(value, path);
      const stranger = Object.keys(given).find((name) => !Object.hasOwn(fields, name));
      if (stranger !== undefined) {
        const known = Object.keys(fields);
        const hint = meant(stranger, known);
        throw new ConfigError(`${inside(path, stranger)}: no such setting; there is ${known.join(", ")}${hint}`);
      }
      const read = Object.entries(fields).map(([name, schema]) =>
        given[name] === undefined && schema.absent
          ? [name, schema.absent.value]
          : [name, schema.read(given[name], inside(path, name))],
      );
      return Object.fromEntries(read.filter(([, v]) => v !== undefined)) as Read<F>;
    },
  };
}

type Variant<V extends Readonly<Record<string, Fields>>> = {
  [K in keyof V]: { readonly kind: K } & Read<V[K]>;
}[keyof V];

/** Fields that depend on the word in `kind`. */
export function variant<const V extends Readonly<Record<string, Fields>>>(kinds: V): Schema<Variant<V>> {
  const names = Object.keys(kinds);
  const schemas = Object.fromEntries(names.map((name) => [name, object({ kind: oneOf(name), ...kinds[name] })]));
  return {
    json: { oneOf: Object.values(schemas).map(({ json }) => json) },
    read(value, path) {
      const kind = oneOf(...names).read(fieldsOf(value, path).kind, inside(path, "kind"));
      return schemas[kind].read(value, path) as Variant<V>;
    },
  };
}

function fieldsOf(value: unknown, path: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || isList(value)) refuse(path, value, "an object");
  return value as Readonly<Record<string, unknown>>;
}

const inside = (path: string, name: string): string => (path ? `${path}.${name}` : name);

/** The settings of a row of a table, checked and completed. @throws RangeError for one that is unknown or out of range. */
export function readSettings(
  { name, options }: { readonly name: string; readonly options: Fields },
  settings: Readonly<Record<string, unknown>>,
): Read<Fields> {
  try {
    return object(options).read(settings, name);
  } catch (error) {
    if (error instanceof ConfigError) throw new RangeError(error.message);
    throw error;
  }
}
