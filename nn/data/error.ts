/** A file or an image that cannot be used. The message is one sentence: what came; what is needed; what to do. */
export class DataError extends Error {
  override readonly name = "DataError";
}
