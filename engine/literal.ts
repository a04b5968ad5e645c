import type { DType } from "./lower.js";

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** A JavaScript number as a WGSL expression of exactly this value. Infinities, NaN, -0 and subnormals go through
 *  `fromBits` of shaders/lib/scalar.wgsl, because WGSL refuses constants that overflow and may fold the others away. */
export function literal(value: number, dtype: DType = "f32"): string {
  if (dtype === "u32") return `${value >>> 0}u`;
  if (dtype === "i32") {
    const v = value | 0;
    return v === -2147483648 ? "(-2147483647i - 1i)" : v < 0 ? `(${v}i)` : `${v}i`;
  }
  float[0] = value;
  const magnitude = bits[0] & 0x7fffffff;
  if (magnitude >= 0x7f800000 || (magnitude < 0x00800000 && bits[0] !== 0)) return `fromBits(${bits[0]}u)`;
  return float[0] < 0 ? `(${float[0]}f)` : `${float[0]}f`;
}
