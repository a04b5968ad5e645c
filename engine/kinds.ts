/** What arguments and options may be, in the words of messages: the columns of the tables that `requireArguments` and
 *  `checkedOptions` read. */
import { isList, isRecord, type Kind, refuseTensor } from "./options.js";
import { isTensor, type Tensor } from "./tensor.js";

const isNumber = (value: unknown): value is number => typeof value === "number" && !Number.isNaN(value);
const isWhole =
  (least: number) =>
  (value: unknown): boolean =>
    Number.isSafeInteger(value) && (value as number) >= least;

const isTypedArray = (value: unknown): boolean =>
  ArrayBuffer.isView(value) &&
  !(value instanceof DataView || value instanceof BigInt64Array || value instanceof BigUint64Array);

export const aTensor: Kind = { needed: "a tensor", remedy: "make one with tensor()", fits: isTensor };
export const aNumber: Kind = { needed: "a number", fits: isNumber };
export const aFiniteNumber: Kind = { needed: "a finite number", fits: Number.isFinite };
/** NaN too: for what is only put somewhere. */
export const anyNumber: Kind = { needed: "a number", fits: (value) => typeof value === "number" };
export const aNumberOfAtLeast0: Kind = { needed: "a number of at least 0", fits: (v) => isNumber(v) && v >= 0 };
export const aPositiveNumber: Kind = { needed: "a positive number", fits: (v) => isNumber(v) && v > 0 };
export const aShare: Kind = { needed: "a number from 0 to 1", fits: (v) => isNumber(v) && v >= 0 && v <= 1 };
export const anInteger: Kind = { needed: "an integer", fits: Number.isSafeInteger };
export const aCount: Kind = { needed: "an integer of at least 1", fits: isWhole(1) };
export const aNatural: Kind = { needed: "an integer of at least 0", fits: isWhole(0) };
/** A number of things that may have no bound. */
export const aLimit: Kind = { needed: "a number of at least 1", fits: (v) => isNumber(v) && v >= 1 };
export const aFlag: Kind = { needed: "true or false", fits: (v) => typeof v === "boolean" };
export const aText: Kind = { needed: "a text", fits: (v) => typeof v === "string" };
export const aName: Kind = { needed: "a name", fits: (v) => typeof v === "string" && v !== "" };
export const aFunction: Kind = { needed: "a function", fits: (v) => typeof v === "function" };
export const aTensorOrNumber: Kind = {
  needed: "a tensor or a number",
  remedy: "make one with tensor()",
  fits: (v) => isNumber(v) || isTensor(v),
};
/** Anything with tensors in it: nested lists and objects. */
export const aTree: Kind = {
  needed: "a tensor, or lists and objects of tensors",
  fits: (v) => v === null || isTensor(v) || isList(v) || isRecord(v),
};
export const aKey: Kind = {
  needed: "a random key, u32[2]",
  remedy: "make one with random.key(seed)",
  fits: (v) => isTensor(v) && v.dtype === "u32" && v.rank === 1 && v.size === 2,
};
export const byteArray: Kind = {
  needed: "a Uint8Array",
  fits: (v) => ArrayBuffer.isView(v) && v instanceof Uint8Array,
};
export const numbers: Kind = {
  needed: "a list or typed array of numbers",
  // A typed array holds nothing else, and may be long.
  fits: (v) => isTypedArray(v) || (isList(v) && v.every((n) => typeof n === "number")),
};
export const aShape: Kind = {
  needed: "a list of sides, like [2, 3],",
  fits: (v) => isList(v) && v.every(isWhole(0)),
};

/** Tensors of some number of sides. */
export function tensorOf(letters: string, fits: (t: Tensor) => boolean): Kind {
  return { needed: letters, fits: (v) => isTensor(v) && fits(v) };
}

export function wordOf(...words: readonly string[]): Kind {
  return { needed: words.map((word) => JSON.stringify(word)).join(" or "), fits: (v) => words.includes(v as string) };
}

/** A list whose elements are all of a kind. `plural` names them: "tensors". */
export function listOf(item: Kind, plural: string): Kind {
  return { needed: `a list of ${plural}`, fits: (v) => isList(v) && v.every(item.fits) };
}

/** Exactly so many of a kind. */
export function tupleOf(item: Kind, count: number, plural: string): Kind {
  return {
    needed: `a list of ${count} ${plural}`,
    fits: (v) => isList(v) && v.length === count && v.every(item.fits),
  };
}

/** An object with fields of these kinds, whatever else it has; `what` names it: "a domain". */
export function anObject(what: string, fields: Readonly<Record<string, Kind>>): Kind {
  const names = Object.keys(fields);
  return {
    needed: names.length === 0 ? what : `${what}, an object with ${names.join(", ")},`,
    fits(v) {
      if (names.length === 0) return isRecord(v);
      if (typeof v !== "object" || v === null) return false;
      const record = v as Readonly<Record<string, unknown>>;
      try {
        return names.every((name) => fields[name].fits(record[name]));
      } catch {
        // A proxy that was revoked, or a getter that throws.
        return false;
      }
    },
  };
}

/** The same, or nothing. */
export function maybe(kind: Kind): Kind {
  return { ...kind, fits: (v) => v === undefined || kind.fits(v) };
}

/** One of two. */
export function either(a: Kind, b: Kind): Kind {
  return { needed: `${a.needed} or ${b.needed}`, remedy: a.remedy ?? b.remedy, fits: (v) => a.fits(v) || b.fits(v) };
}

/** An option that has no default. */
export function required(kind: Kind): Kind {
  return { ...kind, required: true };
}

/** @throws TypeError unless `x` is a tensor. */
export function requireTensor(op: string, x: unknown): asserts x is Tensor {
  if (!isTensor(x)) refuseTensor(op, x);
}
