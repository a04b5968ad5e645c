/** What of an input is removed at once, and how many of it. */
import { type Domain, sampleSize } from "../../nn/index.js";
import { RefusalError } from "../refusal.js";

/** Pixels of an image, features of a table. */
export function partsIn({ shape, features }: Domain): number {
  if (shape.length === 3) return shape[1] * shape[2];
  return features?.length ?? sampleSize(shape);
}

/** Places of a map, among which the top is looked for: pixels of an image, elements of a row. */
export function placesIn({ shape }: Domain): number {
  return shape.length === 3 ? shape[1] * shape[2] : sampleSize(shape);
}

/** @throws RefusalError for samples that are neither images nor rows of a table. */
export function requireImagesOrRows(row: string, { shape }: Domain): void {
  if (shape.length !== 1 && shape.length !== 3)
    throw new RefusalError(`${row}: samples of [${shape}] came; images [c,h,w] or rows of a table [d] are needed`);
}

/** @throws RangeError where a map has fewer places than are to be at its top. */
export function checkTop(k: number | undefined, domain: Domain): void {
  const places = placesIn(domain);
  if (k !== undefined && k > places)
    throw new RangeError(`k ${k} of maps with ${places} pixels or columns; at most that many are needed`);
}

/** Shares of parts in whole numbers, rising, none twice: at least one, and at least one is left where there are several. */
export function partCounts(parts: number, shares: readonly number[]): number[] {
  const counts = shares.map((s) => Math.max(1, Math.min(parts - 1, Math.round(s * parts))));
  return [...new Set(counts)].sort((a, b) => a - b);
}
