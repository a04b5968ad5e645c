import { encode } from "fast-png";
import { aCount, numbers } from "../../engine/kinds.js";
import { requireArguments } from "../../engine/options.js";
import { anImageSize, aPicture } from "./kinds.js";

/** An image in memory: rows from the top, four bytes (red, green, blue, opacity) per pixel. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8Array;
}

/** A picture of one colour, white by default. */
export function blank(width: number, height: number, colour: readonly number[] = [255, 255, 255]): Picture {
  const rgba = new Uint8Array(4 * width * height);
  for (let at = 0; at < rgba.length; at += 4) rgba.set([colour[0], colour[1], colour[2], 255], at);
  return { width, height, rgba };
}

/** Rows and columns of a map or a picture. */
export interface MapSize {
  readonly height: number;
  readonly width: number;
}

/** Size of an image as tensors hold it: one plane after another, [channels,height,width]. */
export interface ImageSize extends MapSize {
  /** 1 is grey, 3 is red, green and blue. */
  readonly channels: number;
}

/**
 * Numbers in [0,1], [channels·height·width], in grey or colour; values outside are clipped.
 * @throws RangeError for other numbers of values or channels, and for values that are NaN.
 */
export function imagePicture(values: ArrayLike<number>, size: ImageSize): Picture {
  requireArguments("imagePicture", { values: [values, numbers], size: [size, anImageSize] });
  checkImage("imagePicture", values, size);
  const unknown = count(values, Number.isNaN);
  if (unknown > 0) {
    throw new RangeError(
      `imagePicture: ${unknown} of ${values.length} values are NaN; a picture needs numbers; look where the image was made`,
    );
  }
  return bytePicture(
    Uint8Array.from(values, (value) => Math.round(255 * Math.min(1, Math.max(0, value)))),
    size,
  );
}

/**
 * Bytes as shades of grey or colour, [channels·height·width].
 * @throws RangeError for other numbers of values or channels.
 */
export function bytePicture(bytes: Uint8Array, size: ImageSize): Picture {
  checkImage("bytePicture", bytes, size);
  const { channels, height, width } = size;
  const plane = height * width;
  const picture = blank(width, height);
  for (let i = 0; i < plane; i++) {
    for (let c = 0; c < 3; c++) picture.rgba[4 * i + c] = bytes[channels === 1 ? i : c * plane + i];
  }
  return picture;
}

/**
 * A picture with one colour per value, [height·width].
 * @throws RangeError for another number of values.
 */
export function paint(
  values: ArrayLike<number>,
  size: MapSize,
  colour: (value: number, index: number) => readonly number[],
): Picture {
  checkMap("paint", values, size);
  const picture = blank(size.width, size.height);
  for (let i = 0; i < values.length; i++) {
    const [red, green, blue] = colour(values[i], i);
    picture.rgba.set([Math.round(red), Math.round(green), Math.round(blue)], 4 * i);
  }
  return picture;
}

/** @throws RangeError unless there are channels·height·width values and 1 or 3 channels. */
export function checkImage(caller: string, values: ArrayLike<number>, { channels, height, width }: ImageSize): void {
  if (channels !== 1 && channels !== 3) {
    throw new RangeError(
      `${caller}: ${channels} channels; 1 (grey) or 3 (red, green, blue) can be drawn; choose some of the planes`,
    );
  }
  checkSides(caller, height, width);
  if (values.length !== channels * height * width) {
    throw new RangeError(
      `${caller}: ${values.length} values for an image of [${channels},${height},${width}]; ${channels * height * width} are needed`,
    );
  }
}

/** @throws RangeError unless there are height·width values. */
export function checkMap(caller: string, values: ArrayLike<number>, { height, width }: MapSize): void {
  checkSides(caller, height, width);
  if (values.length !== height * width) {
    throw new RangeError(
      `${caller}: ${values.length} values for a map of [${height},${width}]; ${height * width} are needed`,
    );
  }
}

function checkSides(caller: string, height: number, width: number): void {
  for (const [name, side] of Object.entries({ height, width })) {
    if (!Number.isInteger(side) || side < 1)
      throw new RangeError(`${caller}: ${name} ${side}; a positive whole number of pixels is needed`);
  }
}

/** How many values have a property. */
export function count(values: ArrayLike<number>, has: (value: number) => boolean): number {
  let found = 0;
  for (let i = 0; i < values.length; i++) if (has(values[i])) found++;
  return found;
}

/** The picture `factor` times as large, every pixel a square. */
export function enlarge(picture: Picture, factor: number): Picture {
  requireArguments("enlarge", { picture: [picture, aPicture], factor: [factor, aCount] });
  const { width, height, rgba } = picture;
  const source = new Uint32Array(rgba.slice().buffer);
  const target = new Uint32Array(source.length * factor * factor);
  const stride = width * factor;
  for (let y = 0; y < height * factor; y++) {
    const row = Math.floor(y / factor) * width;
    for (let x = 0; x < stride; x++) target[y * stride + x] = source[row + Math.floor(x / factor)];
  }
  return { width: stride, height: height * factor, rgba: new Uint8Array(target.buffer) };
}

/** The picture with every side divided by a whole number, rounded up: each pixel the mean of those it stands for. */
export function shrink({ width, height, rgba }: Picture, divisor: number): Picture {
  const small = blank(Math.ceil(width / divisor), Math.ceil(height / divisor));
  for (let y = 0; y < small.height; y++) {
    for (let x = 0; x < small.width; x++) {
      const sums = [0, 0, 0, 0];
      const right = Math.min(width, (x + 1) * divisor);
      const bottom = Math.min(height, (y + 1) * divisor);
      for (let v = y * divisor; v < bottom; v++) {
        for (let u = x * divisor; u < right; u++) for (let c = 0; c < 4; c++) sums[c] += rgba[4 * (v * width + u) + c];
      }
      const area = (right - x * divisor) * (bottom - y * divisor);
      small.rgba.set(
        sums.map((sum) => Math.round(sum / area)),
        4 * (y * small.width + x),
      );
    }
  }
  return small;
}

/** Copies `piece` into `target` with its upper left corner at (left, top); it must fit. */
export function place(target: Picture, piece: Picture, left: number, top: number): void {
  for (let y = 0; y < piece.height; y++) {
    const row = piece.rgba.subarray(4 * y * piece.width, 4 * (y + 1) * piece.width);
    target.rgba.set(row, 4 * ((top + y) * target.width + left));
  }
}

/** The picture as a PNG file. */
export function toPng(picture: Picture): Uint8Array {
  requireArguments("toPng", { picture: [picture, aPicture] });
  const { width, height, rgba } = picture;
  return encode({ width, height, data: rgba, channels: 4, depth: 8 });
}

/** The picture as an address that an HTML page can hold. */
export const toDataUri = (picture: Picture): string => `data:image/png;base64,${base64(toPng(picture))}`;

/** Bytes as text. */
export function base64(bytes: Uint8Array): string {
  let text = "";
  // In pieces: a call takes a limited number of arguments.
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}
