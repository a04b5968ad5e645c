/** Kernel calls of convolutions by the discrete Fourier transform (shaders/lib/fourier.wgsl): planes become spectra, spectra are multiplied point by
 *  point, as matrices over the channels, and the products become planes again. */
import { fourierForwardKernel, fourierInverseKernel } from "../../shaders/gen/kernels.js";
import {
  type Capabilities,
  call,
  channelsOf,
  gridFor,
  type Launch,
  type LaunchContext,
  type Operand,
} from "../lower.js";
import type { ConvShape } from "./choose.js";
import { type Fourier, pointsOf } from "./choose.spectra.js";
import { cheapestProduct, registers } from "./choose.tiles.js";
import type { ConvGeometry } from "./conv.launch.js";
import { chunksOf, pointStep, productCalls, reshaped, spectraOf, summedOver } from "./spectra.js";

type Pair = readonly [number, number];

/** How correlations of images x [n,c,h,w] and windows w [k,c,r,s] with results y [n,k,oh,ow] are transformed: by the smallest side that holds
 *  them. Undefined where there is none, transforms are not wanted, or the spectra of one image or of the windows would not fit a binding. */
export function transformFor(
  x: Pick<Operand, "shape">,
  w: Pick<Operand, "shape">,
  y: Pick<Operand, "shape">,
  { stride, dilation, groups, padding }: ConvGeometry,
  { maxBindingBytes, minimalFiltering = true }: Capabilities,
): ConvShape["transform"] {
  if (!minimalFiltering || [...stride, ...dilation, groups].some((v) => v !== 1)) return undefined;
  const side = ([8, 16] as const).find((side) =>
    [0, 1].every((axis) => {
      const [image, window, result] = [x, w, y].map(({ shape }) => shape[2 + axis]);
      const pad = padding[2 * axis];
      // No two pixels may meet that lie a whole turn apart.
      const [before, after] = [pad + image - 1, result + window - 2 - pad];
      return Math.max(image, window, result, before + 1, after + 1) <= side;
    }),
  );
  if (side === undefined) return undefined;
  const [k, c] = w.shape;
  const most = 4 * pointsOf(side) * pointStep(Math.max(4 * Math.max(c, k), c * k));
  return most <= maxBindingBytes ? { side, images: x.shape[0] } : undefined;
}

export interface Correlation {
  readonly x: Operand;
  /** [k,c,r,s], whatever the direction. */
  readonly w: Operand;
  readonly y: Operand;
  /** Zeros above and left of the image, of the correlation and not of its adjoint; may be negative. */
  readonly pad: Pair;
  /** Whether it is the adjoint in the image: x has the channels k, and y c. */
  readonly flipped: boolean;
}

/** Lines of so many images, filled up to whole vectors: those that no image has are zero. */
const linesOf = (images: number): number => Math.ceil(images / 4) * 4;

/** x [n,c,h,w] * w → y [n,k,oh,ow], stride 1, or its adjoint x [n,k,oh,ow] → y [n,c,h,w]. */
export function fourierCorrelationCalls(
  ctx: LaunchContext,
  { x, w, y, pad, flipped }: Correlation,
  { side, images: most }: Fourier,
): Launch[] {
  const n = x.shape[0];
  const [k, c] = w.shape;
  const chunk = Math.min(n, most);
  const windows = spectraOf(ctx, pointsOf(side), [c, k]);
  // Lines last are loaded as vectors. Gradients of windows want them last but one: then one launch makes the spectra of an image, or of a
  // gradient, for both. Fixed windows have no gradient.
  const linesLast = w.fixed === true;
  const [summed, made] = [x, y].map((t) => t.shape[1]);
  const from = spectraOf(ctx, pointsOf(side), linesLast ? [summed, linesOf(chunk)] : [linesOf(chunk), summed]);
  // The product is made in whichever order costs less; of equal ones in that which uses the kernel of a dense layer's gradient.
  const byChannel = { m: made, n: linesOf(chunk), transA: !flipped, transB: !linesLast };
  const byLine = { m: byChannel.n, n: made, transA: linesLast, transB: flipped };
  const cost = (order: typeof byChannel) =>
    cheapestProduct({ batch: pointsOf(side), depth: summed, ...order }, ctx.caps).cycles;
  const madeLast = cost(byLine) <= cost(byChannel);
  const to = spectraOf(ctx, pointsOf(side), madeLast ? [linesOf(chunk), made] : [made, linesOf(chunk)]);
  return [
    forwardCall(ctx, { planes: w, spectra: windows, side, linesLast: true, conjugate: true }),
    ...chunksOf(n, chunk).flatMap(({ first, images }): Launch[] => {
      const lines = linesOf(images);
      const a = reshaped(from, linesLast ? [summed, lines] : [lines, summed]);
      const b = reshaped(to, madeLast ? [lines, made] : [made, lines]);
      const common = { side, first, images };
      return [
        forwardCall(ctx, { ...common, planes: x, spectra: a, linesLast, conjugate: flipped }),
        ...(madeLast ? productCalls(ctx, a, windows, b, byLine) : productCalls(ctx, windows, a, b, byChannel)),
        inverseCall(ctx, {
          ...{ ...common, planes: y, spectra: b, linesLast: !madeLast, conjugate: flipped },
          shift: flipped ? [-pad[0], -pad[1]] : pad,
        }),
      ];
    }),
  ];
}

