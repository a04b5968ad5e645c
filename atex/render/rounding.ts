/** Attacked images as the bytes of a file. */

/**
 * The bytes of an attacked image, each rounded towards the clean one, so that the file keeps the attack's budget:
 * |byte / 255 - clean| ≤ |attacked - clean| wherever the clean value is a byte / 255 itself, in float32 and in float64. Both in
 * [0,1], of one length. Where a clean value is no byte (an image of 16 bits, or resized), there may be none between the two;
 * then the one nearest to the clean value is taken, at most 1/510 from it.
 * @throws RangeError for different lengths, or for values that are NaN or outside [0,1].
 */
export function roundedTowards(clean: ArrayLike<number>, attacked: ArrayLike<number>): Uint8Array {
  if (clean.length !== attacked.length) {
    throw new RangeError(
      `roundedTowards: ${clean.length} clean and ${attacked.length} attacked values; as many of both are needed`,
    );
  }
  return Uint8Array.from(clean, (from, i) => {
    const to = attacked[i];
    if (!(from >= 0 && from <= 1 && to >= 0 && to <= 1)) {
      throw new RangeError(
        `roundedTowards: value ${i} is ${from} in the clean and ${to} in the attacked image; bytes are made of values in [0, 1]`,
      );
    }
    const allowed = Math.abs(to - from);
    const keeps = (byte: number): boolean =>
      Math.abs(byte / 255 - from) <= allowed && Math.abs(Math.fround(byte / 255) - from) <= allowed;
    const home = Math.round(255 * from);
    let byte = Math.round(255 * to);
    while (byte !== home && !keeps(byte)) byte += Math.sign(home - byte);
    return byte;
  });
}
