/** Resizing images: two products with small constant matrices, so derivatives of every order come with `matmul`. */
import { describe, ShapeError } from "../errors.js";
import { type Tensor, tensor } from "../tensor.js";
import { matmul } from "./matmul.js";

export interface ResizeOptions {
  /** "bilinear" (default) or "nearest". */
  readonly mode?: "bilinear" | "nearest";
}

/** Images of another size: x [n,c,h,w] → [n,c,oh,ow]. Conventions of PyTorch's `interpolate`: bilinear has pixel centres at
 *  half integers (align_corners = False, no antialiasing), so output i looks at (i + ½)·h/oh − ½, clamped to the image;
 *  nearest takes pixel ⌊i·h/oh⌋. @throws ShapeError for an empty image or size. */
export function resize2d(
  x: Tensor,
  size: readonly [number, number],
  { mode = "bilinear" }: ResizeOptions = {},
): Tensor {
  const [h, w] = x.shape.slice(-2);
  if (x.rank !== 4 || x.dtype !== "f32" || h < 1 || w < 1)
    throw new ShapeError(`resize2d: ${describe(x)} given; f32 [n,c,h,w] with at least one pixel is needed`);
  if (mode !== "bilinear" && mode !== "nearest")
    throw new ShapeError(`resize2d: mode is "${mode}"; "bilinear" or "nearest" is needed`);
  if (!size.every((s) => Number.isInteger(s) && s >= 1))
    throw new ShapeError(`resize2d: size is [${size}]; integers of at least 1 are needed`);
  const weights = mode === "bilinear" ? bilinear : nearest;
  const rows = size[0] === h ? x : matmul(weights(h, size[0]), x);
  return size[1] === w ? rows : matmul(rows, weights(w, size[1]), { transposeB: true });
}

/** [to, from]: row i holds the weights of the pixels output i is made of. */
function bilinear(from: number, to: number): Tensor {
  const out = new Float64Array(to * from);
  for (let i = 0; i < to; i++) {
    const centre = Math.max(((i + 0.5) * from) / to - 0.5, 0);
    const left = Math.min(Math.floor(centre), from - 1);
    const right = Math.min(left + 1, from - 1);
    out[i * from + left] += 1 - (centre - left);
    out[i * from + right] += centre - left;
  }
  return tensor(out, [to, from]);
}

function nearest(from: number, to: number): Tensor {
  const out = new Float64Array(to * from);
  for (let i = 0; i < to; i++) out[i * from + Math.floor((i * from) / to)] = 1;
  return tensor(out, [to, from]);
}
