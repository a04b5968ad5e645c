/** Windows that slide over images: strides, paddings and how many positions fit. Shared by convolution and pooling. */

import { ShapeError } from "../errors.js";
import { isList, shownList } from "../options.js";

/** One number for both directions, or [vertical, horizontal]. */
export type Pair = number | readonly [number, number];

/** Zeros added around an image: one number for all sides, [top and bottom, left and right], each side by itself as
 *  [[top, bottom], [left, right]], "valid" for none, or "same" for an output of ⌈side / stride⌉ (an odd total puts the
 *  larger half at the bottom and right). */
export type Padding = Pair | readonly [readonly [number, number], readonly [number, number]] | "same" | "valid";

/** [top, bottom, left, right]. */
export type Sides = readonly [number, number, number, number];

export interface WindowAttrs {
  readonly stride: readonly [number, number];
  readonly padding: Sides;
  readonly dilation: readonly [number, number];
}

/** Reads "one number or two". @throws ShapeError unless both are integers of at least `least`. */
export function pairOf(op: string, name: string, value: Pair, least = 1): [number, number] {
  const [v, h] = isList(value) ? value : [value, value];
  const two = !isList(value) || value.length === 2;
  if (!two || !Number.isInteger(v) || !Number.isInteger(h) || v < least || h < least)
    throw new ShapeError(
      `${op}: ${name} is ${shownList(value)}; ${two ? "integers" : "one integer, or two,"} of at least ${least} are needed`,
    );
  return [v, h];
}

/** Options as numbers. `image` and `window` are [height, width]. @throws ShapeError for negative or fractional options. */
export function windowAttrs(
  op: string,
  image: readonly [number, number],
  window: readonly [number, number],
  options: { readonly stride?: Pair; readonly padding?: Padding; readonly dilation?: Pair },
): WindowAttrs {
  const stride = pairOf(op, "stride", options.stride ?? 1);
  const dilation = pairOf(op, "dilation", options.dilation ?? 1);
  const padding = options.padding ?? 0;
  if (padding === "same") {
    const [top, bottom] = samePadding(image[0], extent(window[0], dilation[0]), stride[0]);
    const [left, right] = samePadding(image[1], extent(window[1], dilation[1]), stride[1]);
    return { stride, dilation, padding: [top, bottom, left, right] };
  }
  const [v, h] = padding === "valid" ? [0, 0] : typeof padding === "number" ? [padding, padding] : twoOf(op, padding);
  const [top, bottom] = pairOf(op, "padding", v, 0);
  const [left, right] = pairOf(op, "padding", h, 0);
  return { stride, dilation, padding: [top, bottom, left, right] };
}

/** More would be left out in silence. */
function twoOf<P extends readonly unknown[]>(op: string, padding: P): P {
  if (!isList(padding) || padding.length !== 2)
    throw new ShapeError(
      `${op}: padding is ${shownList(padding)}; a number, [vertical, horizontal], [[top, bottom], [left, right]], ` +
        '"same" or "valid" is needed',
    );
  return padding;
}

function samePadding(side: number, window: number, stride: number): [number, number] {
  const total = Math.max((Math.ceil(side / stride) - 1) * stride + window - side, 0);
  return [Math.floor(total / 2), Math.ceil(total / 2)];
}

/** Pixels from the first to the last tap of a dilated window. */
export function extent(taps: number, dilation: number): number {
  return (taps - 1) * dilation + 1;
}

/** [oh, ow] with o = ⌊(side + paddings − extent) / stride⌋ + 1. @throws ShapeError when the window does not fit. */
export function windowPositions(
  op: string,
  image: readonly [number, number],
  window: readonly [number, number],
  { stride, padding: [top, bottom, left, right], dilation }: WindowAttrs,
): [number, number] {
  const room = [image[0] + top + bottom, image[1] + left + right];
  const [eh, ew] = [extent(window[0], dilation[0]), extent(window[1], dilation[1])];
  if (eh > room[0] || ew > room[1] || window[0] < 1 || window[1] < 1)
    throw new ShapeError(
      `${op}: a window of ${eh}×${ew} does not fit an image of ${room[0]}×${room[1]} (padding included); ` +
        "add padding or take a smaller window",
    );
  return [Math.floor((room[0] - eh) / stride[0]) + 1, Math.floor((room[1] - ew) / stride[1]) + 1];
}
