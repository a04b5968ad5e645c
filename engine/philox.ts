/** Philox 4x32-10 on the host. Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011, section 4.3. */

/** Four random words from a counter of four words and a key of two: a bijection of the counter for every key. */
export function philox(counter: readonly number[], key: readonly number[]): [number, number, number, number] {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const high0 = mulHigh(0xd2511f53, c0);
    const high1 = mulHigh(0xcd9e8d57, c2);
    [c0, c1, c2, c3] = [high1 ^ c1 ^ k0, Math.imul(0xcd9e8d57, c2), high0 ^ c3 ^ k1, Math.imul(0xd2511f53, c0)];
    k0 = (k0 + 0x9e3779b9) | 0;
    k1 = (k1 + 0xbb67ae85) | 0;
  }
  return [c0 >>> 0, c1 >>> 0, c2 >>> 0, c3 >>> 0];
}

/** The upper 32 bits of the 64-bit product of two words. */
export function mulHigh(a: number, b: number): number {
  const [al, ah, bl, bh] = [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16];
  const middle = ah * bl + Math.floor((al * bl) / 65536);
  const other = al * bh + (middle % 65536);
  return ah * bh + Math.floor(middle / 65536) + Math.floor(other / 65536);
}
