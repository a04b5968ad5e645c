/** Spectra, as minimal filtering and Fourier transforms make them: at each point a matrix over images and channels; those of two operands are multiplied
 *  point by point. */
import type { Launch, LaunchContext, Operand } from "../lower.js";
import { matmulCalls } from "./matmul.launch.js";
import { sumPartsCall } from "./reduce.launch.js";

/** From one point of `size` numbers to the next, in numbers. The points of a spectrum would meet in the same few lines of a cache if they lay a
 *  multiple of its pages apart, as for every batch of 32. */
export const pointStep = (size: number): number => (size % 1024 === 0 ? size + 16 : size);

/** Some of the images. */
export interface Chunk {
  readonly first: number;
  readonly images: number;
}

export function chunksOf(images: number, chunk: number): Chunk[] {
  return Array.from({ length: Math.ceil(images / chunk) }, (_, i) => ({
    first: i * chunk,
    images: Math.min(chunk, images - i * chunk),
  }));
}

/** What each chunk of images makes of windows y [k,c,r,s], added up: `calls` write into `parts`, from its window `first` on. */
export function summedOver(
  ctx: LaunchContext,
  y: Operand,
  chunks: readonly Chunk[],
  calls: (chunk: Chunk, parts: Operand, first: number) => Launch[],
): Launch[] {
  const [k, ...rest] = y.shape;
  const count = chunks.length;
  if (count === 1) return calls(chunks[0], y, 0);
  const parts = ctx.temp([count * k, ...rest]);
  const made = chunks.flatMap((chunk, i) => calls(chunk, parts, i * k));
  return [...made, sumPartsCall(parts, y, count, ctx.caps)];
}

export type Matrix = readonly [rows: number, columns: number];

/** Room for spectra of so many rows and columns at each point. */
export function spectraOf(ctx: LaunchContext, points: number, [rows, columns]: Matrix): Operand {
  return reshaped(ctx.temp([points, pointStep(rows * columns)]), [rows, columns]);
}

/** The same room for no more rows and columns. */
export function reshaped(x: Operand, [rows, columns]: Matrix): Operand {
  return { ...x, shape: [x.shape[0], rows, columns], strides: [pointStep(rows * columns), columns, 1] };
}

/** Rows of every point's matrix from `first` on. */
export function rowsOf(x: Operand, first: number, rows: number): Operand {
  const [points, , columns] = x.shape;
  return { ...x, shape: [points, rows, columns], offset: first * columns };
}

/** y[point] = aᵀ · b where nothing else is said. */
export function productCalls(
  ctx: LaunchContext,
  a: Operand,
  b: Operand,
  y: Operand,
  { transA = true, transB = false } = {},
): Launch[] {
  const inner = { inputs: [a, b], output: y, caps: ctx.caps, temp: ctx.temp.bind(ctx) };
  return matmulCalls(inner, { transA, transB });
}
