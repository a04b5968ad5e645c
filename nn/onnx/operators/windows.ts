/** What convolution and pooling share: how far windows reach, in any number of directions. */
import type { Call } from "../operator.js";
import { refuse } from "../operator.js";

export interface Windows {
  readonly size: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  readonly before: readonly number[];
  readonly after: readonly number[];
}

export interface WindowAttributes {
  readonly auto_pad: string;
  readonly pads: readonly number[] | undefined;
  readonly strides: readonly number[] | undefined;
  readonly dilations: readonly number[] | undefined;
}

/** Pixels from the first to the last element of a window. */
export const reach = (size: number, dilation: number): number => (size - 1) * dilation + 1;

/** Windows of `size` over sides of `sides`. `ceil` lets a last window begin inside the image or its padding before and end outside, which
 *  is padding after. @throws DataError for lists of another length. */
export function windowsOf(
  sides: readonly number[],
  size: readonly number[],
  { auto_pad, pads, strides, dilations }: WindowAttributes,
  ceil = false,
): Windows {
  const n = sides.length;
  const stride = listOf("strides", strides, n, 1);
  const dilation = listOf("dilations", dilations, n, 1);
  if (size.length !== n) refuse(`kernel_shape [${size}] for ${n} sides; as many numbers are needed`);
  const given = pads ?? new Array<number>(2 * n).fill(0);
  if (given.length !== 2 * n) refuse(`pads [${given}] for ${n} sides; ${2 * n} numbers are needed`);
  if ([...given].some((p) => p < 0)) refuse(`pads [${given}]; numbers of at least 0 are needed`);
  const spans = size.map((s, i) => reach(s, dilation[i]));
  if (auto_pad === "SAME_UPPER" || auto_pad === "SAME_LOWER") {
    const total = sides.map((side, i) => Math.max(0, (Math.ceil(side / stride[i]) - 1) * stride[i] + spans[i] - side));
    const less = total.map((t) => Math.floor(t / 2));
    const more = total.map((t) => Math.ceil(t / 2));
    return auto_pad === "SAME_UPPER"
      ? { size, stride, dilation, before: less, after: more }
      : { size, stride, dilation, before: more, after: less };
  }
  if (auto_pad !== "NOTSET" && auto_pad !== "VALID") refuse(`auto_pad is ${auto_pad}; it is not known`);
  const valid = auto_pad === "VALID";
  const before = valid ? sides.map(() => 0) : given.slice(0, n);
  const after = valid ? sides.map(() => 0) : given.slice(n);
  if (!ceil) return { size, stride, dilation, before, after };
  const wider = after.map((p, i) => {
    const room = sides[i] + before[i] + p - spans[i];
    const last = Math.ceil(room / stride[i]);
    // A window that begins in the padding after would hold no pixel.
    const kept = last * stride[i] >= sides[i] + before[i] ? last - 1 : last;
    return Math.max(p, p + kept * stride[i] - room);
  });
  return { size, stride, dilation, before, after: wider };
}

/** How many windows fit. */
export function positionsOf(sides: readonly number[], { size, stride, dilation, before, after }: Windows): number[] {
  return sides.map(
    (side, i) => Math.floor((side + before[i] + after[i] - reach(size[i], dilation[i])) / stride[i]) + 1,
  );
}

export function listOf(name: string, list: readonly number[] | undefined, n: number, least: number): readonly number[] {
  const out = list ?? new Array<number>(n).fill(least);
  if (out.length !== n || out.some((v) => !(v >= least)))
    refuse(`${name} [${out}] for ${n} sides; ${n} numbers of at least ${least} are needed`);
  return out;
}

/** The sides of images [n,c,...]. */
export function spatialOf(call: Call): readonly number[] {
  const shape = call.shape(0);
  if (shape.length < 3) refuse(`input 0 has shape [${shape}]; [n,c,...] with one side or more is needed`);
  return shape.slice(2);
}
