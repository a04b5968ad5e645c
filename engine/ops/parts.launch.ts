/** The call that ends a reduction split into parts. */
import { sumPartsKernel } from "../../shaders/gen/kernels.js";
import { call, gridFor, type Launch, type LaunchContext, type Operand } from "../lower.js";
import { sizeOf } from "../shape.js";

/** Whether a kernel of tiles adds so many terms that it does so in blocks: not worth its memory for shorter sums. */
export function isLong(terms: number): boolean {
  return terms > 1024;
}

/** y = Σ over the first axis of `partial` [parts, size of y]. */
export function sumPartsCall(partial: Operand, y: Operand, parts: number, limit: number): Launch {
  const count = sizeOf(y.shape);
  return call(sumPartsKernel, {
    bind: { x: partial, y },
    params: { count, parts },
    grid: gridFor(sumPartsKernel, count, limit),
  });
}

/** Where workgroup tiles put aside what long sums have come to: four numbers of eight rows for each of side² invocations. */
export function sumsOf(ctx: LaunchContext, tiles: number, side: number): Operand {
  return ctx.temp([tiles, 32 * side * side]);
}
