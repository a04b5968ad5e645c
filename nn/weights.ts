/** Parameter trees as safetensors, with the names PyTorch's `nn.Sequential` gives them ("0.weight", "0.bias", "3.weight"). */

import { describe, entries, keep, mapTree, sameShape, type Tensor, type Tree, tensor } from "../engine/index.js";
import { aFunction, aTree, byteArray, either, maybe } from "../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../engine/options.js";
import { DataError } from "./data/error.js";
import { aSafetensorsFile, textRecord } from "./kinds.js";
import {
  type HostTensor,
  readSafetensors,
  type SafetensorsFile,
  type WriteOptions,
  writeSafetensors,
} from "./safetensors.js";

/** Reads all tensors of a tree back and packs them. `metadata` goes into the file's header. */
export async function packTree(
  tree: Tree,
  metadata: Readonly<Record<string, string>> = {},
  options: WriteOptions = {},
): Promise<Uint8Array> {
  requireArguments("packTree", { tree: [tree, aTree], metadata: [metadata, textRecord] });
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
  return writeSafetensors(tensors, new Map(Object.entries(metadata)), options);
}

export interface PackedTree {
  /** Kept tensors: arrays where all keys are 0 … n−1, objects elsewhere. Entries without tensors are null. */
  readonly tree: Tree;
  readonly metadata: ReadonlyMap<string, string>;
  /** How names in the file were read, where they are not those of the tree: `without "module."`. */
  readonly renamed?: string;
}

export interface UnpackOptions {
  /** Another name that the tensor at a path may have in the file: by what layers are called. */
  readonly alias?: (path: string) => string;
}

const UNPACK_OPTIONS: KindsOf<UnpackOptions> = {
  alias: aFunction,
};

/** The tree in a safetensors file. With `like`, the shapes must be exactly those of that tree, whose other content (nulls, numbers) is
 *  kept, and so must the names, or all of them after a common prefix ("module.") or by `alias`; `num_batches_tracked` of PyTorch is
 *  left out. @throws DataError when they differ. */
export function unpackTree(file: Uint8Array | SafetensorsFile, like?: Tree, options: UnpackOptions = {}): PackedTree {
  requireArguments("unpackTree", { file: [file, either(byteArray, aSafetensorsFile)], like: [like, maybe(aTree)] });
  checkedOptions("unpackTree", options, UNPACK_OPTIONS);
  const { tensors, metadata } = file instanceof Uint8Array ? readSafetensors(file) : file;
  const upload = ({ data, shape, dtype }: HostTensor): Tensor => keep(tensor(data, shape, dtype));
  if (like === undefined) return { tree: grow(new Map([...tensors].map(([name, t]) => [name, upload(t)]))), metadata };
  const wanted = entries(like);
  const { names, renamed } = namesIn(tensors, wanted, options.alias ?? ((path) => path));
  return { tree: mapTree(like, (_, path) => upload(tensors.get(names(path))!)), metadata, renamed };
}

/** How many batches PyTorch's batch normalisation has seen; only its momentum "None" makes use of it. */
const COUNTER = /(^|\.)num_batches_tracked$/;

type Naming = (path: string) => string;

/** What the tree's tensors are called in the file: as in the tree, or all in one of the other ways. */
function namesIn(
  tensors: ReadonlyMap<string, HostTensor>,
  wanted: readonly [string, Tensor][],
  alias: Naming,
): { names: Naming; renamed?: string } {
  const same: Naming = (path) => path;
  const prefix = commonPrefix([...tensors.keys()]);
  const ways: readonly [Naming, string?][] = [
    [same],
    [(path) => prefix + path, `without "${prefix}"`],
    [alias, "by the names of the layers"],
    [(path) => prefix + alias(path), `without "${prefix}", by the names of the layers`],
  ];
  for (const [names, renamed] of ways) if (fits(tensors, wanted, names)) return { names, renamed };
  throw new DataError(differences(tensors, wanted));
}

function fits(tensors: ReadonlyMap<string, HostTensor>, wanted: readonly [string, Tensor][], names: Naming): boolean {
  const used = new Set(wanted.map(([path]) => names(path)));
  return (
    wanted.every(([path, t]) => isLike(tensors.get(names(path)), t)) &&
    [...tensors.keys()].every((name) => used.has(name) || COUNTER.test(name))
  );
}

function isLike(found: HostTensor | undefined, t: Tensor): boolean {
  return found !== undefined && found.dtype === t.dtype && sameShape(found.shape, t.shape);
}

/** What all names begin with, up to a dot. */
function commonPrefix(names: readonly string[]): string {
  const first = names[0] ?? "";
  const end = first.indexOf(".") + 1;
  const prefix = first.slice(0, end);
  return end > 0 && names.every((name) => name.startsWith(prefix)) ? prefix : "";
}

function differences(tensors: ReadonlyMap<string, HostTensor>, wanted: readonly [string, Tensor][]): string {
  const remedy = "choose the network the file was made with";
  for (const [name, t] of wanted) {
    const found = tensors.get(name);
    if (!isLike(found, t))
      return `weights: the network has ${name} ${describe(t)}, the file has ${found ? describe(found) : `no such tensor, but ${listed([...tensors.keys()])}`}; ${remedy}`;
  }
  const names = new Set(wanted.map(([name]) => name));
  const extra = [...tensors.keys()].filter((name) => !names.has(name) && !COUNTER.test(name));
  return `weights: the file also has ${listed(extra)}, which the network lacks; ${remedy}`;
}

/** The first few of many. */
function listed(names: readonly string[]): string {
  return names.length > 4 ? `${names.slice(0, 4).join(", ")} and ${names.length - 4} more` : names.join(", ");
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
