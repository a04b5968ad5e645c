/** A data set that stays on the GPU as bytes, four to a word: all of Fashion-MNIST is 47 MB, and a batch is gathered there,
 *  so a training step moves nothing between host and GPU. */
import {
  add,
  bitAnd,
  cast,
  describe,
  gather,
  keep,
  mul,
  reshape,
  ShapeError,
  shiftRight,
  type Tensor,
  tensor,
} from "../../engine/index.js";

export interface ResidentImages {
  readonly count: number;
  /** Shape of one image, [c,h,w]. */
  readonly shape: readonly [number, number, number];
  /** u32 [count, c·h·w/4], little end first. */
  readonly words: Tensor;
  /** i32 [count] */
  readonly labels: Tensor;
}

/** Uploads images (bytes, [n, c·h·w]) and labels; both tensors are kept until `dispose`.
 *  @throws ShapeError when the sizes do not agree or an image is not a multiple of four bytes. */
export function residentImages(
  images: Uint8Array,
  labels: Uint8Array,
  shape: readonly [number, number, number] = [1, 28, 28],
): ResidentImages {
  const bytes = shape[0] * shape[1] * shape[2];
  const count = labels.length;
  if (images.length !== count * bytes || bytes % 4 !== 0)
    throw new ShapeError(
      `residentImages: ${images.length} bytes for ${count} labels; ${bytes} bytes per image are needed, a multiple of 4`,
    );
  // A fresh copy is aligned to four bytes, whatever the offset of the source; `slice` of Node's Buffer would not copy.
  const words = new Uint32Array(new Uint8Array(images).buffer);
  return keep({
    count,
    shape,
    words: tensor(words, [count, bytes / 4]),
    labels: tensor(Int32Array.from(labels)),
  });
}

/** The leading 16 bits of 1/255, and the rest. */
const HIGH = Math.floor(2 ** 23 / 255) / 2 ** 23;
const LOW = 1 / 255 - HIGH;

/** Images and labels by index: i32 [b] → x f32 [b,c,h,w] in [0,1], y i32 [b]. */
export function pickImages({ words, labels, shape }: ResidentImages, indices: Tensor): { x: Tensor; y: Tensor } {
  if (indices.dtype !== "i32" || indices.rank !== 1)
    throw new ShapeError(`pickImages: indices are ${describe(indices)}; i32[b] is needed`);
  const rows = gather(words, indices, 0);
  const bytes = bitAnd(shiftRight(reshape(rows, [...rows.shape, 1]), tensor(Uint32Array.of(0, 8, 16, 24))), 255);
  const values = cast(reshape(bytes, [indices.shape[0], ...shape]), "f32");
  // With 1/255 in two parts the sum rounds to exactly k/255, the pixels that `unitPixels` gives; one factor would miss half
  // of them by a rounding.
  return { x: add(mul(values, HIGH), mul(values, LOW)), y: gather(labels, indices, 0) };
}

/** `size` consecutive entries of a shuffled order, from a position on the GPU: order i32 [n], at i32 [] → i32 [size]. */
export function batchIndices(order: Tensor, at: Tensor, size: number): Tensor {
  return gather(order, add(at, tensor(Int32Array.from({ length: size }, (_, i) => i))), 0);
}
