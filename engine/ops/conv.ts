/** 2-D convolution and its two adjoints: a set closed under differentiation, since each is linear in both operands. */

import { describe, ShapeError } from "../errors.js";
import { requireTensor } from "../kinds.js";
import type { TensorSpec } from "../lower.js";
import { apply, type HostTensor, type OpSpec } from "../op.js";
import { checkedOptions, isList, shown, shownList } from "../options.js";
import type { Tensor } from "../tensor.js";
import { conv2dCalls, conv2dFilterCalls, conv2dInputCalls } from "./conv.launch.js";
import { convDraw, convSamples, refusedConvs } from "./conv.samples.js";
import { extent, type Padding, type Pair, pairOf, type WindowAttrs, windowAttrs, windowPositions } from "./window.js";

const CONV_OPTIONS = ["stride", "padding", "dilation", "groups"] as const;

/** Options of `conv2d`: stride 1, no padding, dilation 1 and one group by default; a number counts for rows and columns. */
export interface ConvOptions {
  readonly stride?: Pair;
  readonly padding?: Padding;
  readonly dilation?: Pair;
  /** Channels fall into this many groups that do not mix; c for a depthwise convolution. */
  readonly groups?: number;
}

export interface ConvAttrs extends WindowAttrs {
  readonly groups: number;
  /** [h, w] of the image and [r, s] of the window: the sizes the adjoints cannot know from their operands. */
  readonly image: readonly [number, number];
  readonly window: readonly [number, number];
}

/** 2-D cross-correlation. x [n,c,h,w] * w [k,c/groups,r,s] → [n,k,oh,ow], oh = ⌊(h + padding − extent) / stride⌋ + 1 with
 *  extent = dilation·(r − 1) + 1. @throws ShapeError when channels differ or the window does not fit. */
export function conv2d(x: Tensor, w: Tensor, options: ConvOptions = {}): Tensor {
  checkedOptions("conv2d", options, CONV_OPTIONS);
  requireRank4("conv2d", x, w);
  return apply(conv2dSpec, [x, w], convAttrs("conv2d", spatial(x), spatial(w), options));
}
export const conv2dSpec: OpSpec<ConvAttrs> = {
  name: "conv2d",
  shape: ([x, w], a) => {
    const [oh, ow] = windowPositions("conv2d", a.image, a.window, a);
    requireGroups("conv2d", w.shape[0], a.groups);
    if (x.shape[1] !== w.shape[1] * a.groups)
      throw new ShapeError(
        `conv2d: x ${describe(x)} has ${x.shape[1]} channels, w ${describe(w)} with groups ${a.groups} expects ${w.shape[1] * a.groups}`,
      );
    return { shape: [x.shape[0], w.shape[0], oh, ow], dtype: "f32" };
  },
  reference: ([x, w], a, y) =>
    forEachTap(x, w, y, a, (i, j, o) => {
      y.data[o] += x.data[i] * w.data[j];
    }),
  launch: (context, attrs) => conv2dCalls(context, attrs),
  sums: (terms) => [
    { inputs: [{ shape: [1, terms >> 3, 3, 3] }, { shape: [5, terms >> 3, 2, 2] }], call: (x, w) => conv2d(x, w) },
    {
      inputs: [{ shape: [1, terms >> 3, 3, 3] }, { shape: [2, terms >> 4, 2, 2] }],
      call: (x, w) => conv2d(x, w, { groups: 2 }),
      note: "groups",
    },
  ],
  vjp: (g, { inputs: [x, w], attrs }) => [
    () => apply(conv2dInputSpec, [g, w], attrs),
    () => apply(conv2dFilterSpec, [x, g], attrs),
  ],
  channels: () => ({ made: 1, weights: 0 }),
  linearIn: [0, 1],
  tolerance: { rtol: 1e-5, atol: 2e-5 },
  samples: () => convSamples(({ x, w, options }) => ({ inputs: [x, w], call: (a, b) => conv2d(a, b, options) })),
  draw: (d) => convDraw(d, ({ x, w, options }) => ({ inputs: [x, w], call: (a, b) => conv2d(a, b, options) })),
  failures: () => refusedConvs((x, w, options) => conv2d(x, w, options)),
};

