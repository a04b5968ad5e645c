/** Bytes 0 to 255 as numbers in [0,1]. */
export function unitPixels(bytes: Uint8Array): Float32Array {
  const values = new Float32Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) values[i] = bytes[i] / 255;
  return values;
}
