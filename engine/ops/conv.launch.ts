/** Kernel calls of conv2d and its two adjoints. Letters: n images, c channels in, k channels out, h×w image, r×s window. */

import type { KernelFile } from "../../shaders/gen/kernels.js";
import {
  conv2dFilterPlainKernel,
  conv2dFilterRegistersKernel,
  conv2dFilterTiledKernel,
  conv2dInputFoldKernel,
  conv2dInputPlainKernel,
  conv2dPlainKernel,
} from "../../shaders/gen/kernels.js";
import {
  type Capabilities,
  call,
  gridFor,
  type KernelCall,
  type Launch,
  type LaunchContext,
  linearGrid,
  type Operand,
} from "../lower.js";
import { contiguousStrides, sizeOf } from "../shape.js";
import { type ConvShape, chooseConv2d, chooseConv2dFilter, chooseConv2dInput } from "./choose.js";
import { denseCalls, goingOn, packCall, windowParams } from "./conv.dense.launch.js";
import { fourierCorrelationCalls, fourierWindowGradientCalls, transformFor } from "./fourier.launch.js";
import { matmulCalls } from "./matmul.launch.js";
import { isApart, isLong, sumsOf } from "./parts.launch.js";
import { sumPartsCall } from "./reduce.launch.js";
import { filterStripsCalls, inputStripsCalls, stripsCalls, stripsFor } from "./strips.launch.js";
import { isFolded, tilesFor, windowGradientCalls } from "./winograd.launch.js";

export interface ConvGeometry {
  readonly stride: readonly [number, number];
  /** Top, bottom, left, right. */
  readonly padding: readonly [number, number, number, number];
  readonly dilation: readonly [number, number];
  readonly groups: number;
}

/** x [n,c,h,w] * w [k,c/groups,r,s] → [n,k,oh,ow], all contiguous. `choose` is for tests and measurements. */
export function conv2dCalls(ctx: LaunchContext, geometry: ConvGeometry, choose = chooseConv2d): Launch[] {
  const { inputs, output: y, caps } = ctx;
  const [x, w] = inputs;
  if (sizeOf(y.shape) === 0) return [];
  const [, c, r, s] = w.shape;
  const strips = stripsFor(y.shape, c, [r, s], geometry);
  const choice = choose(
    { ...shapeOf(y, w, c, geometry, caps), strips, transform: transformFor(x, w, y, geometry, caps) },
    caps,
  );
  if (choice.variant === "product") return productCalls(ctx, w, x, false);
  if (choice.variant === "strips") return stripsCalls(ctx, geometry, choice);
  if (choice.variant === "plain") {
    const plain = plainLaunch(conv2dPlainKernel, x, w, y, y, ctx, geometry);
    return [call(conv2dPlainKernel, { bind: { x, w, y }, ...plain })];
  }
  const pad = [geometry.padding[0], geometry.padding[2]] as const;
  if (choice.variant === "fourier") return fourierCorrelationCalls(ctx, { x, w, y, pad, flipped: false }, choice);
  const task = {
    x,
    w,
    y,
    upsample: [1, 1] as const,
    stride: geometry.stride,
    dilation: geometry.dilation,
    pad,
    ...{ wOut: c * r * s, wIn: r * s, flipped: false },
  };
  return denseCalls(ctx, task, choice);
}

/** Adjoint of conv2d in x. g [n,k,oh,ow], w [k,c/groups,r,s] → [n,c,h,w]: the convolution of g, spread out by the stride,
 *  with the window flipped and its channels exchanged. */
export function conv2dInputCalls(ctx: LaunchContext, geometry: ConvGeometry, choose = chooseConv2dInput): Launch[] {
  const { inputs, output: y, caps } = ctx;
  const [g, w] = inputs;
  if (sizeOf(y.shape) === 0) return [];
  const c = y.shape[1];
  const [k, , r, s] = w.shape;
  const [, , oh, ow] = g.shape;
  const strips = stripsFor(y.shape, k / geometry.groups, [r, s], geometry, true);
  const shape = shapeOf(y, w, k, geometry, caps, isFolded(8, r) ? g : y);
  const transform = transformFor(y, w, g, geometry, caps);
  const choice = choose({ ...shape, strips, transform, images: y.shape[0], places: oh * ow }, caps);
  if (choice.variant === "product") return productCalls(ctx, w, g, true);
  if (choice.variant === "strips") return inputStripsCalls(ctx, geometry, choice);
  if (choice.variant === "plain") {
    const plain = plainLaunch(conv2dInputPlainKernel, y, w, g, y, ctx, geometry);
    return [call(conv2dInputPlainKernel, { bind: { g, w, y }, ...plain })];
  }
  if (choice.variant === "fold") return foldCalls(ctx, geometry);
  if (choice.variant === "fourier") {
    const pad = [geometry.padding[0], geometry.padding[2]] as const;
    return fourierCorrelationCalls(ctx, { x: g, w, y, pad, flipped: true }, choice);
  }
  const task = {
    x: g,
    w,
    y,
    upsample: geometry.stride,
    stride: [1, 1] as const,
    dilation: geometry.dilation,
    pad: [
      geometry.dilation[0] * (r - 1) - geometry.padding[0],
      geometry.dilation[1] * (s - 1) - geometry.padding[2],
    ] as const,
    ...{ wOut: r * s, wIn: c * r * s, flipped: true },
  };
  return denseCalls(ctx, task, choice);
}

