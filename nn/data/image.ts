/** Images as inputs of a network: PNG or JPEG files, of any size or brought to one. */

import { aFlag, aNumber, byteArray, tupleOf } from "../../engine/kinds.js";
import { checkedOptions, requireArguments } from "../../engine/options.js";
import { aPixels, numberList, oneOfNumbers } from "../kinds.js";
import { DataError } from "./error.js";
import { jpegSize, readJpeg } from "./jpeg.js";
import type { Channels, Pixels } from "./pixels.js";
import { pngSize, readPng } from "./png.js";

/** Height and width in pixels. */
export type ImageSize = readonly [height: number, width: number];

const isJpeg = (bytes: Uint8Array): boolean => bytes[0] === 0xff && bytes[1] === 0xd8;

/** Decodes a PNG or JPEG file, told apart by its first bytes. @throws DataError if it is neither, or damaged. */
export async function readImage(bytes: Uint8Array, channels: Channels): Promise<Pixels> {
  requireArguments("readImage", { bytes: [bytes, byteArray], channels: [channels, oneOfNumbers] });
  if (channels !== 1 && channels !== 3)
    throw new DataError(`image: ${channels} channels; 1 (grey) or 3 (colour) is needed`);
  return isJpeg(bytes) ? readJpeg(bytes, channels) : readPng(bytes, channels);
}

/** Size and channels of a PNG or JPEG file, from its header alone. @throws DataError as `readImage`. */
export function imageSize(bytes: Uint8Array): { width: number; height: number; channels: Channels } {
  requireArguments("imageSize", { bytes: [bytes, byteArray] });
  return isJpeg(bytes) ? jpegSize(bytes) : pngSize(bytes);
}

/**
 * A PNG or JPEG file as a sample of `shape` [c,h,w]: [c·h·w] in [0,1]. With `resize` an image of another size is cut to the shape's
 * proportions and averaged (see `resizeImage`).
 * @throws DataError if the file cannot be read, or has another size and `resize` is not set.
 */
export async function readImageAs(
  bytes: Uint8Array,
  shape: readonly number[],
  options: { readonly resize?: boolean } = {},
): Promise<Float32Array> {
  requireArguments("readImageAs", { bytes: [bytes, byteArray], shape: [shape, numberList] });
  const [channels, height, width] = shape;
  const { resize = false } = checkedOptions("readImageAs", options, { resize: aFlag });
  // The header tells: an image of another size is not unpacked for nothing.
  const size = imageSize(bytes);
  const fits = size.width === width && size.height === height;
  if (!resize && !fits)
    throw new DataError(
      `image is ${size.width}x${size.height}; the network takes ${width}x${height}; pass --resize to use its middle ${width === height ? "square" : "part"}`,
    );
  const image = await readImage(bytes, channels as Channels);
  return fits ? image.data : resizeImage(image, [height, width]).data;
}

/**
 * The largest middle part of an image with the proportions of `size`, averaged down (or spread out) to it: each target pixel is the
 * mean of the source pixels under it, weighted by how much of them lies under it. Where the proportions agree the mean stays.
 */
export function resizeImage(image: Pixels, size: ImageSize): Pixels {
  requireArguments("resizeImage", { image: [image, aPixels], size: [size, tupleOf(aNumber, 2, "numbers")] });
  const [height, width] = size;
  const { channels } = image;
  if (image.width === width && image.height === height) return image;
  const step = Math.min(image.width / width, image.height / height);
  const columns = weights((image.width - step * width) / 2, step, width, image.width);
  const rows = weights((image.height - step * height) / 2, step, height, image.height);
  const data = new Float32Array(channels * height * width);
  // First along rows, then along columns: each weight is a product of both.
  const narrowed = new Float64Array(image.height * width);
  for (let c = 0; c < channels; c++) {
    const source = image.data.subarray(c * image.width * image.height, (c + 1) * image.width * image.height);
    for (let x = 0; x < width; x++) {
      const { from, shares } = columns[x];
      for (let y = 0; y < image.height; y++) {
        let sum = 0;
        for (let i = 0; i < shares.length; i++) sum += shares[i] * source[y * image.width + from + i];
        narrowed[y * width + x] = sum;
      }
    }
    for (let y = 0; y < height; y++) {
      const { from, shares } = rows[y];
      for (let x = 0; x < width; x++) {
        let sum = 0;
        for (let i = 0; i < shares.length; i++) sum += shares[i] * narrowed[(from + i) * width + x];
        data[(c * height + y) * width + x] = sum;
      }
    }
  }
  return { width, height, channels, data };
}

/** Of each of `count` neighbouring intervals of length `step`, the cells of [0, size) that it touches and their shares in it. */
function weights(start: number, step: number, count: number, size: number): { from: number; shares: number[] }[] {
  return Array.from({ length: count }, (_, i) => {
    const [low, high] = [start + i * step, start + (i + 1) * step];
    const from = Math.min(size - 1, Math.max(0, Math.floor(low)));
    const lengths: number[] = [];
    for (let cell = from; cell < Math.min(size, high) || cell === from; cell++)
      lengths.push(Math.max(0, Math.min(cell + 1, high) - Math.max(cell, low)));
    // The lengths sum to the step but for rounding; shares sum to 1.
    const total = lengths.reduce((sum, length) => sum + length, 0);
    return { from, shares: lengths.map((length) => length / total) };
  });
}
