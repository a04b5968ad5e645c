/** Floats of 16 bits as numbers. */

/** IEEE 754 binary16. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const BITS = new Uint32Array(1);
const VALUE = new Float32Array(BITS.buffer);

/** The upper half of an IEEE 754 binary32. */
export function bfloatToNumber(bits: number): number {
  BITS[0] = bits << 16;
  return VALUE[0];
}
