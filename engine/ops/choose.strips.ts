/** Strips (shaders/conv2d.strips.wgsl and its adjoints): which groups of channels are cut into them, and how. */
import type { Capabilities } from "../lower.js";
import type { ConvShape, FilterStrips, Plain, StripShape, Strips } from "./choose.js";
import { gpuUnits, smallProduct, threads } from "./cost.js";

/** Strips that keep an adapter busy. */
const stripsWanted = { software: 64 * 16, gpu: gpuUnits * 512 };
/** Strips that an invocation adds up one after the other, for rounding's sake. */
const mostStripsEach = 64;
/** Longest sums of strips over channels: their terms are added one by one, row by row. */
const mostStripTerms = 128;

/** Rows of strips of a plane that is cut into about so many; never so few that most of what is loaded overlaps. */
function stripRows({ height, overlap }: StripShape, cuts: number): number {
  return Math.max(Math.ceil(height / Math.max(1, cuts)), Math.min(height, 8, Math.ceil(2 * overlap)), 1);
}

/** For conv2d, conv2dInput and what is spread from average pools: the planes are those of the result. */
export function chooseStrips(
  { rows, columns, window, strips }: Pick<ConvShape, "rows" | "columns" | "window" | "strips">,
  caps: Capabilities,
): Plain | Strips {
  if (!strips || strips.terms > mostStripTerms || rows * columns * window * strips.terms <= smallProduct)
    return { variant: "plain" };
  const { images, channels, width } = strips;
  const wanted = caps.software ? stripsWanted.software : stripsWanted.gpu;
  return { variant: "strips", rows: stripRows(strips, Math.ceil(wanted / (images * channels * Math.ceil(width / 4)))) };
}

/** For conv2dFilter: the planes are those of the gradient, and each meets `terms` of the image. */
export function chooseFilterStrips(
  { rows: taps, columns, depth, strips: shape }: ConvShape,
  caps: Capabilities,
): Plain | FilterStrips {
  if (!shape || taps * columns * depth <= smallProduct) return { variant: "plain" };
  const { images, channels, height, width, terms } = shape;
  const lanes = caps.software ? 8 : 64;
  const quads = images * Math.ceil(width / 4);
  // Tall enough to be worth the rows that overlap, short enough that every lane has one.
  const rows = Math.min(32, stripRows(shape, Math.ceil(lanes / quads)));
  const strips = quads * Math.ceil(height / rows);
  const forThreads = Math.ceil((caps.software ? 8 * threads : 8 * gpuUnits) / (channels * terms));
  const forRounding = Math.ceil(strips / (lanes * mostStripsEach));
  return {
    variant: "strips",
    rows,
    lanes,
    parts: Math.max(1, Math.min(Math.ceil(strips / lanes), Math.max(forThreads, forRounding))),
  };
}
