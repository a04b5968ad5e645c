/** Tensors stored in 16 bits a number, two to a word. Bits are packed by integers, so every adapter can, and all alike. */
import { requireTensor } from "./kinds.js";
import { add, mul } from "./ops/arithmetic.js";
import { bitAnd, shiftRight } from "./ops/bits.js";
import { concat } from "./ops/concat.js";
import { zeros } from "./ops/create.js";
import { fromHalf, toHalf } from "./ops/half.js";
import { expand, reshape } from "./ops/movement.js";
import { slice } from "./ops/slice.js";
import { isList } from "./options.js";
import { scope } from "./scope.js";
import { sizeOf } from "./shape.js";
import { isTensor, type Tensor, tensor } from "./tensor.js";
import { deeper, isPlainObject } from "./tree.js";

/** A tensor in half the memory: a tree, so it can be an argument of a captured step, kept and disposed of. */
export interface Half {
  /** u32 [⌈size / 2⌉]: an element in the lower half of each word, the next in the upper. */
  readonly words: Tensor;
  readonly shape: readonly number[];
}

/** A tree with a tensor for each `Half`. */
export type Unpacked<T> = 0 extends 1 & T
  ? T
  : T extends Half
    ? Tensor
    : T extends readonly unknown[] | Readonly<Record<string, unknown>>
      ? { [K in keyof T]: Unpacked<T[K]> }
      : T;

/** x, f32 of any shape, rounded to binary16 (11 significant bits, ties to even; infinite from 65 520 on, 0 below 2⁻²⁵) in half the memory.
 *  `mapTree(params, packHalf)` packs parameters. No gradient flows. @throws TypeError for anything but a tensor, ShapeError for integers. */
export function packHalf(x: Tensor): Half {
  requireTensor("packHalf", x);
  const size = sizeOf(x.shape);
  const words = scope(() => {
    const flat = reshape(toHalf(x), [size]);
    const pairs = reshape(size % 2 === 0 ? flat : concat([flat, zeros([1], "u32")]), [Math.ceil(size / 2), 2]);
    const column = (k: number): Tensor => reshape(slice(pairs, [0, k], [pairs.shape[0], 1]), [pairs.shape[0]]);
    return add(column(0), mul(column(1), tensor([2 ** 16], [], "u32")));
  }, "packHalf");
  return { words, shape: [...x.shape] };
}

/** Each `Half` in a tree, or the one that is given, as an f32 tensor again, exactly. In a captured step that takes the packed tree as an argument
 *  the numbers exist while it runs; of one that it closes over they are kept. @throws TypeError for words that do not fit their shape. */
export function unpackHalf<T>(packed: T): Unpacked<T>;
export function unpackHalf(packed: unknown): unknown {
  return unpackedAt(packed, 0);
}

function unpackedAt(packed: unknown, depth: number): unknown {
  if (isHalf(packed)) return unpacked(packed);
  const next = deeper(depth);
  if (isList(packed)) return packed.map((one) => unpackedAt(one, next));
  if (isTensor(packed) || !isPlainObject(packed)) return packed;
  return Object.fromEntries(Object.entries(packed).map(([name, one]) => [name, unpackedAt(one, next)]));
}

function isHalf(value: unknown): value is Half {
  return !isTensor(value) && isPlainObject(value) && isTensor(value.words) && isList(value.shape);
}

function unpacked({ words, shape }: Half): Tensor {
  const size = sizeOf(shape);
  const count = Math.ceil(size / 2);
  if (words.dtype !== "u32" || words.shape.length !== 1 || words.shape[0] !== count)
    throw new TypeError(
      `unpackHalf: words ${words.dtype}[${words.shape}] came for the shape [${shape}]; u32[${count}] is needed, as packHalf gives it`,
    );
  return scope(() => {
    const shifts = tensor([0, 16], [1, 2], "u32");
    const both = bitAnd(
      shiftRight(expand(reshape(words, [count, 1]), [count, 2]), shifts),
      tensor([0xffff], [], "u32"),
    );
    return reshape(slice(reshape(fromHalf(both), [2 * count]), [0], [size]), shape);
  }, "unpackHalf");
}
