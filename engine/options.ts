/** Checks of what plain JavaScript, or a value of type `any`, may hand to a public function. Each error is one sentence: what came, what is
 *  needed, what to do. */
import { describe } from "./errors.js";
import type { DType, TensorSpec } from "./lower.js";
import { nearest } from "./nearest.js";

/** A value in a message. */
export function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null) return String(value);
  if (value instanceof Promise) return "a promise";
  if (ArrayBuffer.isView(value)) return value.constructor.name;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (isSpec(value)) return describe(value);
  return `an object {${Object.keys(value).slice(0, 5).join(", ")}}`;
}

function isSpec(value: object): value is TensorSpec {
  return "dtype" in value && "shape" in value && Array.isArray(value.shape);
}

/** `options` if it is an object whose fields are all known. @throws TypeError naming the nearest known one. */
export function checkedOptions<T extends object>(op: string, options: T, known: readonly string[]): T {
  if (typeof options !== "object" || options === null || Array.isArray(options) || isSpec(options))
    throw new TypeError(`${op}: options are ${shown(options)}; an object is needed, like { ${known[0]}: ... }`);
  for (const name in options)
    if (!known.includes(name)) {
      const near = known.find((other) => other.toLowerCase() === name.toLowerCase()) ?? nearest(name, known);
      throw new TypeError(
        `${op}: there is no option ${JSON.stringify(name)}; ${near ? `did you mean ${near}? ` : ""}` +
          `${known.length > 1 ? "there are" : "there is"} ${known.join(", ")}`,
      );
    }
  return options;
}

const DTYPES: readonly string[] = ["f32", "i32", "u32"];

/** @throws TypeError unless `dtype` is one. */
export function requireDtype(op: string, dtype: unknown): asserts dtype is DType {
  if (!DTYPES.includes(dtype as string))
    throw new TypeError(`${op}: dtype ${shown(dtype)} given; "f32", "i32" or "u32" is needed`);
}

/** @throws TypeError unless `body` is a function. */
export function requireFunction(op: string, body: unknown, example: string): void {
  if (typeof body !== "function")
    throw new TypeError(`${op}: ${shown(body)} given; a function is needed, like ${example}`);
}
