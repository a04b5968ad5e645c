/** Schemas of settings that say where windows lie. */
import type { Padding, Padding1d, Pair } from "../engine/index.js";
import { isList, shownList } from "../engine/options.js";
import { ConfigError, number, type Schema } from "./schema.js";

const isPair = (value: unknown, fits: (v: unknown) => boolean): boolean =>
  isList(value) && value.length === 2 && value.every(fits);

const isWhole =
  (least: number) =>
  (value: unknown): boolean =>
    Number.isSafeInteger(value) && (value as number) >= least;

const twoOf = (item: object): object => ({ type: "array", items: item, minItems: 2, maxItems: 2 });

/** A whole number for both directions, or [vertical, horizontal]. */
export function pair(least: number): Schema<Pair> {
  const one = number({ min: least, whole: true }).json;
  return {
    json: { anyOf: [one, twoOf(one)] },
    read(value, path) {
      if (isWhole(least)(value)) return value as number;
      if (isPair(value, isWhole(least))) return [...(value as [number, number])];
      throw new ConfigError(
        `${path}: ${shownList(value)} came; a whole number of at least ${least}, or two of them in a list, is needed`,
      );
    },
  };
}

const side = number({ min: 0, whole: true }).json;

/** Zeros around an image, as conv2d takes them. */
export const padding: Schema<Padding> = {
  json: { anyOf: [{ enum: ["same", "valid"] }, side, twoOf(side), twoOf(twoOf(side))] },
  read(value, path) {
    const both = (v: unknown): boolean => isPair(v, isWhole(0));
    if (value === "same" || value === "valid" || isWhole(0)(value)) return value as Padding;
    if (both(value) || isPair(value, both)) return structuredClone(value) as Padding;
    throw new ConfigError(
      `${path}: ${shownList(value)} came; "same", "valid", a number, [v, h] or [[top, bottom], [left, right]] is needed`,
    );
  },
};

/** Zeros at the ends of a sequence, as conv1d takes them. */
export const padding1d: Schema<Padding1d> = {
  json: { anyOf: [{ enum: ["same", "valid"] }, side, twoOf(side)] },
  read(value, path) {
    if (value === "same" || value === "valid" || isWhole(0)(value)) return value as Padding1d;
    if (isPair(value, isWhole(0))) return structuredClone(value) as Padding1d;
    throw new ConfigError(
      `${path}: ${JSON.stringify(value)} came; "same", "valid", a number or [left, right] is needed`,
    );
  },
};