/** What y is as a product: sums over `channels` and the taps of the windows w. Tiles of 8 leave patches of `patched`. */
function shapeOf(
  y: Operand,
  w: Operand,
  channels: number,
  geometry: ConvGeometry,
  caps: Capabilities,
  patched = y,
): ConvShape {
  const [n, columns, height, width] = y.shape;
  const window = w.shape[2] * w.shape[3];
  return {
    ...{ rows: n * height * width, columns, depth: channels * window, window, groups: geometry.groups },
    ...{ fixed: w.fixed, pointwise: isPointwise(geometry, window) },
    tiles: tilesFor(patched.shape, w.shape, geometry, caps, 8),
    smallTiles: tilesFor(y.shape, w.shape, geometry, caps, 4),
  };
}

/** t[n, c·r·s, oh·ow] = wᵀ · g, then every pixel of the image sums its taps of t. */
function foldCalls(ctx: LaunchContext, { stride, dilation, padding }: ConvGeometry): Launch[] {
  const { inputs, output: y, caps } = ctx;
  const [n, c, h, width] = y.shape;
  const [k, , r, s] = inputs[1].shape;
  const [, , oh, ow] = inputs[0].shape;
  const g = reshaped(inputs[0], [n, k, oh * ow]);
  const w = reshaped(inputs[1], [k, c * r * s]);
  const t = ctx.temp([n, c * r * s, oh * ow]);
  const count = sizeOf(y.shape);
  return [
    ...matmulCalls(
      { ...ctx, inputs: [w, g], output: t, temp: (...a) => ctx.temp(...a) },
      { transA: true, transB: false },
    ),
    call(conv2dInputFoldKernel, {
      bind: { t, y },
      params: {
        ...{ count, in_height: h, in_width: width, out_height: oh, out_width: ow, window_height: r, window_width: s },
        ...{ dilation_y: dilation[0], dilation_x: dilation[1], pad_top: padding[0], pad_left: padding[2] },
      },
      spec: { STRIDE_Y: stride[0], STRIDE_X: stride[1] },
      grid: gridFor(conv2dInputFoldKernel, count, caps.maxWorkgroupsPerDimension),
    }),
  ];
}

function isPointwise({ stride, padding, groups }: ConvGeometry, taps: number): boolean {
  return taps * stride[0] * stride[1] * groups === 1 && padding.every((p) => p === 0);
}

/** y[n] = w · x[n], or wᵀ · x[n], for windows of one pixel. */
function productCalls(ctx: LaunchContext, w: Operand, x: Operand, transA: boolean): Launch[] {
  const planes = (t: Operand): Operand => reshaped(t, [t.shape[0], t.shape[1], t.shape[2] * t.shape[3]]);
  const temp: LaunchContext["temp"] = (...a) => ctx.temp(...a);
  const product = (a: Operand, isTurned: boolean): Launch[] =>
    matmulCalls(
      { ...ctx, inputs: [a, planes(x)], output: planes(ctx.output), temp },
      { transA: isTurned, transB: false },
    );
  const [k, c] = w.shape;
  if (transA || !w.fixed || !ctx.caps.software || k % 4 !== 0) return product(reshaped(w, [k, c]), transA);
  // Turned once, they are loaded as vectors, for which register tiles have more use than others.
  const turned = ctx.temp([c, k]);
  return [packCall(ctx, w, turned, { columns: k, depth: c, taps: 1, column: c, channel: 1 }), ...product(turned, true)];
}

function reshaped(x: Operand, shape: readonly number[]): Operand {
  return { ...x, shape, strides: contiguousStrides(shape) };
}

