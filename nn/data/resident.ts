/** Samples that stay on the GPU; a batch is gathered there, so a training step moves nothing between host and GPU. Bytes stay
 *  bytes, four to a word: all of Fashion-MNIST is 47 MB. */

import {
  add,
  bitAnd,
  cast,
  concat,
  describe,
  gather,
  keep,
  mul,
  reshape,
  ShapeError,
  shiftRight,
  slice,
  type Tensor,
  tensor,
} from "../../engine/index.js";
import { aCount, aNumber, aTensor, byteArray, numbers, tupleOf } from "../../engine/kinds.js";
import { checkedOptions, requireArguments } from "../../engine/options.js";
import { aResidentData, aSplit, numberList } from "../kinds.js";
import { hostSamples, type Split, sampleSize } from "./dataset.js";

/** A split that lies on the GPU as a whole, from which batches are gathered there. Its tensors are kept: dispose of `words` and
 *  `labels`. */
export interface ResidentData {
  readonly count: number;
  /** Shape of one sample. */
  readonly shape: readonly number[];
  /** A row for each sample: bytes as u32 [count, ⌈size/4⌉], little end first, padded with zeros; numbers as f32 [count, size]. Where
   *  that is more than a buffer may be, the columns are spread over several tensors. */
  readonly words: readonly Tensor[];
  /** i32 [count] */
  readonly labels: Tensor;
}

/** What every adapter can bind at once. */
const MAX_BYTES = 2 ** 27;

/** Uploads a split, in tensors of at most `maxBytes`; they are kept until `dispose([data.words, data.labels])`.
 *  @throws ShapeError when the numbers of samples and labels do not agree, or a single column is too large. */
export function residentData(split: Split, options: { readonly maxBytes?: number } = {}): ResidentData {
  requireArguments("residentData", { split: [split, aSplit] });
  const { shape, samples, labels } = split;
  const { maxBytes = MAX_BYTES } = checkedOptions("residentData", options, { maxBytes: aNumber });
  const size = sampleSize(shape);
  const count = labels.length;
  if (samples.length !== count * size || size < 1 || count < 1)
    throw new ShapeError(
      `residentData: ${samples.length} values for ${count} labels; ${size} values per sample [${shape}] are needed, and a sample`,
    );
  const rows = samples instanceof Uint8Array ? packed(samples, count, size) : new Float32Array(samples);
  return keep({
    count,
    shape: [...shape],
    words: columnBlocks(rows, count, maxBytes),
    labels: tensor(Int32Array.from(labels)),
  });
}

/** [count, width] as tensors of neighbouring columns, each of at most `maxBytes`. */
function columnBlocks(rows: Uint32Array | Float32Array, count: number, maxBytes: number): Tensor[] {
  const width = rows.length / count;
  const most = Math.floor(maxBytes / (4 * count));
  if (most < 1)
    throw new ShapeError(
      `residentData: ${count} samples take ${4 * count} bytes a column; at most ${maxBytes} are bound at once`,
    );
  if (width <= most) return [tensor(rows, [count, width])];
  const blocks = Math.ceil(width / most);
  return Array.from({ length: blocks }, (_, b) => {
    const [from, to] = [Math.floor((b * width) / blocks), Math.floor(((b + 1) * width) / blocks)];
    const size = count * (to - from);
    const block = rows instanceof Uint32Array ? new Uint32Array(size) : new Float32Array(size);
    for (let i = 0; i < count; i++) block.set(rows.subarray(i * width + from, i * width + to), i * (to - from));
    return tensor(block, [count, to - from]);
  });
}

/** `residentData` of images as bytes, [n, c·h·w]. */
export function residentImages(
  images: Uint8Array,
  labels: Uint8Array | Int32Array,
  shape: readonly [number, number, number],
): ResidentData {
  requireArguments("residentImages", {
    images: [images, byteArray],
    labels: [labels, numbers],
    shape: [shape, tupleOf(aNumber, 3, "numbers")],
  });
  return residentData({ shape, samples: images, labels });
}

/** A copy with rows padded to whole words: aligned, whatever the offset of the source. */
function packed(bytes: Uint8Array, count: number, size: number): Uint32Array {
  // `slice` of Node's Buffer would not copy.
  if (size % 4 === 0) return new Uint32Array(new Uint8Array(bytes).buffer);
  const width = 4 * Math.ceil(size / 4);
  const padded = new Uint8Array(count * width);
  for (let i = 0; i < count; i++) padded.set(bytes.subarray(i * size, (i + 1) * size), i * width);
  return new Uint32Array(padded.buffer);
}

/** The leading 16 bits of 1/255, and the rest. */
const HIGH = Math.floor(2 ** 23 / 255) / 2 ** 23;
const LOW = 1 / 255 - HIGH;

/** Samples and labels by index: i32 [b] → x f32 [b, ...shape], y i32 [b]. Bytes become k/255. @throws ShapeError for other indices. */
export function pickSamples(data: ResidentData, indices: Tensor): { x: Tensor; y: Tensor } {
  requireArguments("pickSamples", { data: [data, aResidentData], indices: [indices, aTensor] });
  const { words, labels, shape } = data;
  if (indices.dtype !== "i32" || indices.rank !== 1)
    throw new ShapeError(`pickSamples: indices are ${describe(indices)}; i32[b] is needed`);
  const picked = words.map((block) => gather(block, indices, 0));
  const rows = picked.length === 1 ? picked[0] : concat(picked, 1);
  const y = gather(labels, indices, 0);
  const batch = indices.shape[0];
  if (rows.dtype === "f32") return { x: reshape(rows, [batch, ...shape]), y };
  const size = sampleSize(shape);
  const bytes = bitAnd(shiftRight(reshape(rows, [...rows.shape, 1]), tensor(Uint32Array.of(0, 8, 16, 24))), 255);
  const width = 4 * rows.shape[1];
  const own = size === width ? bytes : slice(reshape(bytes, [batch, width]), [0, 0], [batch, size]);
  const values = cast(reshape(own, [batch, ...shape]), "f32");
  // With 1/255 in two parts the sum rounds to exactly k/255, what `hostSamples` gives; one factor would miss half of them by
  // a rounding.
  return { x: add(mul(values, HIGH), mul(values, LOW)), y };
}

/** `pickSamples` and `ResidentData` by the names they had while samples were images. */
export { pickSamples as pickImages };
/** The earlier name of `ResidentData`. */
export type ResidentImages = ResidentData;

/** `size` consecutive entries of a shuffled order, from a position on the GPU: order i32 [n], at i32 [] → i32 [size]. */
export function batchIndices(order: Tensor, at: Tensor, size: number): Tensor {
  requireArguments("batchIndices", { order: [order, aTensor], at: [at, aTensor], size: [size, aCount] });
  return gather(order, add(at, tensor(Int32Array.from({ length: size }, (_, i) => i))), 0);
}

/** Samples of a split by index, taken from the host: [indices.length, ...shape]; bytes as k/255. */
export function sampleTensor(split: Split, indices: readonly number[]): Tensor {
  requireArguments("sampleTensor", { split: [split, aSplit], indices: [indices, numberList] });
  return tensor(hostSamples(split, indices), [indices.length, ...split.shape]);
}
