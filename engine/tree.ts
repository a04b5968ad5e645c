/** Nested arrays and objects of tensors: parameters, gradients, optimiser states, batches. Anything that is not a tensor,
 *  an array or a plain object (numbers, strings, null) is carried along untouched. */
import { Tensor } from "./tensor.js";

// biome-ignore lint/suspicious/noExplicitAny: leaves of user trees may be anything; only tensors are looked at.
export type Tree = any;

/** Every tensor of a tree, in a fixed order (arrays by index, objects by sorted key). */
export function leaves(tree: Tree): Tensor[] {
  const out: Tensor[] = [];
  collect(tree, out);
  return out;
}

/** `[path, tensor]` of every leaf; paths look like `layers.0.weight`. */
export function entries(tree: Tree): [string, Tensor][] {
  const out: [string, Tensor][] = [];
  visit(tree, "", (t, path) => out.push([path, t]));
  return out;
}

/** A tree of the same structure with every tensor replaced. */
export function mapTree<T extends Tree>(tree: T, f: (t: Tensor, path: string) => Tree): T {
  return rebuild(tree, "", f) as T;
}

/** Maps corresponding tensors of several trees of one structure. @throws TypeError when the structures differ. */
export function zipTrees<T extends Tree>(f: (...ts: Tensor[]) => Tree, first: T, ...rest: Tree[]): T {
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
  if (tree instanceof Tensor) return "*";
  if (Array.isArray(tree)) return `[${tree.map(structureOf).join(",")}]`;
  if (isPlainObject(tree))
    return `{${Object.keys(tree)
      .sort()
      .map((k) => `${k}:${structureOf(tree[k])}`)
      .join(",")}}`;
  return JSON.stringify(tree) ?? String(tree);
}

function collect(tree: Tree, into: Tensor[]): void {
  if (tree instanceof Tensor) into.push(tree);
  else if (Array.isArray(tree)) for (const t of tree) collect(t, into);
  else if (isPlainObject(tree)) for (const k of Object.keys(tree).sort()) collect(tree[k], into);
}

function visit(tree: Tree, path: string, f: (t: Tensor, path: string) => void): void {
  if (tree instanceof Tensor) f(tree, path);
  else if (Array.isArray(tree)) for (const [i, t] of tree.entries()) visit(t, join(path, String(i)), f);
  else if (isPlainObject(tree)) for (const k of Object.keys(tree).sort()) visit(tree[k], join(path, k), f);
}

function rebuild(tree: Tree, path: string, f: (t: Tensor, path: string) => Tree): Tree {
  if (tree instanceof Tensor) return f(tree, path);
  if (Array.isArray(tree)) return tree.map((t, i) => rebuild(t, join(path, String(i)), f));
  if (!isPlainObject(tree)) return tree;
  const out: Record<string, Tree> = {};
  for (const k of Object.keys(tree)) out[k] = rebuild(tree[k], join(path, k), f);
  return out;
}

function join(path: string, key: string): string {
  return path ? `${path}.${key}` : key;
}

export function isPlainObject(tree: Tree): tree is Record<string, Tree> {
  if (typeof tree !== "object" || tree === null) return false;
  const proto = Object.getPrototypeOf(tree);
  return proto === Object.prototype || proto === null;
}
