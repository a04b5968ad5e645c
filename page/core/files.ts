/** Files that were dropped. */
import { readImage, resizeImage } from "holdfast/nn";
import { SIDE } from "./settings.js";

/** A PNG or JPEG file as bytes of a grey picture of the page's size. @throws DataError for other files. */
export async function pixelsOfFile(bytes: Uint8Array): Promise<Uint8Array> {
  const image = await readImage(bytes, 1);
  const { data } = resizeImage(image, [SIDE, SIDE]);
  return Uint8Array.from(data, (value) => Math.round(255 * value));
}
