/** Whether an error is what explainers throw for networks and samples that are not theirs, and not a fault of this library. */
export function isRefusal(error: unknown): error is Error {
  const kind = error instanceof RangeError || error instanceof TypeError || (error as Error)?.name === "ShapeError";
  return kind && !(error as Error).message.startsWith("internal");
}
