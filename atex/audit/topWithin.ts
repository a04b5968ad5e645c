/** The top of two maps in common, with places a little off counted as the same. */

export interface TopWithinOptions {
  readonly k: number;
  /** Rows and columns of a map. */
  readonly sides: readonly [height: number, width: number];
  /** How far off a place may be, along rows and along columns. */
  readonly pixels: number;
}

/** Share of the k largest places of `a` that have one of the k largest of `b` within some pixels; ties go to the first. 0 pixels is the top-k
 *  intersection, which punishes a map that moved by a single pixel as if nothing of it were left. Source: 2312.10534 (locality). */
export function topWithin(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  { k, sides: [h, w], pixels }: TopWithinOptions,
): number {
  const [own, others] = [largest(a, k), largest(b, k)];
  const there = new Uint8Array(h * w);
  for (const at of others) {
    const [row, column] = [Math.floor(at / w), at % w];
    for (let i = Math.max(0, row - pixels); i <= Math.min(h - 1, row + pixels); i++)
      there.fill(1, i * w + Math.max(0, column - pixels), i * w + Math.min(w - 1, column + pixels) + 1);
  }
  return own.filter((at) => there[at]).length / k;
}

function largest(values: ArrayLike<number>, k: number): number[] {
  return Array.from(values, (_, i) => i)
    .sort((p, q) => values[q] - values[p] || p - q)
    .slice(0, k);
}
