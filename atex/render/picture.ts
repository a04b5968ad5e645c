import { encode } from "fast-png";

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

/**
 * Numbers in [0,1] as shades of grey, rows of `width`; values outside are clipped.
 * @throws RangeError if the values do not fill whole rows.
 */
export function greyPicture(values: ArrayLike<number>, width = 28): Picture {
  return paint(values, width, (value) => {
    const shade = 255 * Math.min(1, Math.max(0, value));
    return [shade, shade, shade];
  });
}

/** A picture with one colour per value. */
export function paint(
  values: ArrayLike<number>,
  width: number,
  colour: (value: number, index: number) => readonly number[],
): Picture {
  if (!Number.isInteger(width) || width < 1 || values.length === 0 || values.length % width !== 0) {
    throw new RangeError(`picture: ${values.length} values in rows of ${width}; whole rows are needed`);
  }
  const picture = blank(width, values.length / width);
  for (let i = 0; i < values.length; i++) {
    const [red, green, blue] = colour(values[i], i);
    picture.rgba.set([Math.round(red), Math.round(green), Math.round(blue)], 4 * i);
  }
  return picture;
}

/** The picture `factor` times as large, every pixel a square. */
export function enlarge({ width, height, rgba }: Picture, factor: number): Picture {
  const source = new Uint32Array(rgba.slice().buffer);
  const target = new Uint32Array(source.length * factor * factor);
  const stride = width * factor;
  for (let y = 0; y < height * factor; y++) {
    const row = Math.floor(y / factor) * width;
    for (let x = 0; x < stride; x++) target[y * stride + x] = source[row + Math.floor(x / factor)];
  }
  return { width: stride, height: height * factor, rgba: new Uint8Array(target.buffer) };
}

/** Copies `piece` into `target` with its upper left corner at (left, top); it must fit. */
export function place(target: Picture, piece: Picture, left: number, top: number): void {
  for (let y = 0; y < piece.height; y++) {
    const row = piece.rgba.subarray(4 * y * piece.width, 4 * (y + 1) * piece.width);
    target.rgba.set(row, 4 * ((top + y) * target.width + left));
  }
}

/** The picture as a PNG file. */
export function toPng({ width, height, rgba }: Picture): Uint8Array {
  return encode({ width, height, data: rgba, channels: 4, depth: 8 });
}

/** The picture as an address that an HTML page can hold. */
export function toDataUri(picture: Picture): string {
  const png = toPng(picture);
  let text = "";
  // In pieces: a call takes a limited number of arguments.
  for (let at = 0; at < png.length; at += 8192) text += String.fromCharCode(...png.subarray(at, at + 8192));
  return `data:image/png;base64,${btoa(text)}`;
}
