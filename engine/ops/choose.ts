/**
 * Which kernel runs a matrix product or a convolution: pure functions of shape and adapter. Three families:
 * `registers` (lib/registers.wgsl) for llvmpipe, `tiled` (lib/tiles.wgsl) for GPUs, `plain` for everything else; and `dots`
 * (matmul.dots.wgsl) for products with few lines on one side. A choice that was measured on the adapter (`holdfast bench tune`) goes before
 * the model here.
 */
import type { Capabilities } from "../lower.js";
import { cheapestSpectra, type Fourier, type Winograd } from "./choose.spectra.js";
import { chooseFilterStrips, chooseStrips } from "./choose.strips.js";
import { cheapestProduct, cheapestTile, registers } from "./choose.tiles.js";
import { cycles, gpuUnits, perThread, plainCycles, smallProduct, threads } from "./cost.js";
import { dotColumns, liesAlongSum, tunedChoice } from "./tuned.js";

/** A stack of products [m, depth] · [depth, n]. */
export interface MatmulShape {
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly depth: number;
  /** Whether a is stored [depth, m], and b [n, depth]. */
  readonly transA: boolean;
  readonly transB: boolean;
}

/** A convolution as a product: `rows` × `columns` outputs, each a sum of `depth` terms. */
export interface ConvShape {
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  readonly groups: number;
  /** Taps of the window. */
  readonly window: number;
  /** How many tiles of 8 × 8 and of 4 × 4 minimal filtering would cut the images into, where it can be used. */
  readonly tiles?: number;
  readonly smallTiles?: number;
  /** How many images there are, where Fourier transforms can be used, and by how many positions a side. */
  readonly transform?: { readonly side: Fourier["side"]; readonly images: number };
  /** Whether the windows are the same in every run, so that what is made of them alone costs nothing. */
  readonly fixed?: boolean;
  /** Whether it is a matrix product as it stands: one tap, no stride, no padding, no groups. */
  readonly pointwise?: boolean;
  /** What strips would be cut from, where they can be used: groups only. */
  readonly strips?: StripShape;
}

/** Planes that are cut into strips; each meets `terms` others. Of strips one below the other `overlap` rows are loaded twice. */
export interface StripShape {
  readonly images: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly terms: number;
  readonly overlap: number;
}

export interface Plain {
  readonly variant: "plain";
}

export interface Registers {
  readonly variant: "registers";
  readonly subgroups: boolean;
  /** Columns of a tile of 32 rows. */
  readonly columns: number;
}

export interface Tiled {
  readonly variant: "tiled";
  /** Tiles of 4 · side rows and 8 · side columns, by side² invocations. */
  readonly side: 8 | 16;
}

/** Dot products of 8 lines (by 8 invocations) or 4 (by 64) of the larger operand with `columns` of the other. */
export interface Dots {
  readonly variant: "dots";
  readonly lanes: 8 | 64;
  readonly columns: number;
}

/** `parts`: into how many partial sums the reduction is split. `exchanged`: rows of the tile are columns of y. */
export type MatmulChoice =
  | Plain
  | Dots
  | (Registers & { readonly exchanged: boolean })
  | (Tiled & { readonly parts: number });
/** Four columns of `rows` rows for each invocation. */
export interface Strips {
  readonly variant: "strips";
  readonly rows: number;
}
/** Strips shared out over `lanes` invocations for each window and each of `parts` of the strips. */
export interface FilterStrips extends Strips {
  readonly lanes: 8 | 64;
  readonly parts: number;
}

/** The weights times each image, as `matmul` does it. */
export interface Product {
  readonly variant: "product";
}

export type ConvChoice = Plain | Registers | Tiled | Winograd | Fourier | Strips | Product;
/** `fold`: the product of gradient and weights first, then the sum over the window. */
export type InputChoice = ConvChoice | { readonly variant: "fold" };
export type FilterChoice =
  | Plain
  | Winograd
  | Fourier
  | FilterStrips
  | ((Registers | Tiled) & { readonly parts: number });

/** Bytes that a thread's share of a reduction may read and still find in its cache when the next tile reads them again. */
const cacheBytes = 1.25 * 2 ** 20;
/** Sums of fewer terms are no work to share out. */
const shortDot = 128;
/** Columns that leave most of a workgroup tile empty, at least three quarters of it. A GPU does not mind; SwiftShader took, for a
 *  convolution of 50 images of 8x14x14 to 16 channels, 370 ms of processor time tiled and 196 plain, for its gradients 985 and 394 (input),
 *  632 and 369 (window); to compile them 4.0, 4.4 and 1.9 s against 0.2 to 0.4. */
