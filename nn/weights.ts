/** Parameter trees as safetensors, with the names PyTorch's `nn.Sequential` gives them ("0.weight", "0.bias", "3.weight"). */
import { describe, entries, keep, mapTree, sameShape, type Tensor, type Tree, tensor } from "../engine/index.js";
import { DataError } from "./data/error.js";
import { type HostTensor, readSafetensors, writeSafetensors } from "./safetensors.js";

/** Reads all tensors of a tree back and packs them. `metadata` goes into the file's header. */
export async function packTree(tree: Tree, metadata: Readonly<Record<string, string>> = {}): Promise<Uint8Array> {
  const tensors = new Map<string, HostTensor>();
  for (const [path, t] of entries(tree)) {
    if (tensors.has(path)) throw new DataError(`weights: two tensors are called ${path}; rename one of them`);
    const data = await t.read();
    tensors.set(path, {
      dtype: t.dtype,
      shape: t.shape,
      data: data instanceof Float64Array ? Float32Array.from(data) : data,
    });
  }
  return writeSafetensors(tensors, new Map(Object.entries(metadata)));
}

export interface PackedTree {
  /** Kept tensors: arrays where all keys are 0 … n−1, objects elsewhere. Entries without tensors are null. */
  readonly tree: Tree;
  readonly metadata: ReadonlyMap<string, string>;
}

/** The tree in a safetensors file. With `like`, the names and shapes must be exactly those of that tree, whose other
 *  content (nulls, numbers) is kept; `num_batches_tracked` of PyTorch is left out. @throws DataError when they differ. */
export function unpackTree(bytes: Uint8Array, like?: Tree): PackedTree {
  const { tensors, metadata } = readSafetensors(bytes);
  const upload = ({ data, shape, dtype }: HostTensor): Tensor => keep(tensor(data, shape, dtype));
  if (like === undefined) return { tree: grow(new Map([...tensors].map(([name, t]) => [name, upload(t)]))), metadata };
  requireSame(tensors, entries(like));
  return { tree: mapTree(like, (_, path) => upload(tensors.get(path)!)), metadata };
}

/** How many batches PyTorch's batch normalisation has seen; only its momentum "None" makes use of it. */
const COUNTER = /(^|\.)num_batches_tracked$/;

function requireSame(tensors: ReadonlyMap<string, HostTensor>, wanted: readonly [string, Tensor][]): void {
  for (const [name, t] of wanted) {
    const found = tensors.get(name);
    if (!found || found.dtype !== t.dtype || !sameShape(found.shape, t.shape))
      throw new DataError(
        `weights: the network has ${name} ${describe(t)}, the file has ${found ? describe(found) : "no such tensor"}; ` +
          "choose the network the file was made with",
      );
  }
  const names = new Set(wanted.map(([name]) => name));
  const extra = [...tensors.keys()].filter((name) => !names.has(name) && !COUNTER.test(name));
  if (extra.length > 0)
    throw new DataError(
      `weights: the file also has ${extra.join(", ")}, which the network lacks; choose the network the file was made with`,
    );
}

/** A tree from dotted names. */
function grow(tensors: ReadonlyMap<string, Tensor>): Tree {
  const groups = new Map<string, Map<string, Tensor>>();
  const out: Record<string, Tree> = {};
  for (const [name, t] of tensors) {
    const dot = name.indexOf(".");
    if (dot < 0) {
      out[name] = t;
      continue;
    }
    const head = name.slice(0, dot);
    const group = groups.get(head) ?? new Map<string, Tensor>();
    groups.set(head, group.set(name.slice(dot + 1), t));
  }
  for (const [head, group] of groups) out[head] = grow(group);
  const keys = Object.keys(out);
  return keys.every((k) => /^\d+$/.test(k)) && keys.length > 0 ? asList(out) : out;
}

/** {0: a, 3: b} → [a, null, null, b]: layers without parameters have no tensors in the file. */
function asList(numbered: Record<string, Tree>): Tree[] {
  const last = Math.max(...Object.keys(numbered).map(Number));
  return Array.from({ length: last + 1 }, (_, i) => numbered[i] ?? null);
}
