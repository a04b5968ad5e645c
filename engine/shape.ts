/**
 * Shapes, strides and broadcasting: pure functions, no GPU. Letters used throughout: n batch, c channels in, k channels
 * out, h×w image, r×s window.
 */

import { describe, ShapeError } from "./errors.js";
import type { Layout, TensorSpec } from "./lower.js";
import { isList, refuseTensor, shown, shownList } from "./options.js";

export type Shape = readonly number[];

export const MAX_RANK = 8;

/** Number of elements; 1 for a scalar, 0 when any side is 0. */
export function sizeOf(shape: Shape): number {
  let n = 1;
  for (const d of shape) n *= d;
  return n;
}

/** Row-major strides in elements. */
export function contiguousStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = step;
    step *= shape[i];
  }
  return strides;
}

/** Whether a layout is plain row-major from offset 0. Sides of length 1 may have any stride. */
export function isContiguous(shape: Shape, layout: Layout): boolean {
  if (layout.offset !== 0) return false;
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    if (shape[i] !== 1 && layout.strides[i] !== step) return false;
    step *= shape[i];
  }
  return true;
}

/** Whether two shapes have the same sides in the same order; nothing is broadcast. @throws TypeError for what is no list. */
export function sameShape(a: Shape, b: Shape): boolean {
  if (!isList(a) || !isList(b))
    throw new TypeError(`sameShape: ${shown(a)} and ${shown(b)} given; two lists of sides are needed, like [2, 3]`);
  return a.length === b.length && a.every((d, i) => d === b[i]);
}

function shapeIn(x: TensorSpec): unknown {
  try {
    return x.shape;
  } catch {
    // A proxy that was revoked.
    return undefined;
  }
}

/** @throws TypeError unless it has a shape, as tensors and their specs have. */
export function requireShaped(op: string, x: TensorSpec): void {
  if (typeof x !== "object" || x === null || !isList(shapeIn(x))) refuseTensor(op, x);
}

/** @throws ShapeError unless `shape` has at most 8 sides, each a non-negative integer, and fewer than 2^32 elements. */
export function checkShape(op: string, shape: Shape): void {
  if (!isList(shape))
    throw new TypeError(`${op}: a shape of ${shown(shape)} given; a list of sides is needed, like [2, 3]`);
  if (shape.length > MAX_RANK)
    throw new ShapeError(`${op}: ${shownList(shape)} has rank ${shape.length}; at most ${MAX_RANK} is supported`);
  for (const d of shape)
    if (!Number.isInteger(d) || d < 0)
      throw new ShapeError(`${op}: ${shownList(shape)} has a side of ${shown(d)}; sides are non-negative integers`);
  if (sizeOf(shape) >= 2 ** 32)
    throw new ShapeError(`${op}: [${shape.join(",")}] has ${sizeOf(shape)} elements; fewer than 2^32 are supported`);
}

/** NumPy broadcasting of any number of shapes. @throws ShapeError naming the operands. */
export function broadcastShapes(op: string, operands: readonly TensorSpec[]): number[] {
  const rank = Math.max(0, ...operands.map((t) => t.shape.length));
  const out = new Array<number>(rank).fill(1);
  for (const { shape } of operands)
    for (let i = 0; i < shape.length; i++) {
      const at = rank - shape.length + i;
      if (shape[i] === 1 || shape[i] === out[at]) continue;
      if (out[at] !== 1)
        throw new ShapeError(
          `${op}: ${operands.map(describe).join(" and ")} do not broadcast; ` +
            `sides must be equal or 1, counted from the right`,
        );
      out[at] = shape[i];
    }
  return out;
}

/** Strides that read `shape` with `strides` as if it were broadcast to `target`. */
export function broadcastStrides(shape: Shape, strides: readonly number[], target: Shape): number[] {
  const lead = target.length - shape.length;
  return target.map((_, i) => (i < lead || shape[i - lead] === 1 ? 0 : strides[i - lead]));
}

/** Axes counted from the end become non-negative; the result is sorted and has no doubles. `undefined` is every axis.
 *  @throws ShapeError for an axis out of range or named twice. */
export function normaliseAxes(op: string, axes: number | readonly number[] | undefined, x: TensorSpec): number[] {
  requireShaped(op, x);
  const rank = x.shape.length;
  if (axes === undefined) return x.shape.map((_, i) => i);
  if (typeof axes !== "number" && !isList(axes))
    throw new TypeError(`${op}: axes are ${shown(axes)}; a number, a list of numbers or nothing for all is needed`);
  const list = (typeof axes === "number" ? [axes] : Array.from(axes)).map((a) => normaliseAxis(op, a, x));
  const sorted = [...new Set(list)].sort((a, b) => a - b);
  if (sorted.length !== list.length)
    throw new ShapeError(`${op}: axes [${String(axes)}] name an axis of ${describe(x)} (rank ${rank}) twice`);
  return sorted;
}

/** One axis, possibly negative, as a non-negative number. @throws ShapeError when out of range. */
export function normaliseAxis(op: string, axis: number, x: TensorSpec): number {
  requireShaped(op, x);
  const rank = x.shape.length;
  const a = Number.isInteger(axis) && axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || a < 0 || a >= rank)
    throw new ShapeError(
      `${op}: axis ${shown(axis)} is out of range for ${describe(x)} (rank ${rank}); ${rank === 0 ? "it has none" : `integers from -${rank} to ${rank - 1} are possible`}`,
    );
  return a;
}

/** The shape after reducing `axes` (already normalised). */
export function reducedShape(shape: Shape, axes: readonly number[], keepDims: boolean): number[] {
  return keepDims ? shape.map((d, i) => (axes.includes(i) ? 1 : d)) : shape.filter((_, i) => !axes.includes(i));
}