/** Options of `conv2dInput`: those of the convolution, and what g and w do not tell. */
export interface ConvInputOptions extends ConvOptions {
  /** [h, w] of the image that was convolved. */
  readonly image: readonly [number, number];
}

/** Adjoint of `conv2d` in its image. g [n,k,oh,ow], w [k,c/groups,r,s] → [n,c,h,w] with [h,w] = `image`; the other options
 *  are those of the convolution. @throws ShapeError when g is not the result of that convolution. */
export function conv2dInput(g: Tensor, w: Tensor, options: ConvInputOptions): Tensor {
  checkedOptions("conv2dInput", options, ["image", ...CONV_OPTIONS]);
  requireRank4("conv2dInput", g, w);
  return apply(conv2dInputSpec, [g, w], convAttrs("conv2dInput", options.image, spatial(w), options));
}
export const conv2dInputSpec: OpSpec<ConvAttrs> = {
  name: "conv2dInput",
  shape: ([g, w], a) => {
    requireResult("conv2dInput", g, w.shape[0], a);
    return { shape: [g.shape[0], w.shape[1] * a.groups, ...a.image], dtype: "f32" };
  },
  reference: ([g, w], a, x) =>
    forEachTap(x, w, g, a, (i, j, o) => {
      x.data[i] += g.data[o] * w.data[j];
    }),
  launch: (context, attrs) => conv2dInputCalls(context, attrs),
  sums: (terms) => [
    {
      inputs: [{ shape: [1, terms >> 3, 2, 2] }, { shape: [terms >> 3, 5, 2, 2] }],
      call: (g, w) => conv2dInput(g, w, { image: [3, 3] }),
    },
    {
      inputs: [{ shape: [1, terms >> 3, 2, 2] }, { shape: [terms >> 3, 2, 2, 2] }],
      call: (g, w) => conv2dInput(g, w, { image: [3, 3], groups: 2 }),
      note: "groups",
    },
  ],
  vjp: (c, { inputs: [g, w], attrs }) => [
    () => apply(conv2dSpec, [c, w], attrs),
    () => apply(conv2dFilterSpec, [c, g], attrs),
  ],
  linearIn: [0, 1],
  tolerance: { rtol: 1e-5, atol: 2e-5 },
  samples: () =>
    convSamples(({ g, w, image, options }) => ({
      inputs: [g, w],
      call: (a, b) => conv2dInput(a, b, { ...options, image }),
    })),
  draw: (d) =>
    convDraw(d, ({ g, w, image, options }) => ({
      inputs: [g, w],
      call: (a, b) => conv2dInput(a, b, { ...options, image }),
    })),
  failures: () => [
    {
      inputs: [{ shape: [1, 2, 3, 3] }, { shape: [2, 1, 3, 3] }],
      call: (g, w) => conv2dInput(g, w, { image: [6, 5] }),
      message: /conv2dInput: g f32\[1,2,3,3\] given; this convolution of a 6×5 image gives \[n,2,4,3\]/,
    },
  ],
};

/** Options of `conv2dFilter`: those of the convolution, and what x and g do not tell. */
export interface ConvFilterOptions extends ConvOptions {
  /** [r, s] of the window. */
  readonly window: readonly [number, number];
}

/** Adjoint of `conv2d` in its window. x [n,c,h,w], g [n,k,oh,ow] → [k,c/groups,r,s] with [r,s] = `window`; the other
 *  options are those of the convolution. @throws ShapeError when g is not the result of that convolution. */
