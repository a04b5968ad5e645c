/**
 * Reads PNG files of any kind into shades of grey. Our own, because the PNG library at hand decodes interlaced images of
 * less than 8 bits wrongly, checks neither the length nor the sums of the data, and unpacks without a limit.
 * Source: W3C, "Portable Network Graphics (PNG) Specification", third edition.
 */
import { DataError } from "./error.js";
import { inflate } from "./inflate.js";
import { readChunks } from "./png-chunks.js";

/** Shades [height*width] from 0 (black) to 1 (white). */
export interface GreyImage {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
}

/** Unpacked pixel data, 16 bits per channel at worst: 8 million pixels of red, green, blue and opacity. */
const MAX_BYTES = 64 * 2 ** 20;

/** Channels and allowed bits of a sample, by colour type (table 11.1). */
const KINDS: Record<number, { channels: number; depths: number[] }> = {
  0: { channels: 1, depths: [1, 2, 4, 8, 16] },
  2: { channels: 3, depths: [8, 16] },
  3: { channels: 1, depths: [1, 2, 4, 8] },
  4: { channels: 2, depths: [8, 16] },
  6: { channels: 4, depths: [8, 16] },
};

/** First column and row, steps across and down, of the seven passes (section 8.1); one pass without interlacing. */
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
];
const WHOLE = [[0, 0, 1, 1]];

interface Header {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colourType: number;
  readonly channels: number;
  readonly interlaced: boolean;
}

/**
 * Decodes a PNG file. Colours become shades by ITU-R BT.601 (0.299, 0.587, 0.114) on the stored values; what is
 * transparent lets white through.
 * @throws DataError if the file is not a whole and valid PNG, or is too large.
 */
export async function readPng(bytes: Uint8Array): Promise<GreyImage> {
  const chunks = readChunks(bytes);
  const header = readHeader(chunks.header);
  const { width, height, channels, depth } = header;
  const passes = (header.interlaced ? ADAM7 : WHOLE)
    .map(([left, top, stepX, stepY]) => {
      const columns = Math.max(0, Math.ceil((width - left) / stepX));
      const rows = Math.max(0, Math.ceil((height - top) / stepY));
      return { left, top, stepX, stepY, columns, rows, rowBytes: Math.ceil((columns * channels * depth) / 8) };
    })
    .filter(({ columns, rows }) => columns > 0 && rows > 0);
  const expected = passes.reduce((total, { rows, rowBytes }) => total + rows * (rowBytes + 1), 0);
  if (expected > MAX_BYTES) {
    throw new DataError(
      `png: ${width}x${height} pixels take ${expected} bytes; at most ${MAX_BYTES} are read; make the image smaller`,
    );
  }
  const raw = await inflate(chunks.data, "deflate", expected, "png");
  if (raw.length !== expected) {
    throw new DataError(`png: the data hold ${raw.length} bytes; ${width}x${height} pixels need ${expected}`);
  }
  const shade = shader(header, chunks.palette, chunks.transparency);
  const data = new Float32Array(width * height);
  const samples = new Uint16Array(channels);
  const unit = Math.max(1, (channels * depth) >> 3);
  let start = 0;
  for (const { left, top, stepX, stepY, columns, rows, rowBytes } of passes) {
    let previous = new Uint8Array(rowBytes);
    for (let row = 0; row < rows; row++) {
      const line = raw.subarray(start + 1, start + 1 + rowBytes) as Uint8Array<ArrayBuffer>;
      unfilter(raw[start], line, previous, unit);
      for (let column = 0; column < columns; column++) {
        for (let c = 0; c < channels; c++) samples[c] = sampleAt(line, column * channels + c, depth);
        data[(top + row * stepY) * width + left + column * stepX] = shade(samples);
      }
      previous = line;
      start += rowBytes + 1;
    }
  }
  return { width, height, data };
}

