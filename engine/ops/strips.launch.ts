/** Kernel calls of grouped convolutions by strips (shaders/conv2d.strips.wgsl): four columns of some rows of one plane for each
 *  invocation. For groups of few channels, depthwise ones above all. */
import {
  conv2dFilterStripsKernel,
  conv2dInputStripsKernel,
  conv2dStripsKernel,
  type KernelDeclarations,
} from "../../shaders/gen/kernels.js";
import {
  type Capabilities,
  call,
  channelsOf,
  gridFor,
  type Launch,
  type LaunchContext,
  linearGrid,
  type Operand,
} from "../lower.js";
import { sizeOf } from "../shape.js";
import type { FilterStrips, StripShape, Strips } from "./choose.js";
import { chooseStrips } from "./choose.strips.js";
import { registers } from "./choose.tiles.js";
import type { ConvGeometry } from "./conv.launch.js";
import { sumPartsCall } from "./reduce.launch.js";

/** Taps of a window that a strip keeps in registers. */
const mostTaps = 49;

/** The planes of `cut` [n,c,h,w] as strips see them, of which each adds up `terms` planes; undefined where strips do not apply.
 *  `divides`: the stride across must divide a strip's four columns. */
export function stripsFor(
  cut: readonly number[],
  terms: number,
  window: readonly number[],
  geometry: ConvGeometry,
  divides = false,
): StripShape | undefined {
  return geometry.groups === 1 ? undefined : stripsOf(cut, terms, window, geometry, divides);
}

/** The same for any number of groups. */
function stripsOf(
  cut: readonly number[],
  terms: number,
  [r, s]: readonly number[],
  { stride, dilation }: ConvGeometry,
  divides: boolean,
): StripShape | undefined {
  if (dilation[0] * dilation[1] !== 1 || r * s > mostTaps || Math.max(...stride) > 4) return undefined;
  if (divides && 4 % stride[1] !== 0) return undefined;
  const [images, channels, height, width] = cut;
  return { images, channels, height, width, terms, overlap: (r - 1) / stride[0] };
}

const quadsOf = (width: number): number => Math.ceil(width / 4);

/** The three tensors of x * w → g, of which one is made. */
interface Three {
  readonly x: Operand;
  readonly w: Operand;
  readonly g: Operand;
}

function paramsOf({ x, w, g }: Three, { groups, padding }: ConvGeometry) {
  const [, c, h, width] = x.shape;
  const [, k, oh, ow] = g.shape;
  return {
    ...{ in_channels: c, out_channels: k, channels_per_group: w.shape[1], filters_per_group: k / groups },
    ...{ in_height: h, in_width: width, out_height: oh, out_width: ow, pad_top: padding[0], pad_left: padding[2] },
  };
}

function specOf(
  { shape: [, , r, s] }: Operand,
  { stride }: ConvGeometry,
): KernelDeclarations["conv2d.strips"]["settings"] {
  return { WINDOW_HEIGHT: r, WINDOW_WIDTH: s, STRIDE_Y: stride[0], STRIDE_X: stride[1] };
}

const flopsOf = ({ w, g }: Three): number => (2 * sizeOf(g.shape) * sizeOf(w.shape)) / w.shape[0];

function cutOf({ shape: [n, channels, height, width] }: Operand, { rows }: Strips) {
  const [quads, blocks] = [quadsOf(width), Math.ceil(height / rows)];
  return { count: n * channels * quads * blocks, quads, blocks, rows_each: rows };
}

/** Whether the rows of `x` are whole vectors and loaded as such. SwiftShader, which keeps arrays in memory, took 39 ms of processor time
 *  for 144 planes of 56x56 where it takes 28 with numbers. */
function loadsVectors(x: Operand, caps: Capabilities): boolean {
  return x.shape[3] % 4 === 0 && (!caps.software || registers(caps));
}

function vectorsOf(quads: boolean, { padding }: Pick<ConvGeometry, "padding">) {
  return quads ? { QUADS: true, PAD_LEFT: padding[2] } : {};
}

