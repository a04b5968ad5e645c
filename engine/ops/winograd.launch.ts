/** Kernel calls of convolutions by Winograd's minimal filtering (shaders/lib/winograd.wgsl): tiles become spectra of as many
 *  points, spectra are multiplied point by point, as matrices over the channels, and the products become patches again. */
import {
  type KernelDeclarations,
  winogradCollect4Kernel,
  winogradCollectKernel,
  winogradEvaluate4Kernel,
  winogradEvaluateKernel,
  winogradFoldKernel,
  winogradImage4Kernel,
  winogradImageKernel,
} from "../../shaders/gen/kernels.js";
import type { Kernel } from "../../shaders/kernel.js";
import {
  type Capabilities,
  call,
  channelsOf,
  gridFor,
  type Launch,
  type LaunchContext,
  type Operand,
} from "../lower.js";
import type { Winograd } from "./choose.spectra.js";
import { type Chunk, chunksOf, pointStep, productCalls, reshaped, rowsOf, spectraOf, summedOver } from "./spectra.js";

/** Side of the tiles of an image, which have as many points as pixels. */
type Side = Winograd["side"];

/** Tiles of each plane, and pixels from one to the next. */
interface Grid {
  readonly side: Side;
  readonly down: number;
  readonly across: number;
  readonly step: number;
}

/** Windows: each is a tile by itself. */
const alone = (side: Side): Grid => ({ side, down: 1, across: 1, step: 0 });

/** How many tiles of `side` there are of results [n,·,oh,ow] of windows [k,c,r,s]; undefined where minimal filtering does not apply, is not
 *  wanted, or the spectra of one image or of the windows would not fit a binding. Windows larger than 6 and smaller than 3 lose accuracy: their
 *  powers of the points spread too far. Tiles of 4 are for windows of 3. */
export function tilesFor(
  [n, , oh, ow]: readonly number[],
  [k, c, r, s]: readonly number[],
  { stride, dilation, groups }: { readonly stride: Pair; readonly dilation: Pair; readonly groups: number },
  { maxBindingBytes, minimalFiltering = true }: Capabilities,
  side: Side,
): number | undefined {
  if (!minimalFiltering) return undefined;
  const one = [...stride, ...dilation, groups].every((v) => v === 1);
  if (!one || r !== s || r < 3 || r > (side === 8 ? 6 : 3)) return undefined;
  const grid = patchGrid(side, r, oh, ow);
  const most = 4 * side ** 2 * pointStep(Math.max(linesOf(1, grid) * Math.max(c, k), c * k));
  return most <= maxBindingBytes ? n * grid.down * grid.across : undefined;
}
type Pair = readonly [number, number];

/** Whether the adjoint of a correlation in its image takes spectra of the gradient's patches, as that in the window does, so that one launch
 *  makes them for both. The tiles of the image that become of them must overlap with their neighbours alone (winograd.fold). Else it is a
 *  correlation of the gradient with the window read backwards, by spectra of its own: no faster where nothing is shared either (windows of 3),
 *  and slower for windows of 5, of which each tile of an image loads 64 numbers and each patch of a gradient 16. */
export const isFolded = (side: Side, window: number): boolean => side === 8 && window <= 5;

/** The patches that tiles of `side` leave of a result of `height` × `width`. */
function patchGrid(side: Side, window: number, height: number, width: number): Grid {
  const step = side + 1 - window;
  return { side, down: Math.ceil(height / step), across: Math.ceil(width / step), step };
}

export interface Correlation {
  readonly x: Operand;
  readonly w: Operand;
  readonly y: Operand;
  /** Zeros above and left of x; may be negative. */
  readonly pad: readonly [number, number];
  /** w is [channels summed, channels made, r, r] and read backwards, instead of [channels made, channels summed, r, r]: the adjoint in the
   *  image of a correlation whose padding is r - 1 - pad. */
  readonly flipped: boolean;
}

/** Tiles of so many images, filled up to whole vectors: spectra of tiles that no image has are zero. */
const linesOf = (images: number, { down, across }: Grid): number => Math.ceil((images * down * across) / 4) * 4;

