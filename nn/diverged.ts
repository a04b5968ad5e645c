/** Training came to numbers that are not finite, from which there is no way back. The message is one sentence. */
export class DivergedError extends Error {
  override readonly name = "DivergedError";
}
