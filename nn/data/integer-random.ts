/** Numbers for drawing test data. Integer arithmetic only, so the sequence is the same on every machine. */
export interface Draw {
  /** 32 random bits. */
  bits(): number;
  /** An integer in [0, bound). */
  below(bound: number): number;
  /** A number in [low, high). */
  between(low: number, high: number): number;
  /** Nearly normal, mean 0, deviation 1, within ±3.5: the sum of four bytes. */
  bell(): number;
}

/** Variance of the sum of four uniform bytes: 4 (256² - 1) / 12. */
const BELL_DEVIATION = Math.sqrt((4 * (256 * 256 - 1)) / 12);

/**
 * A generator for the given coordinates: a Weyl sequence under a 32-bit finaliser with full avalanche.
 * Source: Steele, Lea, Flood 2014 (SplitMix); constants of the finaliser: Wellons 2018, "lowbias32".
 */
export function drawFrom(...coordinates: number[]): Draw {
  let state = coordinates.reduce((hash, value) => mix(hash ^ mix(value + 0x9e3779b9)), 0x6a09e667);
  const bits = () => {
    state = (state + 0x9e3779b9) | 0;
    return mix(state);
  };
  const unit = () => bits() / 2 ** 32;
  return {
    bits,
    below: (bound) => Math.floor(unit() * bound),
    between: (low, high) => low + (high - low) * unit(),
    bell: () => {
      const b = bits();
      return ((b & 255) + ((b >>> 8) & 255) + ((b >>> 16) & 255) + (b >>> 24) - 510) / BELL_DEVIATION;
    },
  };
}

function mix(value: number): number {
  let x = value | 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}