/** x [n,c,h,w] * w → y [n,k,oh,ow], stride 1. */
export function correlationCalls(
  ctx: LaunchContext,
  { x, w, y, pad, flipped }: Correlation,
  { side, tiles, group }: Winograd,
): Launch[] {
  const [n, c] = x.shape;
  const k = y.shape[1];
  const window = w.shape[3];
  const folded = flipped && isFolded(side, window);
  const backwards = flipped && !folded;
  const [height, width] = (folded ? x : y).shape.slice(2);
  const grid = patchGrid(side, window, height, width);
  // Tiles last are loaded as vectors. Gradients of windows, which have tiles of 8, want them last but one: then the launch that makes the
  // spectra of an image, or of a gradient, serves both. Fixed windows have no gradient.
  const tilesLast = backwards || side === 4 || w.fixed === true;
  const atOnce = chunkOf(n, grid, tiles);
  const together = Math.min(atOnce, groupOf(n, grid, group));
  const chunk = tilesLast ? together : atOnce;
  const most = linesOf(chunk, grid);
  const image = spectraOf(ctx, side ** 2, tilesLast ? [c, most] : [most, c]);
  const windows = spectraOf(ctx, side ** 2, [c, k]);
  const product = spectraOf(ctx, side ** 2, [k, linesOf(together, grid)]);
  const windowCall = transformCall(ctx, "evaluate", {
    ...{ planes: w, spectra: windows, grid: alone(side), tilesLast: !flipped, flipped: backwards },
    spec: { SIDE: window, SCALED: true },
  });
  const spec = { SIDE: grid.step, SCALED: false };
  const chunkCalls = ({ first, images }: Chunk): Launch[] => {
    const lines = linesOf(images, grid);
    const whole = reshaped(image, tilesLast ? [c, lines] : [lines, c]);
    const groupCalls = (part: Chunk): Launch[] => {
      const own = linesOf(part.images, grid);
      const from = part.images === images ? whole : rowsOf(whole, part.first * grid.down * grid.across, own);
      const to = reshaped(product, [k, own]);
      const back = { planes: y, spectra: to, grid, first: first + part.first, images: part.images, tilesLast: true };
      return [
        ...productCalls(ctx, windows, from, to, { transB: !tilesLast }),
        folded
          ? foldCall(ctx, { ...back, pad: [window - 1 - pad[0], window - 1 - pad[1]] })
          : transformCall(ctx, "collect", { ...back, spec }),
      ];
    };
    const there = { planes: x, spectra: whole, grid, first, images, tilesLast };
    return [
      folded ? transformCall(ctx, "evaluate", { ...there, spec }) : transformCall(ctx, "image", { ...there, pad }),
      ...chunksOf(images, together).flatMap(groupCalls),
    ];
  };
  return [windowCall, ...chunksOf(n, chunk).flatMap(chunkCalls)];
}

/** Adjoint of the correlation in its window: x [n,c,h,w], g [n,k,oh,ow] → y [k,c,r,r]. */
export function windowGradientCalls(
  ctx: LaunchContext,
  { x, g, y, pad }: { readonly x: Operand; readonly g: Operand; readonly y: Operand } & Pick<Correlation, "pad">,
  { tiles }: Winograd,
): Launch[] {
  const [n, k, oh, ow] = g.shape;
  const [, c, , window] = y.shape;
  const grid = patchGrid(8, window, oh, ow);
  const chunk = chunkOf(n, grid, tiles);
  const image = spectraOf(ctx, 64, [linesOf(chunk, grid), c]);
  const gradient = spectraOf(ctx, 64, [linesOf(chunk, grid), k]);
  const product = spectraOf(ctx, 64, [c, k]);
  return summedOver(ctx, y, chunksOf(n, chunk), ({ first, images }, parts, firstWindow) => {
    const [a, b] = [image, gradient].map((s) => reshaped(s, [linesOf(images, grid), s.shape[2]]));
    const common = { grid, first, images, tilesLast: false };
    return [
      transformCall(ctx, "image", { ...common, planes: x, spectra: a, pad }),
      transformCall(ctx, "evaluate", {
        ...{ ...common, planes: g, spectra: b },
        spec: { SIDE: grid.step, SCALED: false },
      }),
      ...productCalls(ctx, a, b, product),
      transformCall(ctx, "collect", {
        ...{ planes: parts, spectra: product, grid: alone(8), first: firstWindow, images: k, tilesLast: true },
        spec: { SIDE: window, SCALED: true },
      }),
    ];
  });
}

/** How many images of about `tiles` tiles together are worked on at a time, at least 1. */
function chunkOf(images: number, { down, across }: Grid, tiles: number): number {
  const most = Math.max(1, Math.floor(tiles / (down * across)));
  return Math.ceil(images / Math.ceil(images / most));
}

