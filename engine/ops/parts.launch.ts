/** The call that ends a reduction split into parts. */
import { gridFor, type KernelCall, type Operand } from "../lower.js";
import { sizeOf } from "../shape.js";

/** y = Σ over the first axis of `partial` [parts, size of y]. */
export function sumPartsCall(partial: Operand, y: Operand, parts: number, limit: number): KernelCall {
  const count = sizeOf(y.shape);
  return {
    kernel: "sumParts",
    bind: { x: partial, y },
    params: { count, parts },
    grid: gridFor("sumParts", count, limit),
  };
}
