/** Resizing images: sums of few elements along each side, gathered, so that derivatives of every order come with `gather` and no
 *  infinity or NaN gets further than its neighbours. */

import { describe, ShapeError } from "../errors.js";
import { requireTensor } from "../kinds.js";
import { checkedOptions, isList, shown, shownList } from "../options.js";
import { normaliseAxis } from "../shape.js";
import { type Tensor, tensor } from "../tensor.js";
import { add, mul } from "./arithmetic.js";
import { zeros } from "./create.js";
import { gather } from "./gather.js";

/** Options of `resize2d`. */
export interface ResizeOptions {
  /** "bilinear" (default) or "nearest". */
  readonly mode?: "bilinear" | "nearest";
}

/** Images of another size: x [n,c,h,w] → [n,c,oh,ow]. Conventions of PyTorch's `interpolate`: bilinear has pixel centres at
 *  half integers (align_corners = False, no antialiasing), so output i looks at (i + ½)·h/oh − ½, clamped to the image;
 *  nearest takes pixel ⌊i·h/oh⌋. @throws ShapeError for an empty image or size. */
export function resize2d(x: Tensor, size: readonly [number, number], options: ResizeOptions = {}): Tensor {
  const { mode = "bilinear" } = checkedOptions("resize2d", options, ["mode"]);
  requireTensor("resize2d", x);
  const [h, w] = x.shape.slice(-2);
  if (x.rank !== 4 || x.dtype !== "f32" || h < 1 || w < 1)
    throw new ShapeError(`resize2d: ${describe(x)} given; f32 [n,c,h,w] with at least one pixel is needed`);
  if (mode !== "bilinear" && mode !== "nearest")
    throw new ShapeError(`resize2d: mode is ${shown(mode)}; "bilinear" or "nearest" is needed`);
  if (!isList(size) || size.length !== 2 || !size.every((s) => Number.isInteger(s) && s >= 1))
    throw new ShapeError(`resize2d: size is ${shownList(size)}; [height, width], integers of at least 1, are needed`);
  const taps = mode === "bilinear" ? bilinear : nearest;
  const rows = size[0] === h ? x : resample(x, 2, taps(h, size[0]));
  return size[1] === w ? rows : resample(rows, 3, taps(w, size[1]));
}

/** The elements along an axis that each output is made of, with their weights. */
export type Taps = readonly (readonly (readonly [position: number, weight: number])[])[];

/** Weighted sums of few elements along `axis`: output i is Σ weight · x[position] over `taps[i]`, and nothing else of x gets into it.
 *  x [...,n,...] f32 → [...,taps.length,...]. @throws ShapeError for a position outside. */
export function resample(x: Tensor, axis: number, taps: Taps): Tensor {
  const at = normaliseAxis("resample", axis, x);
  if (!isList(taps) || !taps.every((tap) => isList(tap) && tap.every((one) => isList(one))))
    throw new TypeError(
      `resample: taps are ${shownList(taps)}; a list of lists of [position, weight] is needed, one list for each output`,
    );
  for (const tap of taps)
    for (const [position, weight] of tap)
      if (!Number.isInteger(position) || position < 0 || position >= x.shape[at] || !Number.isFinite(weight))
        throw new ShapeError(
          `resample: a tap of position ${shown(position)} with weight ${shown(weight)} along axis ${at} of ${describe(x)}; ` +
            "a position inside and a finite weight are needed",
        );
  const most = taps.reduce((n, tap) => Math.max(n, tap.length), 0);
  const side = [taps.length, ...x.shape.slice(at + 1).map(() => 1)];
  const terms = Array.from({ length: most }, (_, k) => {
    // Outside the axis, `gather` reads 0.
    const picked = gather(x, tensor(Int32Array.from(taps, (tap) => tap[k]?.[0] ?? -1)), at);
    const weights = Float64Array.from(taps, (tap) => tap[k]?.[1] ?? 0);
    return weights.every((weight) => weight === 1) ? picked : mul(picked, tensor(weights, side));
  });
  if (most === 0) return zeros([...x.shape.slice(0, at), taps.length, ...x.shape.slice(at + 1)]);
  return terms.reduce(add);
}

function bilinear(from: number, to: number): Taps {
  return Array.from({ length: to }, (_, i) => {
    const centre = Math.max(((i + 0.5) * from) / to - 0.5, 0);
    const left = Math.min(Math.floor(centre), from - 1);
    return [
      [left, 1 - (centre - left)],
      [Math.min(left + 1, from - 1), centre - left],
    ] as const;
  });
}

function nearest(from: number, to: number): Taps {
  return Array.from({ length: to }, (_, i) => [[Math.floor((i * from) / to), 1]] as const);
}