/** Adjoint of conv2d in w. x [n,c,h,w], g [n,k,oh,ow] → [k,c/groups,r,s]. */
export function conv2dFilterCalls(ctx: LaunchContext, geometry: ConvGeometry, choose = chooseConv2dFilter): Launch[] {
  const { inputs, output: y, caps } = ctx;
  const [x, g] = inputs;
  if (sizeOf(y.shape) === 0) return [];
  const limit = caps.maxWorkgroupsPerDimension;
  const [n, , h, width] = x.shape;
  const [, , oh, ow] = g.shape;
  const [k, c, r, s] = y.shape;
  const taps = c * r * s;
  const pixels = n * oh * ow;
  const bytes = 4 * (sizeOf(x.shape) + sizeOf(g.shape));
  const shape = { rows: taps, columns: k, depth: pixels, window: r * s, groups: geometry.groups, cuts: n * oh, bytes };
  const tiles = tilesFor(g.shape, y.shape, geometry, caps, 8);
  const strips = stripsFor(g.shape, c, [r, s], geometry);
  const transform = transformFor(x, y, g, geometry, caps);
  const choice = choose({ ...shape, transform, tiles, strips }, caps);
  if (choice.variant === "strips") return filterStripsCalls(ctx, geometry, choice);
  if (choice.variant === "plain") {
    const { params, ...plain } = plainLaunch(conv2dFilterPlainKernel, x, y, g, y, ctx, geometry);
    return [call(conv2dFilterPlainKernel, { bind: { x, g, y }, params: { ...params, images: n }, ...plain })];
  }
  const pad = [geometry.padding[0], geometry.padding[2]] as const;
  if (choice.variant === "winograd") return windowGradientCalls(ctx, { x, g, y, pad }, choice);
  if (choice.variant === "fourier") return fourierWindowGradientCalls(ctx, { x, g, y, pad }, choice);

  const { parts } = choice;
  const partial = parts > 1 ? ctx.temp([parts, sizeOf(y.shape)]) : y;
  const common = {
    ...{ taps, out_channels: k, in_channels: c, in_height: h, in_width: width, out_height: oh, out_width: ow },
    ...windowParams(r, s, geometry.stride, geometry.dilation, [geometry.padding[0], geometry.padding[2]]),
  };
  const flops = 2 * pixels * k * taps;
  let product: Launch;
  if (choice.variant === "registers") {
    const { subgroups, columns } = choice;
    const rowTiles = Math.ceil(taps / 32);
    const columnTiles = Math.ceil(k / columns);
    const tiles = parts * rowTiles * columnTiles;
    product = call(conv2dFilterRegistersKernel, {
      bind: { x, g, y: partial },
      params: {
        ...{ ...common, tiles, row_tiles: rowTiles, column_tiles: columnTiles },
        ...{ rows: n * oh, part_rows: Math.ceil((n * oh) / parts) },
      },
      spec: {
        ...{ SUBGROUPS: subgroups, COLUMNS: columns, APART: isApart(columns) },
        LONG: isLong(Math.ceil((n * oh) / parts) * ow),
      },
      grid: linearGrid(tiles, 1, limit),
      flops,
    });
  } else {
    const { side } = choice;
    const rowTiles = Math.ceil(k / (4 * side));
    const columnTiles = Math.ceil(taps / (8 * side));
    const tiles = parts * rowTiles * columnTiles;
    const partPixels = Math.ceil(pixels / parts);
    const long = isLong(partPixels);
    const area = oh * ow;
    const [strideY, strideX] = geometry.stride;
    product = call(conv2dFilterTiledKernel, {
      bind: { x, g, y: partial, ...(long && { sums: sumsOf(ctx, tiles, side) }) },
      params: {
        ...{ ...common, tiles, row_tiles: rowTiles, column_tiles: columnTiles },
        ...{ pixels, part_pixels: partPixels },
        // A stage of the tile is as many steps as its side, here pixels.
        g_pixels_on: side % area,
        g_on: (side % area) + Math.floor(side / area) * area * k,
        g_wrap: area * (k - 1),
        ...goingOn([Math.floor(side / area), Math.floor(side / ow) % oh, side % ow], {
          ...{ rowsPerPlane: oh, columnsPerRow: ow, plane: c * h * width },
          ...{ row: strideY * width, column: strideX, down: strideY, across: strideX },
        }),
      },
      // Neighbours read neighbouring pixels of g and of x, both of which are steps of the sum.
      spec: {
        ...{ SIDE: side, ROWS_BY_STEP: true, COLUMNS_BY_STEP: true, LONG: long },
        ...{ WHOLE: pixels % (parts * side) === 0, VECTORS: taps % 4 === 0 },
      },
      grid: linearGrid(tiles, 1, limit),
      flops,
    });
  }
  return parts > 1 ? [product, sumPartsCall(partial, y, parts, caps)] : [product];
}

/** What the plain kernels have in common: the parameters are always those of the forward convolution x * w → g; `y` is what
 *  the kernel makes. */
function plainLaunch(
  kernel: KernelFile<"conv2d.plain" | "conv2dInput.plain" | "conv2dFilter.plain">,
  x: Operand,
  w: Operand,
  g: Operand,
  y: Operand,
  ctx: LaunchContext,
  { stride, padding, dilation, groups }: ConvGeometry,
): Pick<KernelCall<"conv2d.plain">, "params" | "grid" | "flops"> {
  const [, c, h, width] = x.shape;
  const [, k, oh, ow] = g.shape;
  const [, , r, s] = w.shape;
  const count = sizeOf(y.shape);
  return {
    params: {
      ...{ count, in_channels: c, out_channels: k, channels_per_group: c / groups, filters_per_group: k / groups },
      ...{ in_height: h, in_width: width, out_height: oh, out_width: ow },
      ...windowParams(r, s, stride, dilation, [padding[0], padding[2]]),
    },
    grid: gridFor(kernel, count, ctx.caps.maxWorkgroupsPerDimension),
    flops: (2 * sizeOf(g.shape) * sizeOf(w.shape)) / w.shape[0],
  };
}
