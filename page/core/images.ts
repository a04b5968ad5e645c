/** The pictures of the page: test pictures of the data set `shapes`, drawn on the spot, or the reader's own. */
import { type Pixels, resizeImage, SHAPE_CLASSES, shapeBytes } from "holdfast/nn";
import { decodePixels, PICTURES, type Settings, SIDE } from "./settings.js";

export interface Picture {
  /** In [0,1], [channels, height, width]. */
  readonly values: Float32Array;
  readonly channels: 1 | 3;
  /** What the data set calls it; undefined for a picture of the reader's. */
  readonly label?: string;
}

let drawn: Uint8Array | undefined;

/** Bytes of all test pictures, one after the other. */
export function testPictures(): Uint8Array {
  drawn ??= shapeBytes({ count: PICTURES, seed: 0, stream: 1 }).images;
  return drawn;
}

/** What the data set calls a test picture. */
export function labelOf(image: number): string {
  return SHAPE_CLASSES[image % SHAPE_CLASSES.length];
}

const unit = (bytes: Uint8Array): Float32Array => Float32Array.from(bytes, (byte) => byte / 255);

/** The picture that the settings name. */
export function pictureOf({ image, pixels }: Pick<Settings, "image" | "pixels">): Picture {
  const own = decodePixels(pixels);
  if (own) return { values: unit(own), channels: 1 };
  return { ...testPicture(image), label: labelOf(image) };
}

export function testPicture(image: number): Picture {
  return { values: unit(testPictures().subarray(image * SIDE * SIDE, (image + 1) * SIDE * SIDE)), channels: 1 };
}

/** A picture in the shape that a network takes: resized, grey as three equal channels or colours as their mean. */
export function fitted({ values, channels }: Picture, [wanted, height, width]: readonly number[]): Float32Array {
  const side = Math.sqrt(values.length / channels);
  const pixels: Pixels = { width: side, height: side, channels, data: values };
  const { data } = resizeImage(pixels, [height, width]);
  if (wanted === channels) return data;
  const plane = height * width;
  return Float32Array.from({ length: wanted * plane }, (_, i) => data[i % plane]);
}
