/** Clustering on the host, in float64. */
import { atOnce, type Piece } from "../../engine/turns.js";
import { type Draw, drawFrom } from "../../nn/data/integer-random.js";

export interface Clusters {
  /** Centre after centre, [k, d]. */
  readonly centres: Float64Array;
  /** Share of the points in each cluster; they sum to 1, and none is 0. */
  readonly shares: number[];
}

export interface KMeansOptions {
  readonly clusters: number;
  readonly seed: number;
  /** Starts, of which the one with the smallest sum of squared distances counts; default 5. */
  readonly starts?: number;
}

const MOST_ROUNDS = 300;

/** k-means of m points of d numbers each, from starts chosen by k-means++; fewer clusters where there are fewer distinct points.
 *  Source: Lloyd 1982; Arthur, Vassilvitskii 2007, sec. 2.2. @throws RangeError for no points or no clusters. */
export function kMeans(points: ArrayLike<number>, m: number, options: KMeansOptions): Clusters {
  return atOnce(kMeansPieces(points, m, options));
}

/** `kMeans` round by round; counts starts. */
export function* kMeansPieces(
  points: ArrayLike<number>,
  m: number,
  { clusters, seed, starts = 5 }: KMeansOptions,
): Generator<Piece, Clusters, void> {
  if (!Number.isInteger(clusters) || clusters < 1 || m < 1)
    throw new RangeError(`kMeans: ${clusters} clusters of ${m} points asked for; at least one of each is needed`);
  const data = Float64Array.from(points);
  const d = data.length / m;
  let best: { centres: Float64Array; owner: Int32Array; cost: number } | undefined;
  for (let start = 0; start < starts; start++) {
    const first = firstCentres(data, d, clusters, drawFrom(seed, 0x6b6d, start));
    const found = yield* settle(data, d, first, { done: start, total: starts });
    if (!best || found.cost < best.cost) best = found;
  }
  const { centres, owner } = best!;
  const shares = new Array<number>(centres.length / d).fill(0);
  for (const c of owner) shares[c] += 1 / m;
  const used = shares.map((_, c) => c).filter((c) => shares[c] > 0);
  return {
    centres: Float64Array.from(used.flatMap((c) => Array.from(centres.subarray(c * d, (c + 1) * d)))),
    shares: used.map((c) => shares[c]),
  };
}

function squaredDistance(a: Float64Array, i: number, b: Float64Array, j: number, d: number): number {
  let sum = 0;
  for (let k = 0; k < d; k++) sum += (a[i * d + k] - b[j * d + k]) ** 2;
  return sum;
}

/** k-means++: each next centre is a point drawn with a probability proportional to its squared distance to those before. */
function firstCentres(data: Float64Array, d: number, clusters: number, draw: Draw): Float64Array {
  const m = data.length / d;
  const chosen = [draw.below(m)];
  const nearest = Float64Array.from({ length: m }, (_, i) => squaredDistance(data, i, data, chosen[0], d));
  while (chosen.length < clusters) {
    let left = nearest.reduce((a, b) => a + b, 0) * draw.between(0, 1);
    if (nearest.every((distance) => distance === 0)) break;
    let next = nearest.findLastIndex((distance) => distance > 0);
    for (let i = 0; i < m; i++) {
      left -= nearest[i];
      if (left < 0) {
        next = i;
        break;
      }
    }
    chosen.push(next);
    for (let i = 0; i < m; i++) nearest[i] = Math.min(nearest[i], squaredDistance(data, i, data, next, d));
  }
  return Float64Array.from(chosen.flatMap((i) => Array.from(data.subarray(i * d, (i + 1) * d))));
}

/** Lloyd's rounds until no point changes its cluster. */
function* settle(
  data: Float64Array,
  d: number,
  centres: Float64Array,
  piece: Piece,
): Generator<Piece, { centres: Float64Array; owner: Int32Array; cost: number }, void> {
  const m = data.length / d;
  const k = centres.length / d;
  const owner = new Int32Array(m).fill(-1);
  let cost = 0;
  for (let round = 0; round < MOST_ROUNDS; round++) {
    let moved = false;
    cost = 0;
    for (let i = 0; i < m; i++) {
      let [at, least] = [0, Number.POSITIVE_INFINITY];
      for (let c = 0; c < k; c++) {
        const distance = squaredDistance(data, i, centres, c, d);
        if (distance < least) [at, least] = [c, distance];
      }
      cost += least;
      moved ||= owner[i] !== at;
      owner[i] = at;
    }
    if (!moved) break;
    recentre(data, d, owner, centres);
    yield piece;
  }
  return { centres, owner, cost };
}

/** Each centre to the mean of its points; one without points stays where it is. */
function recentre(data: Float64Array, d: number, owner: Int32Array, centres: Float64Array): void {
  const counts = new Float64Array(centres.length / d);
  for (const c of owner) counts[c]++;
  for (let c = 0; c < counts.length; c++) if (counts[c] > 0) centres.fill(0, c * d, (c + 1) * d);
  owner.forEach((c, i) => {
    for (let k = 0; k < d; k++) centres[c * d + k] += data[i * d + k] / counts[c];
  });
}
