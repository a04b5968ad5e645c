import { DataError } from "./error.js";
import { type GreyImage, readPng } from "./png.js";

const SIDE = 28;

/**
 * A PNG file as the input of a network: [784] in [0,1], rows of 28. With `resize`, the middle square of an image of any
 * size is averaged down (or spread out) to 28x28.
 * @throws DataError if the file is no valid PNG, or has another size and `resize` is not set.
 */
export async function readPng28(bytes: Uint8Array, { resize = false } = {}): Promise<Float32Array> {
  const image = await readPng(bytes);
  if (image.width === SIDE && image.height === SIDE) return image.data;
  if (resize) return averageTo28(image);
  throw new DataError(
    `image is ${image.width}x${image.height}; Holdfast's networks take 28x28; pass --resize to use its middle square`,
  );
}

/** Each target pixel is the mean of the source pixels under it, weighted by how much of them lies under it. */
function averageTo28({ width, height, data }: GreyImage): Float32Array {
  const square = Math.min(width, height);
  const left = (width - square) / 2;
  const top = (height - square) / 2;
  const step = square / SIDE;
  const target = new Float32Array(SIDE * SIDE);
  for (let y = 0; y < SIDE; y++) {
    const rows = overlaps(top + y * step, top + (y + 1) * step, height);
    for (let x = 0; x < SIDE; x++) {
      let sum = 0;
      for (const [column, across] of overlaps(left + x * step, left + (x + 1) * step, width)) {
        for (const [row, down] of rows) sum += across * down * data[row * width + column];
      }
      target[y * SIDE + x] = sum / (step * step);
    }
  }
  return target;
}

/** The cells of [0, size) that the interval touches, with the length of each overlap. */
function overlaps(from: number, to: number, size: number): [cell: number, length: number][] {
  const cells: [number, number][] = [];
  for (let cell = Math.floor(from); cell < Math.min(size, to); cell++) {
    cells.push([cell, Math.min(cell + 1, to) - Math.max(cell, from)]);
  }
  return cells;
}
