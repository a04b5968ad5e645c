/** What the arguments of a captured step looked like at capture, and how those of a later call differ. */
import { describe } from "./errors.js";
import type { TensorSpec } from "./lower.js";
import { Tensor } from "./tensor.js";
import { isPlainObject, type Tree } from "./tree.js";

/** Stands for a tensor in recorded arguments. */
class Recorded implements TensorSpec {
  readonly shape: readonly number[];
  readonly dtype: TensorSpec["dtype"];
  constructor({ shape, dtype }: TensorSpec) {
    this.shape = shape;
    this.dtype = dtype;
  }
}

/** The arguments with specs in place of tensors. Plain values are kept; objects with a class of their own, by identity. */
export function recordArguments<T extends Tree>(tree: T): T {
  if (tree instanceof Tensor) return new Recorded(tree) as T;
  if (Array.isArray(tree)) return tree.map(recordArguments) as T;
  if (!isPlainObject(tree)) return tree;
  return Object.fromEntries(Object.entries(tree).map(([key, value]) => [key, recordArguments(value)])) as T;
}

export interface Difference {
  /** `2.layers.0.weight`: argument number, then keys. */
  readonly path: string;
  readonly recorded: string;
  readonly given: string;
  /** What the caller may do about it. */
  readonly hint: string;
}

/** The first place where `given` does not fit what was recorded. */
export function difference(recorded: Tree, given: Tree, path = ""): Difference | undefined {
  const differs = (hint: string): Difference => ({ path, recorded: show(recorded), given: show(given), hint });
  if (recorded instanceof Recorded || given instanceof Tensor) {
    if (!(recorded instanceof Recorded && given instanceof Tensor)) return differs("pass the same kind");
    if (recorded.dtype !== given.dtype) return differs("convert it");
    const { shape } = recorded;
    const same = shape.length === given.shape.length && shape.every((d, i) => d === given.shape[i]);
    return same ? undefined : differs("pad the last batch");
  }
  if (Array.isArray(recorded)) {
    if (!Array.isArray(given) || given.length !== recorded.length) return differs("pass the same structure");
    return firstDifference(recorded.keys(), recorded, given, path);
  }
  if (isPlainObject(recorded)) {
    const keys = Object.keys(recorded);
    const fits = isPlainObject(given) && Object.keys(given).length === keys.length && keys.every((k) => k in given);
    return fits ? firstDifference(keys, recorded, given, path) : differs("pass the same structure");
  }
  return Object.is(recorded, given) ? undefined : differs("pass what varies as a tensor");
}

function firstDifference(
  keys: Iterable<string | number>,
  recorded: Tree,
  given: Tree,
  path: string,
): Difference | undefined {
  for (const key of keys) {
    const found = difference(recorded[key], given[key], path === "" ? String(key) : `${path}.${key}`);
    if (found) return found;
  }
  return undefined;
}

function show(tree: Tree): string {
  if (tree instanceof Recorded || tree instanceof Tensor) return describe(tree);
  if (Array.isArray(tree)) return `a list of ${tree.length}`;
  if (isPlainObject(tree)) return `{${Object.keys(tree).join(", ")}}`;
  return typeof tree === "string" ? JSON.stringify(tree) : String(tree);
}
