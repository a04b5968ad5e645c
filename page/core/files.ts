/** Files that were dropped. */
import { readCsv, readImage, resizeImage } from "holdfast/nn";
import { SIDE } from "./settings.js";

/** The names of the columns of a table. @throws DataError for other files. */
export function columnsOfFile(csv: string, name: string): readonly string[] {
  return readCsv(csv, { what: name }).columns;
}

/** A PNG or JPEG file as bytes of a grey picture of the page's size. @throws DataError for other files. */
export async function pixelsOfFile(bytes: Uint8Array): Promise<Uint8Array> {
  const image = await readImage(bytes, 1);
  const { data } = resizeImage(image, [SIDE, SIDE]);
  return Uint8Array.from(data, (value) => Math.round(255 * value));
}