export function conv2dFilter(x: Tensor, g: Tensor, options: ConvFilterOptions): Tensor {
  checkedOptions("conv2dFilter", options, ["window", ...CONV_OPTIONS]);
  requireRank4("conv2dFilter", x, g);
  return apply(conv2dFilterSpec, [x, g], convAttrs("conv2dFilter", spatial(x), options.window, options));
}
export const conv2dFilterSpec: OpSpec<ConvAttrs> = {
  name: "conv2dFilter",
  shape: ([x, g], a) => {
    requireResult("conv2dFilter", g, g.shape[1], a);
    requireGroups("conv2dFilter", x.shape[1], a.groups);
    if (x.shape[0] !== g.shape[0])
      throw new ShapeError(`conv2dFilter: x ${describe(x)} and g ${describe(g)} differ in batch; they must agree`);
    return { shape: [g.shape[1], x.shape[1] / a.groups, ...a.window], dtype: "f32" };
  },
  reference: ([x, g], a, w) =>
    forEachTap(x, w, g, a, (i, j, o) => {
      w.data[j] += x.data[i] * g.data[o];
    }),
  launch: (context, attrs) => conv2dFilterCalls(context, attrs),
  sums: (terms) => [
    {
      inputs: [{ shape: [terms >> 9, 2, 9, 9] }, { shape: [terms >> 9, 9, 8, 8] }],
      call: (x, g) => conv2dFilter(x, g, { window: [2, 2] }),
    },
    {
      inputs: [{ shape: [terms >> 3, 2, 2, 2] }, { shape: [terms >> 3, 2, 1, 1] }],
      call: (x, g) => conv2dFilter(x, g, { window: [2, 2], groups: 2 }),
      note: "groups",
    },
  ],
  vjp: (c, { inputs: [x, g], attrs }) => [
    () => apply(conv2dInputSpec, [g, c], attrs),
    () => apply(conv2dSpec, [x, c], attrs),
  ],
  linearIn: [0, 1],
  tolerance: { rtol: 1e-5, atol: 5e-5 },
  samples: () =>
    convSamples(({ x, g, window, options }) => ({
      inputs: [x, g],
      call: (a, b) => conv2dFilter(a, b, { ...options, window }),
    })),
  draw: (d) =>
    convDraw(d, ({ x, g, window, options }) => ({
      inputs: [x, g],
      call: (a, b) => conv2dFilter(a, b, { ...options, window }),
    })),
  failures: () => [
    {
      inputs: [{ shape: [2, 3, 5, 5] }, { shape: [1, 2, 3, 3] }],
      call: (x, g) => conv2dFilter(x, g, { window: [3, 3] }),
      message: /conv2dFilter: x f32\[2,3,5,5\] and g f32\[1,2,3,3\] differ in batch/,
    },
  ],
};

/** Options of `convTranspose2d`: those of the convolution whose adjoint it is. */
export interface ConvTransposeOptions extends ConvOptions {
  /** Rows and columns added at the bottom and right, to choose among the sizes a stride maps to one; default 0. */
  readonly outputPadding?: Pair;
}

/** Transposed convolution: the adjoint of `conv2d` as a layer. x [n,k,h,w], w [k,c/groups,r,s] → [n,c,oh,ow] with
 *  oh = (h − 1)·stride − padding + extent + outputPadding. `padding` "same" is refused: it does not determine a size. */
export function convTranspose2d(x: Tensor, w: Tensor, options: ConvTransposeOptions = {}): Tensor {
  const { outputPadding = 0, ...others } = checkedOptions("convTranspose2d", options, [
    "outputPadding",
    ...CONV_OPTIONS,
  ]);
  requireRank4("convTranspose2d", x, w);
  if (options.padding === "same")
    throw new ShapeError('convTranspose2d: padding "same" does not determine the output size; give numbers');
  const { stride, dilation, padding } = windowAttrs("convTranspose2d", [0, 0], spatial(w), options);
  const extra = pairOf("convTranspose2d", "outputPadding", outputPadding, 0);
  const side = (i: 0 | 1) =>
    (x.shape[2 + i] - 1) * stride[i] +
    extent(w.shape[2 + i], dilation[i]) -
    padding[2 * i] -
    padding[2 * i + 1] +
    extra[i];
  if (extra[0] >= stride[0] || extra[1] >= stride[1])
    throw new ShapeError(`convTranspose2d: outputPadding ${extra} is not smaller than the stride ${stride}; take less`);
  return conv2dInput(x, w, { ...others, image: [side(0), side(1)] });
}

