/** The call that ends a reduction split into parts. */
import { sumPartsKernel } from "../../shaders/gen/kernels.js";
import { call, gridFor, type Launch, type Operand } from "../lower.js";
import { sizeOf } from "../shape.js";

/** y = Σ over the first axis of `partial` [parts, size of y]. */
export function sumPartsCall(partial: Operand, y: Operand, parts: number, limit: number): Launch {
  const count = sizeOf(y.shape);
  return call(sumPartsKernel, {
    bind: { x: partial, y },
    params: { count, parts },
    grid: gridFor(sumPartsKernel, count, limit),
  });
}