const fewColumns = 16;
/** Bytes that folding may take for its intermediate. */
const largestFold = 2 ** 27;

/** The kernel of a matrix product and its parameters. */
export function chooseMatmul(shape: MatmulShape, caps: Capabilities): MatmulChoice {
  const { batch, m, n, depth } = shape;
  const tuned = tunedChoice<MatmulChoice>("matmul", shape, batch * m * n, caps);
  if (tuned) return tuned;
  if (!registers(caps)) {
    if (m * n * depth < 32 ** 3) return { variant: "plain" };
    return Math.min(m, n) < 16 ? chooseDots(shape, caps) : { variant: "tiled", ...splitTiles(m, n, batch, depth) };
  }
  if (batch * m * n * depth <= smallProduct) return { variant: "plain" };
  const tile = cheapestProduct(shape, caps);
  const dots = liesAlongSum(shape) ? cheapestDots(shape) : tile;
  const best = dots.cycles < tile.cycles ? dots : tile;
  if (plainCycles(batch * m * n, depth) <= best.cycles) return { variant: "plain" };
  return best.choice;
}

/** Where register tiles are no choice. SwiftShader took, for 1000 lines of 1280, with one 9.9 ms of processor time as dot products and 11.2
 *  plain, with four 19 and 45; for lines of 1281, which are no whole vectors, with one 22 and 11. */
function chooseDots(shape: MatmulShape, { software }: Capabilities): Plain | Dots {
  const few = Math.min(shape.m, shape.n);
  if (!liesAlongSum(shape) || shape.depth < shortDot) return { variant: "plain" };
  if (software && (few === 1 || shape.depth % 4 !== 0)) return { variant: "plain" };
  return { variant: "dots", lanes: software ? 8 : 64, columns: dotColumns.find((columns) => columns >= few) ?? 4 };
}

/** How many lines of the smaller operand a workgroup of eight lanes meets at the least cost, in cycles. */
function cheapestDots({ batch, m, n, depth }: MatmulShape): { choice: Dots; cycles: number } {
  const [load, width] = depth % 4 === 0 ? [cycles.dotVector, 4] : [cycles.dotLoad, 1];
  const costs = dotColumns.map((columns) => {
    const tiles = batch * Math.ceil(Math.max(m, n) / 8) * Math.ceil(Math.min(m, n) / columns);
    const step = (8 + columns) * load + 8 * columns * width * cycles.dotMultiply;
    const results = 8 * columns * (cycles.dotShares + cycles.store);
    const total = perThread(tiles) * (cycles.dotsStart + Math.ceil(depth / width / 8) * step + results);
    return { choice: { variant: "dots", lanes: 8, columns } as const, cycles: total };
  });
  return costs.reduce((best, one) => (one.cycles < best.cycles ? one : best));
}

/** The kernel of conv2d: rows are pixels made, columns channels made, depth taps times channels summed. */
export function chooseConv2d(shape: ConvShape, caps: Capabilities): ConvChoice {
  return tunedChoice<ConvChoice>("conv2d", shape, shape.rows * shape.columns, caps) ?? modelConv2d(shape, caps);
}

function modelConv2d(shape: ConvShape, caps: Capabilities): ConvChoice {
  const { rows, columns, depth, groups, window } = shape;
  if (groups !== 1) return chooseStrips(shape, caps);
  if (!registers(caps)) {
    if (columns < 8 || rows * columns * depth < 32 ** 3) return { variant: "plain" };
    if (caps.software && columns <= fewColumns) return { variant: "plain" };
    return { variant: "tiled", side: sideFor(columns, rows, 1) };
  }
  // Pixels of an image are neighbours, which a convolution cannot rely on and a product loads as vectors; nothing is packed.
  if (shape.pointwise && rows * columns * depth > smallProduct) return { variant: "product" };
  const best = cheapestConv(shape, caps);
  const direct = Math.min(best.cycles, plainCycles(rows * columns, depth));
  const spectra = cheapestSpectra(shape, caps, depth / window, columns, "result");
  if (spectra.cycles < direct) return spectra.choice;
  return direct < best.cycles ? { variant: "plain" } : best.choice;
}

function cheapestConv({ rows, columns, depth }: ConvShape, caps: Capabilities): { choice: Registers; cycles: number } {
  const loads = { rowLoad: 4 * cycles.boundedLoad, columnLoad: cycles.tile.vector, apart: false };
  return cheapestTile(caps, 1, rows, columns, depth, loads);
}

