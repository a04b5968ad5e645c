/** What the arguments of a captured step looked like at capture, and how those of a later call differ. */
import { describe } from "./errors.js";
import type { TensorSpec } from "./lower.js";
import { sameShape } from "./shape.js";
import { isTensor, type Tensor } from "./tensor.js";
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

/** Stands for an object in recorded arguments. */
class RecordedObject {
  /** In the order of `leaves`. */
  readonly keys: readonly string[];
  constructor(readonly fields: Readonly<Record<string, Tree>>) {
    this.keys = Object.keys(fields).sort();
  }
}

/** The arguments with specs in place of tensors. Plain values are kept; objects with a class of their own, by identity. */
export function recordArguments(tree: Tree): Tree {
  if (isTensor(tree)) return new Recorded(tree);
  if (Array.isArray(tree)) return tree.map(recordArguments);
  if (!isPlainObject(tree)) return tree;
  return new RecordedObject(
    Object.fromEntries(Object.entries(tree).map(([key, value]) => [key, recordArguments(value)])),
  );
}

/** Appends the tensors of `given` in the order of `leaves`; false, at some point, where it does not fit what was recorded. */
export function collectTensors(recorded: Tree, given: Tree, into: Tensor[]): boolean {
  if (recorded instanceof Recorded) {
    if (!isTensor(given) || given.dtype !== recorded.dtype || !sameShape(given.shape, recorded.shape)) return false;
    into.push(given);
    return true;
  }
  if (Array.isArray(recorded)) {
    if (!Array.isArray(given) || given.length !== recorded.length) return false;
    for (let i = 0; i < recorded.length; i++) if (!collectTensors(recorded[i], given[i], into)) return false;
    return true;
  }
  if (recorded instanceof RecordedObject) {
    if (!haveSameKeys(recorded, given)) return false;
    for (const key of recorded.keys) if (!collectTensors(recorded.fields[key], given[key], into)) return false;
    return true;
  }
  return Object.is(recorded, given);
}

function haveSameKeys({ keys }: RecordedObject, given: Tree): given is Record<string, Tree> {
  if (!isPlainObject(given) || Object.keys(given).length !== keys.length) return false;
  for (const key of keys) if (!(key in given)) return false;
  return true;
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
  if (collectTensors(recorded, given, [])) return undefined;
  for (const [key, a, b] of parts(recorded, given)) {
    const found = difference(a, b, path === "" ? key : `${path}.${key}`);
    if (found) return found;
  }
  return { path, recorded: show(recorded), given: show(given), hint: hint(recorded, given) };
}

/** What lies in the same places of two trees of one structure. */
function parts(recorded: Tree, given: Tree): [key: string, recorded: Tree, given: Tree][] {
  if (recorded instanceof RecordedObject)
    return haveSameKeys(recorded, given)
      ? Object.keys(recorded.fields).map((key) => [key, recorded.fields[key], given[key]])
      : [];
  if (!Array.isArray(recorded) || !Array.isArray(given) || given.length !== recorded.length) return [];
  return recorded.map((tree, i) => [String(i), tree, given[i]]);
}

function hint(recorded: Tree, given: Tree): string {
  if (recorded instanceof Recorded && isTensor(given))
    return recorded.dtype === given.dtype ? "pad the last batch" : "convert it";
  if (recorded instanceof Recorded || isTensor(given)) return "pass the same kind";
  const structured = Array.isArray(recorded) || recorded instanceof RecordedObject;
  return structured ? "pass the same structure" : "pass what varies as a tensor";
}

function show(tree: Tree): string {
  if (tree instanceof Recorded || isTensor(tree)) return describe(tree);
  if (Array.isArray(tree)) return `a list of ${tree.length}`;
  const fields = tree instanceof RecordedObject ? tree.fields : tree;
  if (isPlainObject(fields)) return `{${Object.keys(fields).join(", ")}}`;
  return typeof tree === "string" ? JSON.stringify(tree) : String(tree);
}
