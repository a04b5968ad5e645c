/** Superpixels: k-means in colour and place, each cluster looking only around itself. */
import { connected } from "./connected.js";

export interface SlicOptions {
  /** Segments wanted; there are about as many, and at most `gridOf(...).count`. */
  readonly segments: number;
  /** Weight of place against colour: larger makes rounder segments. */
  readonly compactness: number;
  /** Rounds of assignment and averaging. */
  readonly rounds: number;
}

/** The grid of first centres: `across` × `down`, as close to squares as the numbers allow. */
export function gridOf(h: number, w: number, segments: number): { across: number; down: number; count: number } {
  const step = Math.sqrt((h * w) / segments);
  const across = Math.min(w, Math.max(1, Math.round(w / step)));
  const down = Math.min(h, Math.max(1, Math.round(h / step)));
  return { across, down, count: across * down };
}

/** Labels of an image's pixels, each segment connected. `colour` holds three numbers for each pixel, in CIELAB units. Labels come in
 *  the order in which reading meets them. Source: Achanta et al. 2012, sec. 3 (algorithm 1, eq. 3). */
export function slic(colour: Float64Array, h: number, w: number, { segments, compactness, rounds }: SlicOptions) {
  const { across, down, count } = gridOf(h, w, segments);
  const [stepX, stepY] = [w / across, h / down];
  const reach = Math.max(stepX, stepY);
  const nearness = (compactness / reach) ** 2;
  // Lightness, two colours, column, row.
  const centres = new Float64Array(5 * count);
  for (let k = 0; k < count; k++) {
    const x = ((k % across) + 0.5) * stepX - 0.5;
    const y = (Math.floor(k / across) + 0.5) * stepY - 0.5;
    const [px, py] = [Math.floor(x), Math.floor(y)];
    const at = calmest(colour, h, w, px, py);
    const place = [x - px + (at % w), y - py + Math.floor(at / w)];
    centres.set([...colour.subarray(3 * at, 3 * at + 3), ...place], 5 * k);
  }
  // A pixel that no centre reaches keeps what it had: the cell of the grid, at first.
  const labels = Int32Array.from({ length: h * w }, (_, p) => {
    const [row, column] = [Math.floor(Math.floor(p / w) / stepY), Math.floor((p % w) / stepX)];
    return Math.min(down - 1, row) * across + Math.min(across - 1, column);
  });
  const least = new Float64Array(h * w);
  for (let round = 0; round < rounds; round++) {
    least.fill(Number.POSITIVE_INFINITY);
    for (let k = 0; k < count; k++) {
      const [l, a, b, cx, cy] = centres.subarray(5 * k, 5 * k + 5);
      const [top, bottom] = [Math.max(0, Math.ceil(cy - reach)), Math.min(h - 1, Math.floor(cy + reach))];
      const [left, right] = [Math.max(0, Math.ceil(cx - reach)), Math.min(w - 1, Math.floor(cx + reach))];
      for (let y = top; y <= bottom; y++)
        for (let x = left; x <= right; x++) {
          const p = y * w + x;
          const apart = (colour[3 * p] - l) ** 2 + (colour[3 * p + 1] - a) ** 2 + (colour[3 * p + 2] - b) ** 2;
          const distance = apart + nearness * ((x - cx) ** 2 + (y - cy) ** 2);
          if (distance < least[p]) {
            least[p] = distance;
            labels[p] = k;
          }
        }
    }
    recentre(colour, w, labels, centres);
  }
  return connected(labels, colour, h, w, count);
}

/** The pixel of the 3 × 3 around (x, y) where the colour changes least: not an edge, not a speck. The middle, of equals. */
function calmest(colour: Float64Array, h: number, w: number, x: number, y: number): number {
  const change = (px: number, py: number): number => {
    const at = (qx: number, qy: number): number =>
      Math.min(h - 1, Math.max(0, qy)) * w + Math.min(w - 1, Math.max(0, qx));
    let sum = 0;
    for (let c = 0; c < 3; c++) {
      sum += (colour[3 * at(px + 1, py) + c] - colour[3 * at(px - 1, py) + c]) ** 2;
      sum += (colour[3 * at(px, py + 1) + c] - colour[3 * at(px, py - 1) + c]) ** 2;
    }
    return sum;
  };
  let [best, least] = [y * w + x, change(x, y)];
  for (let py = Math.max(0, y - 1); py <= Math.min(h - 1, y + 1); py++)
    for (let px = Math.max(0, x - 1); px <= Math.min(w - 1, x + 1); px++) {
      const here = change(px, py);
      if (here < least) [best, least] = [py * w + px, here];
    }
  return best;
}

/** Each centre to the mean of its pixels; one without pixels stays. */
function recentre(colour: Float64Array, w: number, labels: Int32Array, centres: Float64Array): void {
  const sums = new Float64Array(centres.length);
  const counts = new Float64Array(centres.length / 5);
  labels.forEach((k, p) => {
    counts[k]++;
    for (let c = 0; c < 3; c++) sums[5 * k + c] += colour[3 * p + c];
    sums[5 * k + 3] += p % w;
    sums[5 * k + 4] += Math.floor(p / w);
  });
  for (let i = 0; i < centres.length; i++) {
    const pixels = counts[Math.floor(i / 5)];
    if (pixels > 0) centres[i] = sums[i] / pixels;
  }
}
