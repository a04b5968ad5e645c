import { printable } from "../printable.js";

/** What files say may be of any length. */
const LONGEST = 600;

/** A file or an image that cannot be used. The message is one sentence: what came; what is needed; what to do. It is one line without
 *  control characters, of at most 600 characters, whatever the file says. */
export class DataError extends Error {
  override readonly name = "DataError";

  constructor(message: string, options?: ErrorOptions) {
    super(printable(message, LONGEST), options);
  }
}
