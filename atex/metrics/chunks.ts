/** Draws and copies of a batch, cut to what fits in memory. */
import type { Tensor } from "../../engine/index.js";
import { copiesAtOnce } from "../copies.js";

/** How a metric draws, and how much of it at once. */
export interface SampleOptions {
  /** Random draws per sample, at least 1; default 50. */
  readonly samples?: number;
  /** Key of the draws, u32[2]; all samples of a batch get the same. */
  readonly key: Tensor;
  /** Draws evaluated at once; default as many as keep a batch of copies within a budget. The result is the same. */
  readonly chunk?: number;
}

/** The draws in pieces, of at most `chunk` where that is given: the copies of x that are evaluated together, by index.
 *  @throws RangeError for fewer than one draw. */
export function chunksOf(x: Tensor, count: number, chunk: number = copiesAtOnce(x.size)): number[][] {
  const indices = Array.from({ length: count }, (_, i) => i);
  return Array.from({ length: Math.ceil(count / chunk) }, (_, i) => indices.slice(i * chunk, (i + 1) * chunk));
}

/** @throws RangeError unless both are whole numbers of at least 1. */
export function requireSamples(name: string, { samples = 50, chunk }: Omit<SampleOptions, "key">): number {
  const whole = (v: number): boolean => Number.isInteger(v) && v >= 1;
  if (!whole(samples) || !whole(chunk ?? 1))
    throw new RangeError(
      `${name}: samples ${samples}, chunk ${chunk ?? "by size"} given; integers of at least 1 are needed`,
    );
  return samples;
}