/** The kernel of conv2dInput: the same, for `images` of which each has a gradient of `places` pixels. A register or
 *  workgroup tile visits the zeros that a stride leaves between gradients, and wastes lanes on few channels; folding does
 *  neither but keeps a window for every pixel. */
export function chooseConv2dInput(
  shape: ConvShape & { readonly images: number; readonly places: number },
  caps: Capabilities,
): InputChoice {
  const { rows, columns, depth, groups, images, places, window } = shape;
  if (groups !== 1) return chooseStrips(shape, caps);
  const fits = images * places * columns * window * 4 <= Math.min(caps.maxBindingBytes, largestFold);
  const tuned = tunedChoice<InputChoice>("conv2dInput", shape, rows * columns, caps);
  if (tuned && (fits || tuned.variant !== "fold")) return tuned;
  const direct = modelConv2d(shape, caps);
  if (!fits || direct.variant === "product") return direct;
  if (!registers(caps)) return columns < 8 && direct.variant === "plain" && depth >= 64 ? { variant: "fold" } : direct;
  const product = {
    ...{ batch: images, m: columns * window, n: places, depth: depth / window },
    ...{ transA: true, transB: false },
  };
  const fold =
    cheapestProduct(product, caps).cycles + Math.ceil(rows / 64 / threads) * 8 * columns * window * cycles.foldStep;
  const other = Math.min(
    ...[cheapestConv(shape, caps).cycles, plainCycles(rows * columns, depth)],
    cheapestSpectra(shape, caps, depth / window, columns, "result").cycles,
  );
  return fold < other ? { variant: "fold" } : direct;
}

/** The kernel of conv2dFilter: rows are taps of the window times channels in, columns channels out, depth pixels; the
 *  reduction may be cut at the `cuts` rows of the images. `bytes`: of image and gradient, which every tile reads. */
export function chooseConv2dFilter(
  shape: ConvShape & { readonly cuts: number; readonly bytes: number },
  caps: Capabilities,
): FilterChoice {
  const { rows, columns, depth, groups, cuts, bytes, window } = shape;
  if (groups !== 1) return chooseFilterStrips(shape, caps);
  const tuned = tunedChoice<FilterChoice>("conv2dFilter", shape, rows * columns, caps);
  if (tuned) return "parts" in tuned ? { ...tuned, parts: Math.min(tuned.parts, cuts) } : tuned;
  if (!registers(caps)) {
    if (rows * columns * depth < 32 ** 3) return { variant: "plain" };
    // Enough outputs that each can be one invocation's.
    if (caps.software && columns <= fewColumns && rows * columns >= 1024) return { variant: "plain" };
    return { variant: "tiled", ...splitTiles(columns, rows, 1, depth) };
  }
  const loads = { rowLoad: 4 * cycles.boundedLoad, columnLoad: 4 * cycles.load, apart: true };
  // Parts give each thread several tiles, and let the tiles of a part share what is in the cache; depth per tile is judged
  // after the split.
  const tiles = Math.ceil(rows / 32) * Math.ceil(columns / 32);
  const forThreads = Math.ceil((8 * threads) / tiles);
  // Never so many that the parts' results outweigh what was read.
  const forCache = Math.min(Math.ceil(bytes / cacheBytes), Math.floor(bytes / (4 * rows * columns)));
  const parts = Math.max(1, Math.min(cuts, Math.max(forThreads, forCache)));
  const best = cheapestTile(caps, parts, rows, columns, Math.ceil(depth / parts), loads);
  const direct = Math.min(best.cycles, plainCycles(rows * columns, depth));
  const spectra = cheapestSpectra(shape, caps, rows / window, columns, "window");
  if (spectra.cycles < direct) return spectra.choice;
  return direct < best.cycles ? { variant: "plain" } : { ...best.choice, parts };
}

/** Tiles of 64 × 128 once they fill a GPU, of 32 × 64 before. */
function sideFor(rows: number, columns: number, batch: number): 8 | 16 {
  return tilesOf(16, rows, columns) * batch >= gpuUnits ? 16 : 8;
}

function tilesOf(side: 8 | 16, rows: number, columns: number): number {
  return Math.ceil(rows / (4 * side)) * Math.ceil(columns / (8 * side));
}

/** Side of the tiles, and parts of the reduction so that small outputs of long sums fill a GPU as well. */
function splitTiles(rows: number, columns: number, batch: number, depth: number): { side: 8 | 16; parts: number } {
  const side = sideFor(rows, columns, batch);
  const tiles = tilesOf(side, rows, columns) * batch;
  const parts = Math.min(Math.floor(gpuUnits / tiles), Math.floor(depth / 128));
  return { side, parts: Math.max(1, parts) };
}