/** Adjoint of the correlation in its window: x [n,c,h,w], g [n,k,oh,ow] → y [k,c,r,s]. */
export function fourierWindowGradientCalls(
  ctx: LaunchContext,
  { x, g, y, pad }: { readonly x: Operand; readonly g: Operand; readonly y: Operand; readonly pad: Pair },
  { side, images: most }: Fourier,
): Launch[] {
  const n = g.shape[0];
  const [k, c] = y.shape;
  const chunk = Math.min(n, most);
  const [image, gradient] = [c, k].map((channels) => spectraOf(ctx, pointsOf(side), [linesOf(chunk), channels]));
  const product = spectraOf(ctx, pointsOf(side), [c, k]);
  return summedOver(ctx, y, chunksOf(n, chunk), ({ first, images }, parts, firstWindow) => {
    const [a, b] = [image, gradient].map((t): Operand => reshaped(t, [linesOf(images), t.shape[2]]));
    const common = { side, first, images, linesLast: false };
    return [
      forwardCall(ctx, { ...common, planes: x, spectra: a, conjugate: false }),
      forwardCall(ctx, { ...common, planes: g, spectra: b, conjugate: true }),
      ...productCalls(ctx, a, b, product),
      inverseCall(ctx, {
        ...{ planes: parts, spectra: product, side, first: firstWindow, images: k, linesLast: true, conjugate: false },
        shift: pad,
      }),
    ];
  });
}

interface Transform {
  /** [images, channels, height, width]. */
  readonly planes: Operand;
  /** [points, channels, lines], or [points, lines, channels]. */
  readonly spectra: Operand;
  readonly linesLast: boolean;
  readonly side: Fourier["side"];
  readonly conjugate: boolean;
  /** Of the planes; all where not given. */
  readonly first?: number;
  readonly images?: number;
}

function forwardCall({ caps }: LaunchContext, of: Transform): Launch {
  return call(fourierForwardKernel, {
    bind: { x: of.planes, spectra: of.spectra },
    spec: { EIGHT: of.side === 8, QUADS: byQuads(caps, of) },
    params: paramsOf(of),
    grid: gridFor(fourierForwardKernel, planesIn(of), caps.maxWorkgroupsPerDimension),
  });
}

/** `shift`: from the position of a pixel to its place in the plane. */
function inverseCall({ caps }: LaunchContext, of: Transform & { readonly shift: Pair }): Launch {
  return call(fourierInverseKernel, {
    bind: { spectra: of.spectra, y: of.planes },
    spec: { EIGHT: of.side === 8, QUADS: byQuads(caps, of) },
    params: paramsOf(of, of.shift),
    channels: channelsOf(of.planes),
    grid: gridFor(fourierInverseKernel, planesIn(of), caps.maxWorkgroupsPerDimension),
  });
}

const byQuads = (caps: Capabilities, of: Transform): boolean =>
  caps.subgroups && registers(caps) && planesIn(of) % 4 === 0;

const planesIn = ({ spectra: { shape } }: Transform): number => shape[1] * shape[2];

function paramsOf({ planes, spectra, linesLast, side, conjugate, first = 0, images }: Transform, shift: Pair = [0, 0]) {
  const [all, channels, height, width] = planes.shape;
  const [, rows, columns] = spectra.shape;
  return {
    ...{ count: rows * columns, lines: linesLast ? columns : rows, channels },
    ...{ first_image: first, images: images ?? all, height, width, top: shift[0], left: shift[1] },
    ...{ pairs: Math.ceil(height / 2), half: side / 2, sign: conjugate ? -1 : 1 },
    ...{ lines_last: linesLast ? 1 : 0, point_step: spectra.strides[0] },
  };
}
