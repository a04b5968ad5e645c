/** Parameter trees as safetensors, with the names PyTorch's `nn.Sequential` gives them ("0.weight", "0.bias", "3.weight"). */
import {
  describe,
  dispose,
  entries,
  keep,
  mapTree,
  sameShape,
  type Tensor,
  type Tree,
  tensor,
} from "../engine/index.js";
import { aFunction, aTree, byteArray, either, maybe } from "../engine/kinds.js";
import { checkedOptions, isFloat, type KindsOf, requireArguments } from "../engine/options.js";
import { DataError } from "./data/error.js";
import { aSafetensorsFile, textRecord } from "./kinds.js";
import {
  type HostTensor,
  READ_OPTIONS,
  type ReadOptions,
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

/** A tree of tensors read from a file by `unpackTree`. */
export interface PackedTree {
  /** Kept tensors: lists where all names are numbers, objects elsewhere. Entries of lists without tensors are null. */
  readonly tree: Tree;
  readonly metadata: ReadonlyMap<string, string>;
  /** How names in the file were read, where they are not those of the tree: `without "module."`. */
  readonly renamed?: string;
}

export interface UnpackOptions extends ReadOptions {
  /** Another name that the tensor at a path may have in the file: by what layers are called. */
  readonly alias?: (path: string) => string;
}

const UNPACK_OPTIONS: KindsOf<UnpackOptions> = {
  alias: aFunction,
  ...READ_OPTIONS,
};

/** The tree in a safetensors file. With `like`, the shapes must be exactly those of that tree, whose other content (nulls, numbers) is
 *  kept, and so must the names, or all of them after a common prefix ("module.") or by `alias`; `num_batches_tracked` of PyTorch is
 *  left out. Floats are f16 where the tree's are, or by `halves`. @throws DataError when they differ, or for names that make no tree. */
export function unpackTree(file: Uint8Array | SafetensorsFile, like?: Tree, options: UnpackOptions = {}): PackedTree {
  requireArguments("unpackTree", { file: [file, either(byteArray, aSafetensorsFile)], like: [like, maybe(aTree)] });
  const { alias = (path: string) => path, ...reading } = checkedOptions("unpackTree", options, UNPACK_OPTIONS);
  const { tensors, metadata } = file instanceof Uint8Array ? readSafetensors(file, reading) : file;
  if (like === undefined) {
    const named = grow(new Map([...tensors].map(([name, t]) => [name.split(".", MAX_DEPTH + 1), t])), "");
    return { tree: uploading((upload) => planted(named, upload)), metadata };
  }
  const wanted = entries(like);
  const { names, renamed } = namesIn(tensors, wanted, alias);
  const tree = uploading((upload) =>
    mapTree(like, (t, path) => {
      const found = tensors.get(names(path))!;
      return upload(t.dtype === "f16" ? { ...found, dtype: "f16" } : found);
    }),
  );
  return { tree, metadata, renamed };
}

/** What `make` makes of uploaded tensors, which are freed when it throws. */
function uploading(make: (upload: (t: HostTensor) => Tensor) => Tree): Tree {
  const made: Tensor[] = [];
  try {
    return make(({ data, shape, dtype }) => {
      const t = keep(tensor(data, shape, dtype));
      made.push(t);
      return t;
    });
  } catch (error) {
    dispose(made);
    throw error;
  }
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
  if (found === undefined || !sameShape(found.shape, t.shape)) return false;
  return found.dtype === t.dtype || (isFloat(found.dtype) && isFloat(t.dtype));
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

/** A name has at most so many parts. */
const MAX_DEPTH = 64;

/** Names taken apart at their dots: a tensor, or what lies below a part. */
type Grown = HostTensor | ReadonlyMap<string, Grown>;

/** A tree from names in parts. @throws DataError for names that no tree has: a part that is a tensor and a group, one that stands for
 *  something else in JavaScript, one that is too deep, or a list that is nearly empty. */
function grow(tensors: ReadonlyMap<readonly string[], HostTensor>, path: string): ReadonlyMap<string, Grown> {
  const groups = new Map<string, Map<readonly string[], HostTensor>>();
  const out = new Map<string, Grown>();
  for (const [[head, ...rest], t] of tensors) {
    if (head === "__proto__" || rest.length >= MAX_DEPTH)
      throw new DataError(
        `weights: a name begins with ${path}${head}; at most ${MAX_DEPTH} parts, none of them "__proto__", are needed; rename the tensor`,
      );
    if (rest.length === 0) out.set(head, t);
    else groups.set(head, (groups.get(head) ?? new Map()).set(rest, t));
  }
  for (const [head, group] of groups) {
    if (out.has(head))
      throw new DataError(`weights: ${path}${head} is a tensor, and so is what is named after it; rename one of them`);
    out.set(head, grow(group, `${path}${head}.`));
  }
  const last = isList(out) ? Math.max(...[...out.keys()].map(Number)) : 0;
  // Layers without parameters have no tensors in the file, but never so many of them.
  if (last > 16 * out.size + 64)
    throw new DataError(
      `weights: the list ${path.slice(0, -1) || "of layers"} has ${out.size} ${out.size === 1 ? "entry" : "entries"} and goes up to ${last}; number them in their order`,
    );
  return out;
}

/** Are all names 0, 1, 2 …, as a list counts? "00" is a name. */
const isList = (named: ReadonlyMap<string, unknown>): boolean =>
  named.size > 0 && [...named.keys()].every((name) => /^(0|[1-9]\d{0,14})$/.test(name));

/** The tree of tensors. {0: a, 3: b} becomes [a, null, null, b]. */
function planted(named: ReadonlyMap<string, Grown>, upload: (t: HostTensor) => Tensor): Tree {
  const out: Record<string, Tree> = {};
  for (const [name, grown] of named)
    out[name] = grown instanceof Map ? planted(grown, upload) : upload(grown as HostTensor);
  if (!isList(named)) return out;
  const last = Math.max(...Object.keys(out).map(Number));
  return Array.from({ length: last + 1 }, (_, i) => out[i] ?? null);
}