function convAttrs(
  op: string,
  image: readonly [number, number],
  window: readonly [number, number],
  options: ConvOptions,
): ConvAttrs {
  for (const [name, size] of Object.entries({ image, window }))
    if (!isList(size) || size.length !== 2 || !size.every((side) => Number.isInteger(side) && side >= 0))
      throw new ShapeError(`${op}: ${name} is ${shownList(size)}; [height, width] is needed`);
  const groups = options.groups ?? 1;
  if (!Number.isInteger(groups) || groups < 1)
    throw new ShapeError(`${op}: groups is ${shown(groups)}; an integer of at least 1 is needed`);
  return { ...windowAttrs(op, image, window, options), groups, image, window };
}

function spatial({ shape }: TensorSpec): [number, number] {
  return [shape[2], shape[3]];
}

function requireRank4(op: string, a: Tensor, b: Tensor): void {
  requireTensor(op, a);
  requireTensor(op, b);
  if (a.shape.length !== 4 || b.shape.length !== 4 || a.dtype !== "f32" || b.dtype !== "f32")
    throw new ShapeError(
      `${op}: ${describe(a)} and ${describe(b)} given; f32 of rank 4 is needed for both; reshape or cast()`,
    );
}

function requireGroups(op: string, channels: number, groups: number): void {
  if (channels % groups !== 0)
    throw new ShapeError(`${op}: ${channels} channels do not fall into ${groups} groups; groups must divide them`);
}

/** g must be what the convolution described by `a` gives for k channels. */
function requireResult(op: string, g: TensorSpec, k: number, a: ConvAttrs): void {
  const [oh, ow] = windowPositions(op, a.image, a.window, a);
  requireGroups(op, k, a.groups);
  if (g.shape[1] !== k || g.shape[2] !== oh || g.shape[3] !== ow)
    throw new ShapeError(
      `${op}: g ${describe(g)} given; this convolution of a ${a.image[0]}×${a.image[1]} image gives [n,${k},${oh},${ow}]`,
    );
}

/** Visits every product of a convolution with the flat indices of its three tensors: the definition of all three ops. */
function forEachTap(
  x: HostTensor,
  w: HostTensor,
  y: HostTensor,
  { stride, padding: [top, , left], dilation, groups }: ConvAttrs,
  visit: (x: number, w: number, y: number) => void,
): void {
  const [n, c, h, width] = x.shape;
  const [k, cg, r, s] = w.shape;
  const [oh, ow] = y.shape.slice(2);
  const kg = k / groups;
  for (let b = 0; b < n; b++)
    for (let ko = 0; ko < k; ko++)
      for (let oy = 0; oy < oh; oy++)
        for (let ox = 0; ox < ow; ox++)
          for (let ci = 0; ci < cg; ci++)
            for (let dy = 0; dy < r; dy++) {
              const iy = oy * stride[0] + dy * dilation[0] - top;
              if (iy < 0 || iy >= h) continue;
              for (let dx = 0; dx < s; dx++) {
                const ix = ox * stride[1] + dx * dilation[1] - left;
                if (ix < 0 || ix >= width) continue;
                const channel = Math.floor(ko / kg) * cg + ci;
                visit(
                  ((b * c + channel) * h + iy) * width + ix,
                  ((ko * cg + ci) * r + dy) * s + dx,
                  ((b * k + ko) * oh + oy) * ow + ox,
                );
              }
            }
}
