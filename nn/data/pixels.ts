/** Pixels as numbers from 0 (black) to 1 (full). */

import { byteArray } from "../../engine/kinds.js";
import { requireArguments } from "../../engine/options.js";

/** Grey or red, green, blue. */
export type Channels = 1 | 3;

/** An image: [channels, height, width], flattened. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly channels: Channels;
  readonly data: Float32Array;
}

/** Bytes 0 to 255 as numbers in [0,1]. */
export function unitPixels(bytes: Uint8Array): Float32Array {
  requireArguments("unitPixels", { bytes: [bytes, byteArray] });
  const values = new Float32Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) values[i] = bytes[i] / 255;
  return values;
}

/** Numbers in [0,1] as the nearest bytes. */
export function bytePixels(values: Float32Array): Uint8Array {
  const bytes = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) bytes[i] = Math.round(255 * Math.min(1, Math.max(0, values[i])));
  return bytes;
}

/** The shade of a colour, on stored values. Source: ITU-R BT.601. */
export function luma(r: number, g: number, b: number): number {
  return 0.299 * r + 0.587 * g + 0.114 * b;
}
