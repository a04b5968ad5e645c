/**
 * Reads PNG files of any kind into shades of grey or colours. Our own, because the PNG library at hand decodes interlaced images of
 * less than 8 bits wrongly, checks neither the length nor the sums of the data, and unpacks without a limit.
 * Source: W3C, "Portable Network Graphics (PNG) Specification", third edition.
 */
import { DataError } from "./error.js";
import { inflate } from "./inflate.js";
import { type Channels, luma, type Pixels } from "./pixels.js";
import { headerChunk, readChunks } from "./png-chunks.js";

/** Unpacked pixel data, 16 bits per channel at worst: 8 million pixels of red, green, blue and opacity. */
const MAX_BYTES = 64 * 2 ** 20;

/** What they become takes 12 bytes a pixel, also where the file has a bit for it. */
const MAX_PIXELS = 16 * 2 ** 20;

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
 * Decodes a PNG file. With one channel colours become shades by ITU-R BT.601 on the stored values; what is transparent lets white
 * through.
 * @throws DataError if the file is not a whole and valid PNG, or is too large.
 */
export async function readPng(bytes: Uint8Array, channelsOut: Channels = 1): Promise<Pixels> {
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
  if (expected > MAX_BYTES || width * height > MAX_PIXELS) {
    throw new DataError(
      `png: ${width}x${height} pixels take ${expected} bytes; at most ${MAX_PIXELS} pixels in ${MAX_BYTES} bytes are read; make the image smaller`,
    );
  }
  const raw = await inflate(chunks.data, "deflate", expected, "png");
  if (raw.length !== expected) {
    throw new DataError(`png: the data hold ${raw.length} bytes; ${width}x${height} pixels need ${expected}`);
  }
  const paint = painter(header, chunks.palette, chunks.transparency, channelsOut);
  const data = new Float32Array(channelsOut * width * height);
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
        paint(samples, data, (top + row * stepY) * width + left + column * stepX);
      }
      previous = line;
      start += rowBytes + 1;
    }
  }
  return { width, height, channels: channelsOut, data };
}

/** What the header of a PNG file says: its size, and the channels it has without opacity. @throws DataError as `readPng`. */
export function pngSize(bytes: Uint8Array): { width: number; height: number; channels: Channels } {
  const { width, height, colourType } = readHeader(headerChunk(bytes));
  return { width, height, channels: colourType === 0 || colourType === 4 ? 1 : 3 };
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

/** Puts the pixel that samples stand for at a place of [channels, height, width]. */
type Paint = (samples: Uint16Array, data: Float32Array, at: number) => void;

function painter(
  { width, height, depth, colourType }: Header,
  palette: Uint8Array | undefined,
  transparency: Uint8Array | undefined,
  channels: Channels,
): Paint {
  const full = 2 ** depth - 1;
  const area = width * height;
  /** One pixel of colours 0 to 1 over white. */
  const put = (data: Float32Array, at: number, r: number, g: number, b: number, opacity: number): void => {
    const over = (value: number): number => 1 - opacity + value * opacity;
    if (channels === 1) data[at] = over(r === g && g === b ? r : luma(r, g, b));
    else {
      data[at] = over(r);
      data[at + area] = over(g);
      data[at + 2 * area] = over(b);
    }
  };
  // The one colour that is transparent, in images without an opacity of their own.
  const hidden = Array.from({ length: (transparency?.length ?? 0) >> 1 }, (_, i) => sampleAt(transparency!, i, 16));
  const visible = (samples: Uint16Array): number =>
    hidden.length === samples.length && hidden.every((value, c) => value === samples[c]) ? 0 : 1;
  if (colourType === 3) {
    if (palette === undefined) throw new DataError("png: a palette image without palette; save the image again");
    const colours = palette.length / 3;
    return ([index], data, at) => {
      if (index >= colours)
        throw new DataError(`png: a pixel has colour ${index} of a palette of ${colours}; save the image again`);
      const [r, g, b] = [palette[3 * index], palette[3 * index + 1], palette[3 * index + 2]];
      put(data, at, r / 255, g / 255, b / 255, (transparency?.[index] ?? 255) / 255);
    };
  }
  if (colourType === 0)
    return (grey, data, at) => put(data, at, grey[0] / full, grey[0] / full, grey[0] / full, visible(grey));
  if (colourType === 4)
    return ([grey, opacity], data, at) => put(data, at, grey / full, grey / full, grey / full, opacity / full);
  if (colourType === 2)
    return (rgb, data, at) => put(data, at, rgb[0] / full, rgb[1] / full, rgb[2] / full, visible(rgb));
  return ([r, g, b, opacity], data, at) => put(data, at, r / full, g / full, b / full, opacity / full);
}
