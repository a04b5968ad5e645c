/** Which spectra a convolution is made by, if by any: of tiles (minimal filtering) or of whole planes (Fourier transforms), and at what cost. */
import { type Capabilities, mostKeptElements } from "../lower.js";
import type { ConvShape } from "./choose.js";
import { cheapestProduct } from "./choose.tiles.js";
import { cycles, threads } from "./cost.js";

/** Minimal filtering: fewer multiplications, on tiles of so many pixels a side that are transformed there and back. */
export interface Winograd {
  readonly variant: "winograd";
  readonly side: 4 | 8;
  /** Whole images of about so many tiles are transformed at a time, … */
  readonly tiles: number;
  /** … and of about so many multiplied and transformed back. */
  readonly group: number;
}

/** Fourier transforms of whole planes, counted by so many positions a side. */
export interface Fourier {
  readonly variant: "fourier";
  readonly side: 8 | 16;
  /** How many are transformed at a time. */
  readonly images: number;
}

/** Real numbers that the transform of a plane is kept as. */
export const pointsOf = (side: Fourier["side"]): number => 3 * (side ** 2 / 2);

/** Bytes of the spectra that are kept at a time. */
const spectraBytes = 2 ** 25;
/** Bytes of products of minimal filtering that are transformed back while a cache still has them. */
const productBytes = 2 ** 22;

interface Costed {
  readonly choice: Winograd | Fourier;
  readonly cycles: number;
}

/** What a convolution with c channels in and k out makes: its result, or the gradient in the window. */
type Made = "result" | "window";

/** The cheapest spectra; of infinite cost where there are none. */
export function cheapestSpectra(shape: ConvShape, caps: Capabilities, c: number, k: number, of: Made): Costed {
  const { tiles, smallTiles, transform } = shape;
  const ways: Costed[] = [];
  const add = (choice: Costed["choice"], way: Way): void => {
    ways.push({ choice, cycles: spectraCycles(way, shape.fixed, caps, c, k, of) });
  };
  for (const [side, count] of [[8, tiles] as const, [4, of === "result" ? smallTiles : undefined] as const])
    if (count !== undefined) {
      const [each, window] = [cycles.spectra[side], cycles.windowSpectra[side]];
      // Spectra of 4 × 4 are less than twice as large as their windows, which is kept always.
      add(winograd(side, c, k), { points: side ** 2, count, each, window, isSmall: side === 4 });
    }
  if (transform) {
    const { side, images: count } = transform;
    const [each, window] = [cycles.planes[side], cycles.windows[side]];
    add(fourier(side, c, k), { points: pointsOf(side), count, each, window, isSmall: false });
  }
  const none: Costed = { choice: winograd(8, c, k), cycles: Number.POSITIVE_INFINITY };
  return ways.reduce((best, way) => (way.cycles < best.cycles ? way : best), none);
}

/** How spectra are made. */
interface Way {
  readonly points: number;
  /** Tiles, or planes, of a channel. */
  readonly count: number;
  /** Cycles to make or unmake eight of them, and eight windows. */
  readonly each: number;
  readonly window: number;
  /** Whether those of fixed windows are kept however many there are. */
  readonly isSmall: boolean;
}

function spectraCycles(
  { points, count, each, window, isSmall }: Way,
  fixed: boolean | undefined,
  caps: Capabilities,
  c: number,
  k: number,
  of: Made,
): number {
  const shared = (planes: number, cost: number): number => Math.ceil(planes / 8 / threads) * cost;
  const product = of === "result" ? { m: k, n: count, depth: c } : { m: c, n: k, depth: count };
  const isKept = fixed && (isSmall || points * c * k <= mostKeptElements);
  const transforms = shared(count * (c + k), each) + (isKept ? 0 : shared(c * k, window));
  // Where tiles lie last they are loaded as vectors; a model that counts on it chooses worse here.
  const stack = { batch: points, ...product, transA: true, transB: of === "result" };
  return transforms + cheapestProduct(stack, caps).cycles;
}

/** With as many tiles at a time for a convolution as for its gradients: then spectra that two of them need are made alike, and once. */
function winograd(side: Winograd["side"], c: number, k: number): Winograd {
  const tilesIn = (bytes: number, channels: number): number => countIn(bytes, side ** 2 * channels);
  return { variant: "winograd", side, tiles: tilesIn(spectraBytes, c + k), group: tilesIn(productBytes, k) };
}

function fourier(side: Fourier["side"], c: number, k: number): Fourier {
  return { variant: "fourier", side, images: countIn(spectraBytes, pointsOf(side) * (c + k)) };
}

/** How many of so many numbers fit into bytes, at least one. */
const countIn = (bytes: number, numbers: number): number => Math.max(1, Math.floor(bytes / (4 * numbers)));
