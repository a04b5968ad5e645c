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

/** The nearest IEEE 754 binary16 of a number that is an f32, ties to even; infinite from 65 520 on. */
export function numberToHalf(value: number): number {
  VALUE[0] = value;
  const sign = (BITS[0] >>> 16) & 0x8000;
  const exponent = ((BITS[0] >>> 23) & 255) - 112;
  const fraction = BITS[0] & 0x7fffff;
  if (exponent === 143) return sign | (fraction === 0 ? 0x7c00 : 0x7e00);
  if (exponent >= 31) return sign | 0x7c00;
  if (exponent < -10) return sign;
  // Below the smallest normal number the leading 1 is written out and shifted away.
  const [digits, shift] = exponent > 0 ? [(exponent << 23) | fraction, 13] : [fraction | 0x800000, 14 - exponent];
  const whole = digits >>> shift;
  const rest = digits & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  return sign | (whole + Number(rest > half || (rest === half && whole % 2 === 1)));
}

/** The number that is nearest among those of IEEE 754 binary16. */
export function nearestHalf(value: number): number {
  return halfToNumber(numberToHalf(value));
}

/** Two in a word of 32 bits, the first in its low half; a last one alone has zeros beside it. */
export function packHalves(values: ArrayLike<number>): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(values.length / 2));
  for (let i = 0; i < values.length; i++) words[i >> 1] |= numberToHalf(values[i]) << (16 * (i & 1));
  return words;
}

/** The first `count` numbers in words of two. */
export function unpackHalves(words: Uint32Array, count: number): Float32Array<ArrayBuffer> {
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) values[i] = halfToNumber((words[i >> 1] >>> (16 * (i & 1))) & 0xffff);
  return values;
}

/** The upper half of an IEEE 754 binary32. */
export function bfloatToNumber(bits: number): number {
  BITS[0] = bits << 16;
  return VALUE[0];
}
