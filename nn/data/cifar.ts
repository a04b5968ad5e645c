/** The binary format of CIFAR-10: records of a label and 3x32x32 bytes, red, green and blue. Source: Krizhevsky 2009, and the note
 *  that comes with the files. */
import type { Split } from "./dataset.js";
import { DataError } from "./error.js";

export const CIFAR_SHAPE = [3, 32, 32] as const;
const PIXELS = 3 * 32 * 32;
const RECORD = 1 + PIXELS;

/** Reads files of records, one after the other. @throws DataError for a file that is not whole records, or a label beyond `classes`. */
export function readCifar(
  files: readonly { readonly name: string; readonly bytes: Uint8Array }[],
  classes = 10,
): Split {
  const counts = files.map(({ name, bytes }) => {
    if (bytes.length === 0 || bytes.length % RECORD !== 0)
      throw new DataError(
        `${name}: ${bytes.length} bytes; whole records of ${RECORD} bytes are needed; fetch the file again`,
      );
    return bytes.length / RECORD;
  });
  const total = counts.reduce((sum, count) => sum + count, 0);
  const samples = new Uint8Array(total * PIXELS);
  const labels = new Uint8Array(total);
  let at = 0;
  for (const [f, { name, bytes }] of files.entries())
    for (let record = 0; record < counts[f]; record++, at++) {
      const start = record * RECORD;
      labels[at] = bytes[start];
      if (labels[at] >= classes)
        throw new DataError(
          `${name}: record ${record} has the label ${labels[at]}; labels of 0 to ${classes - 1} are needed`,
        );
      samples.set(bytes.subarray(start + 1, start + RECORD), at * PIXELS);
    }
  return { shape: [...CIFAR_SHAPE], samples, labels };
}
