/** Reads JPEG files with `jpeg-js`: the one decoder at hand that runs unchanged in Node and browsers, with types and nothing to
 *  install besides. It allocates by what the header says, so the header is read and judged here first. */
import { decode } from "jpeg-js";
import { DataError } from "./error.js";
import { type Channels, luma, type Pixels } from "./pixels.js";

/** Sixteen million pixels take some 400 MB while they are decoded. */
const MAX_PIXELS = 16 * 2 ** 20;

/** What the frame header of a JPEG file says. */
export interface JpegSize {
  readonly width: number;
  readonly height: number;
  readonly channels: Channels;
}

/**
 * Size and channels of a JPEG file. Source: ITU-T T.81, annex B.
 * @throws DataError if it is none, or of a kind that is not read: lossless, arithmetic, hierarchical, not 8 bits, CMYK.
 */
export function jpegSize(bytes: Uint8Array): JpegSize {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8)
    throw new DataError(`jpeg: ${bytes.length} bytes without the beginning of a JPEG file; save the image as JPEG`);
  const word = (at: number): number => (bytes[at] << 8) | bytes[at + 1];
  for (let at = 2; at + 4 <= bytes.length && bytes[at] === 0xff; ) {
    const marker = bytes[at + 1];
    if (marker === 0xff) {
      at++;
      continue;
    }
    // Tables and application data come before the frame; anything else before it is no image.
    const frame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (marker === 0xda || marker === 0xd9) break;
    if (!frame) {
      at += 2 + word(at + 2);
      continue;
    }
    if (at + 10 > bytes.length) break;
    const [precision, height, width, components] = [bytes[at + 4], word(at + 5), word(at + 7), bytes[at + 9]];
    if (marker > 0xc2 || precision !== 8 || (components !== 1 && components !== 3))
      throw new DataError(
        `jpeg: a frame of type ${marker - 0xc0} with ${precision} bits and ${components} components; baseline or progressive, 8 bits, grey or colour is needed; save the image again`,
      );
    if (width === 0 || height === 0)
      throw new DataError(
        `jpeg: the image is ${width}x${height}; 1 to 65535 pixels each way are needed; save it again`,
      );
    return { width, height, channels: components };
  }
  throw new DataError(
    `jpeg: ${bytes.length} bytes without a frame; the file is damaged or cut short; save the image again`,
  );
}

/**
 * Decodes a JPEG file. With one channel colours become shades by ITU-R BT.601. The orientation that a camera notes is not applied.
 * @throws DataError if the file is not a whole and valid JPEG, or is too large.
 */
export function readJpeg(bytes: Uint8Array, channels: Channels = 1): Pixels {
  const { width, height } = jpegSize(bytes);
  const area = width * height;
  // A block of 8x8 pixels takes at least a bit, whatever is in it.
  if (area > MAX_PIXELS || Math.ceil(width / 8) * Math.ceil(height / 8) > 8 * bytes.length)
    throw new DataError(
      `jpeg: ${width}x${height} pixels in ${bytes.length} bytes; at most ${MAX_PIXELS} pixels are read, and a byte for every eight blocks is needed; make the image smaller`,
    );
  let rgba: Uint8Array;
  try {
    const found = decode(bytes, {
      useTArray: true,
      formatAsRGBA: true,
      tolerantDecoding: false,
      maxMemoryUsageInMB: 1024,
    });
    if (found.width !== width || found.height !== height) throw new Error("it has a second frame of another size");
    rgba = found.data;
  } catch (cause) {
    const why = String((cause as Error)?.message ?? cause).replaceAll(/\s+/g, " ");
    throw new DataError(`jpeg: the image cannot be decoded (${why.slice(0, 200)}); save it again`, { cause });
  }
  const data = new Float32Array(channels * area);
  for (let p = 0; p < area; p++) {
    const [r, g, b] = [rgba[4 * p] / 255, rgba[4 * p + 1] / 255, rgba[4 * p + 2] / 255];
    if (channels === 1) data[p] = r === g && g === b ? r : luma(r, g, b);
    else {
      data[p] = r;
      data[p + area] = g;
      data[p + 2 * area] = b;
    }
  }
  return { width, height, channels, data };
}
