/** Kernel calls of convolutions without groups by tiles in registers or workgroup memory: conv2d, and its adjoint in x as a convolution with the
 *  window flipped. */

import { conv2dPackKernel, conv2dRegistersKernel, conv2dTiledKernel } from "../../shaders/gen/kernels.js";
import { call, channelsOf, gridFor, type Launch, type LaunchContext, linearGrid, type Operand } from "../lower.js";
import { sizeOf } from "../shape.js";
import type { Registers, Tiled } from "./choose.js";
import type { Winograd } from "./choose.spectra.js";
import { isLong, sumsOf } from "./parts.launch.js";
import { correlationCalls } from "./winograd.launch.js";

/** A convolution without groups of x, spread out by `upsample`, with w at the given strides of its channel axes. */
export interface Dense {
  readonly x: Operand;
  readonly w: Operand;
  readonly y: Operand;
  readonly upsample: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly dilation: readonly [number, number];
  /** Top and left; may be negative. */
  readonly pad: readonly [number, number];
  /** Strides of w along the channels made and the channels summed. */
  readonly wOut: number;
  readonly wIn: number;
  readonly flipped: boolean;
}

export function denseCalls(
  ctx: LaunchContext,
  { x, w, y, upsample, stride, dilation, pad, wOut, wIn, flipped }: Dense,
  choice: Registers | Tiled | Winograd,
): Launch[] {
  if (choice.variant === "winograd") return correlationCalls(ctx, { x, w, y, pad, flipped }, choice);
  const limit = ctx.caps.maxWorkgroupsPerDimension;
  const [n, channelsIn, h, width] = x.shape;
  const [, channelsOut, oh, ow] = y.shape;
  const [r, s] = w.shape.slice(2);
  const pixels = n * oh * ow;
  const common = {
    ...{ pixels, out_channels: channelsOut, in_channels: channelsIn },
    ...{ in_height: h, in_width: width, out_height: oh, out_width: ow, ...windowParams(r, s, stride, dilation, pad) },
  };
  const spread = { UP_Y: upsample[0], UP_X: upsample[1] };
  // Zeros that a stride spreads between gradients are no work.
  const flops = 2 * r * s * (flipped ? sizeOf(x.shape) * channelsOut : sizeOf(y.shape) * channelsIn);
  if (choice.variant === "registers") {
    const { subgroups, columns } = choice;
    const quads = Math.ceil(channelsOut / 4);
    const packed = ctx.temp([r * s, channelsIn, quads * 4]);
    const columnTiles = Math.ceil(channelsOut / columns);
    const tiles = Math.ceil(pixels / 32) * columnTiles;
    const slides = ow % 4 === 0 && upsample[0] * upsample[1] * stride[1] * dilation[1] === 1;
    return [
      packCall(
        ctx,
        w,
        packed,
        { columns: channelsOut, depth: channelsIn, taps: r * s, column: wOut, channel: wIn },
        flipped,
      ),
      call(conv2dRegistersKernel, {
        bind: { x, w: packed, y },
        params: { ...common, tiles, column_tiles: columnTiles, quads },
        spec: {
          ...{ ...spread, SUBGROUPS: subgroups, COLUMNS: columns, VECTORS: (oh * ow) % 4 === 0, SLIDE: slides },
          TWO: !slides && channelsIn % 2 === 0,
          LONG: isLong(channelsIn * r * s),
        },
        grid: linearGrid(tiles, 1, limit),
        flops,
        channels: channelsOf(y),
      }),
    ];
  }
  const { side } = choice;
  const columnTiles = Math.ceil(pixels / (8 * side));
  const tiles = Math.ceil(channelsOut / (4 * side)) * columnTiles;
  const taps = r * s;
  const steps = channelsIn * taps;
  const long = isLong(steps);
  // Then where a tap lies is linear in its digits, in the image that is spread out.
  const masked = taps <= 32 && upsample[0] === upsample[1];
  const places = goingOn([Math.floor(side / taps), Math.floor(side / s) % r, side % s], {
    ...{ rowsPerPlane: r, columnsPerRow: s, plane: h * width * (masked ? upsample[0] : 1) },
    ...{ row: masked ? dilation[0] * width : 0, column: masked ? dilation[1] : 0 },
    ...{ down: dilation[0], across: dilation[1] },
  });
  return [
    call(conv2dTiledKernel, {
      bind: { x, w, y, ...(long && { sums: sumsOf(ctx, tiles, side) }) },
      params: {
        ...{ ...common, tiles, column_tiles: columnTiles, steps, w_row: wOut, w_channel: wIn },
        // A stage of the tile is as many steps as its side, here taps.
        ...(flipped
          ? {
              taps_on: side % taps,
              w_on: unsigned(Math.floor(side / taps) * wIn - (side % taps)),
              w_wrap: unsigned(wIn + taps),
            }
          : { taps_on: 0, w_on: side, w_wrap: 0 }),
        ...places,
        // Taps are counted one by one.
        ...(masked && { down_on: side % taps, down_end: taps }),
      },
      spec: {
        ...{ ...spread, SIDE: side, FLIPPED: flipped, ROWS_BY_STEP: true, LONG: long, MASKED: masked },
        ...{ WHOLE: steps % side === 0, VECTORS: (oh * ow) % 4 === 0 },
      },
      grid: linearGrid(tiles, 1, limit),
      flops,
    }),
  ];
}

/** Windows as packed[tap, summed channel, channel made], the last filled up to whole vectors; `column` and `channel` are w's strides. */
export function packCall(
  { caps }: LaunchContext,
  w: Operand,
  packed: Operand,
  of: {
    readonly columns: number;
    readonly depth: number;
    readonly taps: number;
    readonly column: number;
    readonly channel: number;
  },
  flipped = false,
): Launch {
  const count = sizeOf(packed.shape);
  return call(conv2dPackKernel, {
    bind: { w, packed },
    params: {
      ...{ count, columns: of.columns, width: packed.shape.at(-1)!, depth: of.depth, taps: of.taps },
      ...{ w_column: of.column, w_channel: of.channel },
    },
    spec: { FLIPPED: flipped },
    grid: gridFor(conv2dPackKernel, count, caps.maxWorkgroupsPerDimension),
    packs: true,
  });
}

/** The 32 bits that a kernel adds instead of a number that may be negative. */
const unsigned = (x: number): number => x >>> 0;

/** How a place in a stack of planes goes on by [planes, rows, columns]: `plane`, `row` and `column` are how far apart in memory they are,
 *  `down` and `across` what a row and a column count. */
export function goingOn(
  [planes, rows, columns]: readonly [number, number, number],
  of: {
    readonly rowsPerPlane: number;
    readonly columnsPerRow: number;
    readonly plane: number;
    readonly row: number;
    readonly column: number;
    readonly down: number;
    readonly across: number;
  },
) {
  return {
    across_on: columns * of.across,
    down_on: rows * of.down,
    on: unsigned(planes * of.plane + rows * of.row + columns * of.column),
    across_end: of.columnsPerRow * of.across,
    across_wrap: unsigned(of.row - of.columnsPerRow * of.column),
    down_end: of.rowsPerPlane * of.down,
    down_wrap: unsigned(of.plane - of.rowsPerPlane * of.row),
  };
}

export function windowParams(
  r: number,
  s: number,
  stride: readonly [number, number],
  dilation: readonly [number, number],
  pad: readonly [number, number],
) {
  return {
    ...{ window_height: r, window_width: s, stride_y: stride[0], stride_x: stride[1] },
    ...{ dilation_y: dilation[0], dilation_x: dilation[1], pad_top: pad[0], pad_left: pad[1] },
  };
}
