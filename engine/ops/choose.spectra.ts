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
  const filtering = (side: Winograd["side"], tiles: number | undefined): Costed => ({
    choice: winograd(side, c, k),
    cycles: tiles === undefined ? Number.POSITIVE_INFINITY : filteringCycles(tiles, side, shape, caps, c, k, of),
  });
  const [large, small] = [filtering(8, shape.tiles), filtering(4, of === "result" ? shape.smallTiles : undefined)];
  const best = small.cycles < large.cycles ? small : large;
  if (!shape.transform) return best;
  const { side, images } = shape.transform;
  const cost = fourierCycles(side, images, shape, caps, c, k, of);
  return cost < best.cycles ? { choice: fourier(side, c, k), cycles: cost } : best;
}

/** Cycles for so many planes or windows, where eight take `each`. */
const shared = (count: number, each: number): number => Math.ceil(count / 8 / threads) * each;

function filteringCycles(
  tiles: number,
  side: Winograd["side"],
  { fixed }: ConvShape,
  caps: Capabilities,
  c: number,
  k: number,
  of: Made,
): number {
  const product = of === "result" ? { m: k, n: tiles, depth: c } : { m: c, n: k, depth: tiles };
  // Spectra of 4 × 4 are less than twice as large as their windows, which is kept always.
  const isKept = fixed && (side === 4 || side ** 2 * c * k <= mostKeptElements);
  const transforms =
    shared(tiles * (c + k), cycles.spectra[side]) + (isKept ? 0 : shared(c * k, cycles.windowSpectra[side]));
  // Where tiles lie last they are loaded as vectors; a model that counts on it chooses worse here.
  const stack = { batch: side ** 2, ...product, transA: true, transB: of === "result" };
  return transforms + cheapestProduct(stack, caps).cycles;
}

function fourierCycles(
  side: Fourier["side"],
  images: number,
  { fixed }: ConvShape,
  caps: Capabilities,
  c: number,
  k: number,
  of: Made,
): number {
  const batch = pointsOf(side);
  const product = of === "result" ? { m: k, n: images, depth: c } : { m: c, n: k, depth: images };
  const isKept = fixed && batch * c * k <= mostKeptElements;
  const transforms = shared(images * (c + k), cycles.planes[side]) + (isKept ? 0 : shared(c * k, cycles.windows[side]));
  return transforms + cheapestProduct({ batch, ...product, transA: true, transB: of === "result" }, caps).cycles;
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