/** x * w → y. */
export function stripsCalls(
  { inputs: [x, w], output: y, caps }: LaunchContext,
  geometry: ConvGeometry,
  choice: Strips,
) {
  const three = { x, w, g: y };
  const cut = cutOf(y, choice);
  // Of a window that steps over columns a vector would load what nobody needs.
  const quads = w.shape[3] >= geometry.stride[1] && loadsVectors(x, caps);
  return [
    call(conv2dStripsKernel, {
      bind: { x, w, y, ...(quads && { x4: x }) },
      params: { ...cut, ...paramsOf(three, geometry) },
      spec: {
        ...{ ...specOf(w, geometry), SEVERAL: w.shape[1] > 1, VECTORS: y.shape[3] % 4 === 0 },
        ...vectorsOf(quads, geometry),
      },
      grid: gridFor(conv2dStripsKernel, cut.count, caps.maxWorkgroupsPerDimension),
      flops: flopsOf(three),
      channels: channelsOf(y),
    }),
  ];
}

/** The adjoint in x: g, w → y. */
export function inputStripsCalls(
  { inputs: [g, w], output: y, caps }: LaunchContext,
  geometry: ConvGeometry,
  choice: Strips,
): Launch[] {
  const cut = cutOf(y, choice);
  const params = paramsOf({ x: y, w, g }, geometry);
  const quads = geometry.stride[1] === 1 && loadsVectors(g, caps);
  return [
    call(conv2dInputStripsKernel, {
      bind: { g, w, y, ...(quads && { g4: g }) },
      params: { ...cut, ...params },
      spec: {
        ...{ ...specOf(w, geometry), PHASE: geometry.padding[2] % geometry.stride[1] },
        ...{ SEVERAL: params.filters_per_group > 1, VECTORS: y.shape[3] % 4 === 0 },
        ...vectorsOf(quads, geometry),
      },
      grid: gridFor(conv2dInputStripsKernel, cut.count, caps.maxWorkgroupsPerDimension),
      flops: flopsOf({ x: y, w, g }),
      channels: channelsOf(y),
    }),
  ];
}

/** The sums of the windows of g [n,c,oh,ow] that cover each pixel of y [n,c,h,w]: the same with a window of ones for each plane.
 *  Undefined where strips do not pay. */
export function spreadStripsCalls(
  { inputs: [g], output: y, caps }: LaunchContext,
  window: readonly [number, number],
  { stride, padding }: Pick<ConvGeometry, "stride" | "padding">,
): Launch[] | undefined {
  const geometry: ConvGeometry = { stride, padding, dilation: [1, 1], groups: y.shape[1] };
  const strips = stripsOf(y.shape, 1, window, geometry, true);
  const taps = window[0] * window[1];
  const choice = chooseStrips({ rows: sizeOf(y.shape), columns: 1, window: taps, strips }, caps);
  if (choice.variant !== "strips") return undefined;
  const cut = cutOf(y, choice);
  const w = { ...g, shape: [y.shape[1], 1, ...window] };
  const quads = stride[1] === 1 && loadsVectors(g, caps);
  return [
    call(conv2dInputStripsKernel, {
      bind: { g, y, ...(quads && { g4: g }) },
      params: { ...cut, ...paramsOf({ x: y, w, g }, geometry) },
      spec: {
        ...{ ...specOf(w, geometry), PHASE: padding[2] % stride[1] },
        ...{ ONES: true, VECTORS: y.shape[3] % 4 === 0 },
        ...vectorsOf(quads, geometry),
      },
      grid: gridFor(conv2dInputStripsKernel, cut.count, caps.maxWorkgroupsPerDimension),
      channels: channelsOf(y),
    }),
  ];
}

/** The adjoint in w: x, g → y. */
export function filterStripsCalls(
  ctx: LaunchContext,
  geometry: ConvGeometry,
  { rows, lanes, parts }: FilterStrips,
): Launch[] {
  const { inputs, output: y, caps } = ctx;
  const [x, g] = inputs;
  const three = { x, w: y, g };
  const limit = caps.maxWorkgroupsPerDimension;
  const windows = y.shape[0] * y.shape[1];
  const [quads, blocks] = [quadsOf(g.shape[3]), Math.ceil(g.shape[2] / rows)];
  const strips = g.shape[0] * quads * blocks;
  const partial = parts > 1 ? ctx.temp([parts, sizeOf(y.shape)]) : y;
  const product = call(conv2dFilterStripsKernel, {
    bind: { x, g, y: partial },
    params: {
      ...{ count: windows * parts, windows, quads, blocks, rows_each: rows },
      ...{ strips, part_strips: Math.ceil(strips / parts), ...paramsOf(three, geometry) },
    },
    spec: { ...specOf(y, geometry), LANES: lanes },
    grid: linearGrid(windows * parts, 1, limit),
    flops: flopsOf(three),
  });
  return parts > 1 ? [product, sumPartsCall(partial, y, parts, caps)] : [product];
}
