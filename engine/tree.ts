/** Nested arrays and objects of tensors: parameters, gradients, optimiser states, batches. Anything that is not a tensor,
 *  an array or a plain object (numbers, strings, null) is carried along untouched. */
import { isList, refuseTensor, requireFunction, shown } from "./options.js";
import { isTensor, type Tensor } from "./tensor.js";

/** Tensors in arrays and plain objects, nested as one likes; a single tensor is a tree too. Other leaves pass through. */
// biome-ignore lint/suspicious/noExplicitAny: leaves of user trees may be anything; only tensors are looked at.
export type Tree = any;

/** Every tensor of a tree, in a fixed order (arrays by index, objects by sorted key). */
export function leaves(tree: Tree): Tensor[] {
  const out: Tensor[] = [];
  collect(tree, out, 0);
  return out;
}

/** `[path, tensor]` of every leaf; paths look like `layers.0.weight`. */
export function entries(tree: Tree): [string, Tensor][] {
  const out: [string, Tensor][] = [];
  visit(tree, "", (t, path) => out.push([path, t]), 0);
  return out;
}

/** A tree whose tensors were replaced by something else. */
export type Mapped<T, R> = 0 extends 1 & T
  ? Tree
  : T extends Tensor
    ? R
    : T extends readonly unknown[] | Readonly<Record<string, unknown>>
      ? { [K in keyof T]: Mapped<T[K], R> }
      : T;

/** A tree of the same structure with every tensor replaced. @throws TypeError unless `f` is a function. */
export function mapTree<T extends Tree>(tree: T, f: (t: Tensor, path: string) => Tensor): T;
export function mapTree<T extends Tree, R>(tree: T, f: (t: Tensor, path: string) => R): Mapped<T, R>;
export function mapTree(tree: Tree, f: (t: Tensor, path: string) => unknown): Tree {
  requireFunction("mapTree", f, "mapTree(tree, (t) => square(t))");
  return rebuild(tree, "", f, 0);
}

/** Maps corresponding tensors of several trees of one structure. @throws TypeError when the structures differ. */
export function zipTrees<T extends Tree>(f: (...ts: Tensor[]) => Tree, first: T, ...rest: Tree[]): T {
  requireFunction("zipTrees", f, "zipTrees((a, b) => add(a, b), tree, other)");
  const others = rest.map((tree) => new Map(entries(tree)));
  const count = leaves(first).length;
  for (const o of others)
    if (o.size !== count)
      throw new TypeError(`trees differ: one has ${count} tensors, another ${o.size}; they need the same structure`);
  return mapTree(first, (t, path) =>
    f(
      t,
      ...others.map((o) => {
        const match = o.get(path);
        if (!match) throw new TypeError(`trees differ: one has a tensor at "${path}", another does not`);
        return match;
      }),
    ),
  );
}

/** The structure of a tree with `*` for tensors, for comparing and for messages. */
export function structureOf(tree: Tree): string {
  return structureAt(tree, 0);
}

function structureAt(tree: Tree, depth: number): string {
  if (isTensor(tree)) return "*";
  const next = deeper(depth);
  if (isList(tree)) return `[${tree.map((t) => structureAt(t, next)).join(",")}]`;
  if (isPlainObject(tree))
    return `{${Object.keys(tree)
      .sort()
      .map((k) => `${k}:${structureAt(tree[k], next)}`)
      .join(",")}}`;
  return typeof tree === "object" || typeof tree === "bigint" ? shown(tree) : (JSON.stringify(tree) ?? String(tree));
}

function collect(tree: Tree, into: Tensor[], depth: number): void {
  if (isTensor(tree)) into.push(tree);
  else if (isList(tree)) for (const t of tree) collect(t, into, deeper(depth));
  else if (isPlainObject(tree)) for (const k of Object.keys(tree).sort()) collect(tree[k], into, deeper(depth));
}

function visit(tree: Tree, path: string, f: (t: Tensor, path: string) => void, depth: number): void {
  if (isTensor(tree)) f(tree, path);
  else if (isList(tree)) for (const [i, t] of tree.entries()) visit(t, join(path, String(i)), f, deeper(depth));
  else if (isPlainObject(tree))
    for (const k of Object.keys(tree).sort()) visit(tree[k], join(path, k), f, deeper(depth));
}

function rebuild(tree: Tree, path: string, f: (t: Tensor, path: string) => Tree, depth: number): Tree {
  if (isTensor(tree)) return f(tree, path);
  if (isList(tree)) return tree.map((t, i) => rebuild(t, join(path, String(i)), f, deeper(depth)));
  if (!isPlainObject(tree)) return tree;
  const out: Record<string, Tree> = {};
  for (const k of Object.keys(tree)) out[k] = rebuild(tree[k], join(path, k), f, deeper(depth));
  return out;
}

const DEEPEST = 1000;

/** Trees that contain themselves would be followed for ever. */
function deeper(depth: number): number {
  if (depth >= DEEPEST)
    throw new TypeError(
      `a tree is nested deeper than ${DEEPEST} levels; does it contain itself? give each tensor once`,
    );
  return depth + 1;
}

function join(path: string, key: string): string {
  return path ? `${path}.${key}` : key;
}

export function isPlainObject(tree: Tree): tree is Record<string, Tree> {
  if (typeof tree !== "object" || tree === null) return false;
  const proto = prototypeOf(tree);
  if (proto === Object.prototype || proto === null) return true;
  // What looks like a tensor and is none (a proxy that a framework put around it) would be passed over in silence.
  if (proto !== undefined && "valueOn" in proto) refuseTensor("a tree of tensors", tree);
  return false;
}

function prototypeOf(value: object): object | null | undefined {
  try {
    return Object.getPrototypeOf(value) as object | null;
  } catch {
    // A proxy that was revoked.
    return undefined;
  }
}