function readHeader(chunk: Uint8Array): Header {
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [depth, colourType, compression, filter, interlace] = chunk.subarray(8);
  const kind = KINDS[colourType];
  if (width === 0 || height === 0 || width >= 2 ** 31 || height >= 2 ** 31) {
    throw new DataError(`png: the image is ${width}x${height}; 1 to 2147483647 pixels each way are needed`);
  }
  if (!kind?.depths.includes(depth) || compression !== 0 || filter !== 0 || interlace > 1) {
    throw new DataError(
      `png: colour type ${colourType} with ${depth} bits, compression ${compression}, filter ${filter}, interlace ${interlace}; this is no combination that PNG knows; save the image again`,
    );
  }
  return { width, height, depth, colourType, channels: kind.channels, interlaced: interlace === 1 };
}

/** Undoes the prediction of one row in place (section 9). `unit` is the distance to the pixel on the left, in bytes. */
function unfilter(type: number, line: Uint8Array, above: Uint8Array, unit: number): void {
  if (type > 4) throw new DataError(`png: filter type ${type}; 0 to 4 are needed; save the image again`);
  for (let i = 0; i < line.length; i++) {
    const a = i < unit ? 0 : line[i - unit];
    const b = above[i];
    const c = i < unit ? 0 : above[i - unit];
    if (type === 1) line[i] += a;
    else if (type === 2) line[i] += b;
    else if (type === 3) line[i] += (a + b) >> 1;
    else if (type === 4) line[i] += paeth(a, b, c);
  }
}

/** The neighbour closest to a + b - c; ties in the order a, b, c. */
function paeth(a: number, b: number, c: number): number {
  const [toA, toB, toC] = [Math.abs(b - c), Math.abs(a - c), Math.abs(a + b - 2 * c)];
  if (toA <= toB && toA <= toC) return a;
  return toB <= toC ? b : c;
}

/** Sample number `index` of a row: the highest bits come first. */
function sampleAt(line: Uint8Array, index: number, depth: number): number {
  if (depth === 8) return line[index];
  if (depth === 16) return line[2 * index] * 256 + line[2 * index + 1];
  const bit = index * depth;
  return (line[bit >> 3] >> (8 - depth - (bit & 7))) & ((1 << depth) - 1);
}

/** From the samples of a pixel to its shade. */
function shader(
  { depth, colourType }: Header,
  palette: Uint8Array | undefined,
  transparency: Uint8Array | undefined,
): (samples: Uint16Array) => number {
  const full = 2 ** depth - 1;
  const luma = (r: number, g: number, b: number) => 0.299 * r + 0.587 * g + 0.114 * b;
  const overWhite = (shade: number, opacity: number) => 1 - opacity + shade * opacity;
  // The one colour that is transparent, in images without an opacity of their own.
  const hidden = Array.from({ length: (transparency?.length ?? 0) >> 1 }, (_, i) => sampleAt(transparency!, i, 16));
  const isHidden = (samples: Uint16Array) =>
    hidden.length === samples.length && hidden.every((value, c) => value === samples[c]);
  if (colourType === 3) {
    if (palette === undefined) throw new DataError("png: a palette image without palette; save the image again");
    const shades = Array.from({ length: palette.length / 3 }, (_, i) =>
      overWhite(luma(palette[3 * i], palette[3 * i + 1], palette[3 * i + 2]) / 255, (transparency?.[i] ?? 255) / 255),
    );
    return ([index]) => {
      if (index < shades.length) return shades[index];
      throw new DataError(`png: a pixel has colour ${index} of a palette of ${shades.length}; save the image again`);
    };
  }
  if (colourType === 4) return ([grey, opacity]) => overWhite(grey / full, opacity / full);
  if (colourType === 6) return ([r, g, b, opacity]) => overWhite(luma(r, g, b) / full, opacity / full);
  if (colourType === 2) return (rgb) => (isHidden(rgb) ? 1 : luma(rgb[0], rgb[1], rgb[2]) / full);
  return (grey) => (isHidden(grey) ? 1 : grey[0] / full);
}