/** How many images of about `tiles` tiles together, whole fours of tiles where there are several such groups. */
function groupOf(images: number, grid: Grid, tiles: number): number {
  const group = chunkOf(images, grid, tiles);
  const fours = 4 / commonDivisor(4, grid.down * grid.across);
  return Math.min(images, Math.ceil(group / fours) * fours);
}

const commonDivisor = (a: number, b: number): number => (b === 0 ? a : commonDivisor(b, a % b));

interface Transform {
  /** [images, channels, height, width]. */
  readonly planes: Operand;
  /** [points, channels, tiles], or [points, tiles, channels]. */
  readonly spectra: Operand;
  readonly tilesLast: boolean;
  readonly grid: Grid;
  /** Of the planes; all where not given. */
  readonly first?: number;
  readonly images?: number;
  readonly pad?: Pair;
  readonly flipped?: boolean;
  readonly spec?: Readonly<KernelDeclarations["winograd.evaluate"]["settings"]>;
}

/** The kernels of a transform by the side of tiles; those for 4 have no settings. */
const transforms = {
  image: { 8: winogradImageKernel, 4: winogradImage4Kernel },
  evaluate: { 8: winogradEvaluateKernel, 4: winogradEvaluate4Kernel },
  collect: { 8: winogradCollectKernel, 4: winogradCollect4Kernel },
} as const;

function transformCall({ caps }: LaunchContext, transform: keyof typeof transforms, of: Transform): Launch {
  const { planes, spectra, grid, spec } = of;
  const { side } = grid;
  const [, rows, columns] = spectra.shape;
  const kernel = transforms[transform][side];
  const turns = transform === "image" ? turnsDown(of, caps) : 1;
  const common = launchOf(kernel, of, (rows * columns) / turns, caps, turns);
  if (transform === "collect") {
    const made = { bind: { spectra, y: planes }, channels: channelsOf(planes) };
    if (side === 4) return call(winogradCollect4Kernel, { ...made, ...common });
    // Windows are few, and made with heavy epilogues: their time is that of the compiler.
    const rolled = { COLUMNS_ROLLED: caps.software, ROWS_ROLLED: caps.software && spec?.SCALED === true };
    return call(winogradCollectKernel, { ...made, ...common, spec: { ...spec, ...rolled } });
  }
  return call(transforms[transform][side], { bind: { x: planes, spectra }, ...common, ...(side === 8 && { spec }) });
}

/** How many tiles an invocation makes, one below the other: what a tile of 8 has in common with the next is then read and turned once. GPUs
 *  want more invocations. Not where tiles only fill up a vector. */
function turnsDown(
  { planes, spectra, tilesLast, grid, images = planes.shape[0] }: Transform,
  caps: Capabilities,
): number {
  const tiles = spectra.shape[tilesLast ? 2 : 1];
  return caps.software && grid.side === 8 && tiles === images * grid.down * grid.across ? grid.down : 1;
}

/** Planes as sums of the tiles that their spectra become. */
function foldCall({ caps }: LaunchContext, of: Transform & { readonly pad: Pair }): Launch {
  const { planes, spectra, grid, images = planes.shape[0], pad } = of;
  const [, channels, , width] = planes.shape;
  const strips = Math.min(grid.across + 1, Math.ceil((width + pad[1]) / grid.step));
  return call(winogradFoldKernel, {
    bind: { spectra, y: planes },
    spec: { STEP: grid.step },
    ...launchOf(winogradFoldKernel, of, strips * images * channels, caps),
  });
}

/** Parameters and workgroups of a kernel of which `count` invocations are needed. */
function launchOf(
  kernel: Kernel,
  { planes, spectra, tilesLast, grid, first = 0, images = planes.shape[0], pad = [0, 0], flipped = false }: Transform,
  count: number,
  caps: Capabilities,
  turns = 1,
) {
  const [, channels, height, width] = planes.shape;
  const [, rows, columns] = spectra.shape;
  const { side, down, across, step } = grid;
  return {
    params: {
      ...{ count, starts: (tilesLast ? columns : rows) / turns, channels, turns },
      ...{ tiles_down: down, tiles_across: across, step, height, width },
      ...{ first_image: first, images, flipped: Number(flipped), side },
      ...{ top: pad[0], left: pad[1], point_step: spectra.strides[0] },
      ...{ tile_step: tilesLast ? 1 : columns, channel_step: tilesLast ? columns : 1 },
    },
    grid: gridFor(kernel, count, caps.maxWorkgroupsPerDimension),
  };
}
