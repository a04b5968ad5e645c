import type { DType } from "./lower.js";

/** A JavaScript number as a WGSL expression. Infinities and NaN go through functions of shaders/lib/scalar.wgsl, because
 *  WGSL refuses constants that overflow. */
export function literal(value: number, dtype: DType = "f32"): string {
  if (dtype === "u32") return `${value >>> 0}u`;
  if (dtype === "i32") return value === -2147483648 ? "i32(-2147483648)" : `i32(${value | 0})`;
  const v = Math.fround(value);
  if (Number.isNaN(v)) return "nan_f32()";
  if (!Number.isFinite(v)) return v > 0 ? "inf_f32()" : "(-inf_f32())";
  if (Object.is(v, -0)) return "(-0f)";
  return v < 0 ? `(${v}f)` : `${v}f`;
}
