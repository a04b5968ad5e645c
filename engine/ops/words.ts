/** Movement looks at no values: its kernels see every element as 32 bits, whatever the dtype. */
import type { DType, Operand } from "../lower.js";

export function asWords(x: Operand): Operand {
  return { ...x, dtype: "u32" };
}

/** The bits of one element. */
export function wordOf(value: number, dtype: DType): number {
  return dtype === "f32" ? new Uint32Array(new Float32Array([value]).buffer)[0] : value >>> 0;
}
