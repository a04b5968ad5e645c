/** Checks of what plain JavaScript, or a value of type `any`, may hand to a public function. Each error is one sentence: what came, what is
 *  needed, what to do. */
import { describe } from "./errors.js";
import type { DType, TensorSpec } from "./lower.js";
import { nearest } from "./nearest.js";

/** A value in a message. Never throws, whatever the value. */
export function shown(value: unknown): string {
  try {
    return shownOrThrow(value);
  } catch {
    // A proxy that was revoked, or a getter that throws.
    return "an object that cannot be read";
  }
}

function shownOrThrow(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null) return String(value);
  if (value instanceof Promise) return "a promise";
  if (ArrayBuffer.isView(value)) return value.constructor.name;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (isSpec(value)) return describe(value);
  const made = (Object.getPrototypeOf(value) as object | null)?.constructor?.name ?? "Object";
  if (made !== "Object") return `a ${made}`;
  return `an object {${Object.keys(value).slice(0, 5).join(", ")}}`;
}

/** `Array.isArray`, but false for a proxy that was revoked. */
export const isList: typeof Array.isArray = (value): value is never => {
  try {
    return Array.isArray(value);
  } catch {
    return false;
  }
};

/** A list in a message, with its elements: [2,"3"]; lists in lists in lists by their lengths. */
export function shownList(values: unknown, depth = 0): string {
  return isList(values) && depth < 3 ? `[${values.map((v) => shownList(v, depth + 1)).join(",")}]` : shown(values);
}

/** Whether it is a promise; false for a proxy that was revoked, of which nothing can be asked. */
export function isPromise(value: unknown): value is Promise<unknown> {
  try {
    return value instanceof Promise;
  } catch {
    return false;
  }
}

function isSpec(value: object): value is TensorSpec {
  return "dtype" in value && "shape" in value && isList(value.shape);
}

/** What a value must be. Rows of tables of arguments and options are made of these (see kinds.ts). */
export interface Kind {
  /** In messages, before "is needed": "a tensor". */
  readonly needed: string;
  /** What to do about it, after "is needed". */
  readonly remedy?: string;
  /** Whether an option of this kind must be given; others may be left out. */
  readonly required?: true;
  fits(value: unknown): boolean;
}
export type Kinds = Readonly<Record<string, Kind>>;
/** A kind for every option of an interface, so that none is forgotten. */
export type KindsOf<Options> = { readonly [Name in keyof Options]-?: Kind };

/** Values with what each has to be, by the names of the parameters: `{ x: [x, aTensor], k: [k, aCount] }`. */
export type Given = Readonly<Record<string, readonly [value: unknown, kind: Kind]>>;

/** @throws TypeError naming the first that is not of its kind. */
export function requireArguments(op: string, given: Given): void {
  for (const name in given) {
    const [value, kind] = given[name];
    if (!kind.fits(value)) refuse(op, name, value, kind);
  }
}

/** For what is no tensor of this engine. */
export function refuseTensor(op: string, x: unknown): never {
  let remedy = isPromise(x) ? "await it" : "make one with tensor()";
  if (/^([fiu]32|f16)\[/.test(shown(x)))
    remedy = "pass the tensor itself: this is a proxy of one, or comes from another copy of the package";
  throw new TypeError(`${op}: ${shown(x)} given; a tensor is needed; ${remedy}`);
}

function refuse(op: string, name: string, value: unknown, { needed, remedy }: Kind): never {
  const what = isPromise(value) ? "await it" : remedy;
  throw new TypeError(`${op}: ${name} is ${shown(value)}; ${needed} is needed${what === undefined ? "" : `; ${what}`}`);
}

/** `options` if it is an object whose fields are all known and, where kinds are told, of their kind. What is undefined was left out.
 *  @throws TypeError naming the nearest known one. */
export function checkedOptions<T extends object>(op: string, options: T, known: readonly string[] | Kinds): T {
  const kinds = isList(known) ? undefined : (known as Kinds);
  const names: readonly string[] = kinds ? Object.keys(kinds) : (known as readonly string[]);
  if (!isRecord(options))
    throw new TypeError(`${op}: options are ${shown(options)}; an object is needed, like { ${names[0]}: ... }`);
  for (const name in options)
    if (!names.includes(name)) {
      const near = names.find((other) => other.toLowerCase() === name.toLowerCase()) ?? nearest(name, names);
      throw new TypeError(
        `${op}: there is no option ${JSON.stringify(name)}; ${near ? `did you mean ${near}? ` : ""}` +
          `${names.length > 1 ? "there are" : "there is"} ${names.join(", ")}`,
      );
    }
  for (const name in kinds) {
    const value = (options as Readonly<Record<string, unknown>>)[name];
    const kind = kinds[name];
    if (value === undefined ? kind.required : !kind.fits(value)) refuse(op, name, value, kind);
  }
  return options;
}

/** Objects that hold options: made by {} or by a class of the user's, but nothing that is a value of another kind. */
export function isRecord(value: unknown): value is object {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return false;
  try {
    return !(
      Array.isArray(value) ||
      isSpec(value) ||
      value instanceof Promise ||
      value instanceof Date ||
      isCollection(value)
    );
  } catch {
    return false;
  }
}

function isCollection(value: object): boolean {
  return value instanceof Map || value instanceof Set || value instanceof WeakMap || value instanceof RegExp;
}

const COMPUTED: readonly unknown[] = ["f32", "i32", "u32"];

/** @throws TypeError unless `dtype` is one that ops make and compute with. */
export function requireDtype(op: string, dtype: unknown): asserts dtype is DType {
  if (COMPUTED.includes(dtype)) return;
  const remedy = dtype === "f16" ? '; f16 is only stored: make it with cast(x, "f16") or tensor()' : "";
  throw new TypeError(`${op}: dtype ${shown(dtype)} given; "f32", "i32" or "u32" is needed${remedy}`);
}

/** @throws TypeError unless `dtype` is one that a tensor may be stored in. */
export function requireStored(op: string, dtype: unknown): asserts dtype is DType {
  if (dtype !== "f16" && !COMPUTED.includes(dtype))
    throw new TypeError(`${op}: dtype ${shown(dtype)} given; "f32", "f16", "i32" or "u32" is needed`);
}

/** Whether tensors of this type have gradients. Those of f16 are f32. */
export function isFloat(dtype: DType): boolean {
  return dtype === "f32" || dtype === "f16";
}

/** @throws TypeError unless `body` is a function. */
export function requireFunction(op: string, body: unknown, example: string): void {
  if (typeof body !== "function")
    throw new TypeError(`${op}: ${shown(body)} given; a function is needed, like ${example}`);
}

const RANGES = {
  i32: [-(2 ** 31), 2 ** 31 - 1],
  u32: [0, 2 ** 32 - 1],
} as const;

/** Whether a tensor of `dtype` can hold the number; rounding of floats is no loss that counts. */
export function holds(dtype: DType, value: number): boolean {
  if (dtype === "f32" || dtype === "f16") return true;
  const [low, high] = RANGES[dtype];
  return Number.isInteger(value) && value >= low && value <= high;
}

/** The numbers that a tensor of integers can hold, for messages. */
export function rangeOf(dtype: DType): string {
  return dtype === "i32" ? "an integer from -2^31 to 2^31 - 1" : "an integer from 0 to 2^32 - 1";
}
