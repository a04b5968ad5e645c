/** What of an input is removed at once, and how many of it. */
import { type Domain, sampleSize } from "../../nn/index.js";

/** Pixels of an image, features of a table. */
export function partsIn({ shape, features }: Domain): number {
  if (shape.length === 3) return shape[1] * shape[2];
  return features?.length ?? sampleSize(shape);
}

/** Shares of parts in whole numbers, rising, none twice: at least one, and at least one is left where there are several. */
export function partCounts(parts: number, shares: readonly number[]): number[] {
  const counts = shares.map((s) => Math.max(1, Math.min(parts - 1, Math.round(s * parts))));
  return [...new Set(counts)].sort((a, b) => a - b);
}
