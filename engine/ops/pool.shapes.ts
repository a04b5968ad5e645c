/** What the pooling ops share: options, shapes, the loop over windows that defines them, and the form of their launches. */

import type { KernelFile } from "../../shaders/gen/kernels.js";
import { describe, ShapeError } from "../errors.js";
import { aNatural, required, tupleOf } from "../kinds.js";
import { gridFor, type KernelCall, type LaunchContext, type TensorSpec } from "../lower.js";
import { checkedOptions, type Kind } from "../options.js";
import { requireShaped, sizeOf } from "../shape.js";
import { type Padding, type Pair, pairOf, type WindowAttrs, windowAttrs, windowPositions } from "./window.js";

/** Windows of pooling; a number counts for rows and columns. */
export interface PoolOptions {
  readonly size: Pair;
  /** Default: `size`, windows side by side. */
  readonly stride?: Pair;
  /** Padded pixels are never chosen by max pooling, and count as zeros for average pooling. Less than `size`. */
  readonly padding?: Padding;
}

/** Options of the adjoints, which cannot know the size of the images that were pooled. */
export type UnpoolOptions = PoolOptions & { readonly image: readonly [number, number] };

/** Their values are judged by `pairOf` and `windowAttrs`. */
const ANY: Kind = { needed: "a value", fits: () => true };
const SIDES: Kind = required(tupleOf(aNatural, 2, "sides, [height, width],"));
export const POOL_OPTIONS = { size: ANY, stride: ANY, padding: ANY };
export const UNPOOL_OPTIONS = { ...POOL_OPTIONS, image: SIDES };

export interface PoolAttrs extends WindowAttrs {
  readonly image: readonly [number, number];
  readonly window: readonly [number, number];
}

export function poolAttrs(op: string, x: TensorSpec, options: PoolOptions): PoolAttrs {
  requireShaped(op, x);
  if (x.shape.length !== 4 || x.dtype !== "f32")
    throw new ShapeError(`${op}: ${describe(x)} given; f32 of rank 4, [n,c,h,w], is needed; reshape or cast()`);
  checkedOptions(op, options, POOL_OPTIONS);
  const image = [x.shape[2], x.shape[3]] as const;
  const window = pairOf(op, "size", options.size);
  const { stride = window, padding } = options;
  const attrs = { ...windowAttrs(op, image, window, { stride, padding }), image, window };
  if (attrs.padding.some((p, side) => p >= window[side >> 1]) || image[0] === 0 || image[1] === 0)
    throw new ShapeError(
      `${op}: padding ${attrs.padding} on ${describe(x)} with size ${window} leaves windows without a pixel; ` +
        "padding must be less than size and the image not empty",
    );
  windowPositions(op, image, window, attrs);
  return attrs;
}

export function pooledShape(op: string, x: TensorSpec, a: PoolAttrs): number[] {
  return [x.shape[0], x.shape[1], ...windowPositions(op, a.image, a.window, a)];
}
export function unpooledSpec(g: TensorSpec, a: PoolAttrs): TensorSpec {
  return { shape: [g.shape[0], g.shape[1], ...a.image], dtype: "f32" };
}
export function requirePooled(op: string, g: TensorSpec, shape: readonly number[]): void {
  const needed = describe({ shape, dtype: "f32" });
  if (describe(g) !== needed) throw new ShapeError(`${op}: g ${describe(g)} given; ${needed} is needed`);
}

/** Visits every (pixel, window that covers it) of `planes` images with their flat indices, window by window, pixels row by
 *  row: the definition of all pooling. `pooled` ends in [oh, ow]. */
export function forEachTap(
  planes: number,
  { image: [h, w], window: [r, s], stride, padding: [top, , left] }: PoolAttrs,
  pooled: readonly number[],
  visit: (pixel: number, window: number) => void,
): void {
  const [oh, ow] = pooled.slice(-2);
  for (let o = 0; o < planes * oh * ow; o++) {
    const plane = Math.floor(o / (oh * ow));
    const y0 = (Math.floor(o / ow) % oh) * stride[0] - top;
    const x0 = (o % ow) * stride[1] - left;
    for (let y = Math.max(y0, 0); y < Math.min(y0 + r, h); y++)
      for (let x = Math.max(x0, 0); x < Math.min(x0 + s, w); x++) visit((plane * h + y) * w + x, o);
  }
}

type PoolKernel = KernelFile<"pool.gather" | "pool.indices" | "pool.scatter" | "pool.spread" | "pool.sum">;

/** What launches of all pooling kernels have in common: one thread per element of the output, a window or a pixel. */
export function poolLaunch(
  kernel: PoolKernel,
  { output, caps }: LaunchContext,
  attrs: PoolAttrs,
  count = sizeOf(output.shape),
): Pick<KernelCall<PoolKernel["name"]>, "params" | "spec" | "grid"> {
  const { image, window, stride, padding } = attrs;
  const [rows, columns] = windowPositions(kernel.name, image, window, attrs);
  return {
    params: { count },
    spec: {
      HEIGHT: image[0],
      WIDTH: image[1],
      ROWS: rows,
      COLUMNS: columns,
      WINDOW_HEIGHT: window[0],
      WINDOW_WIDTH: window[1],
      STRIDE_DOWN: stride[0],
      STRIDE_RIGHT: stride[1],
      TOP: padding[0],
      LEFT: padding[2],
    },
    grid: gridFor(kernel, count, caps.maxWorkgroupsPerDimension),
  };
}
