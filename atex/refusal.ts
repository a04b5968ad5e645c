/** What an explainer throws that cannot explain a network, samples or data of a kind: one sentence, with what to do about it. An audit, a sanity
 *  suite and a study of a manipulation tell it (`refused`) and go on. Any other TypeError is a wrong call, and ends them. */
export class RefusalError extends TypeError {
  override name = "RefusalError";
}

/** Whether an error says that something cannot be had for the network, samples or settings at hand: a refusal, or values and shapes that do
 *  not fit. A plain TypeError is none: arguments of the wrong kind are a mistake of whoever called. */
export function isRefusal(error: unknown): error is Error {
  const kind = error instanceof RefusalError || error instanceof RangeError || (error as Error)?.name === "ShapeError";
  return kind && !(error as Error).message.startsWith("internal");
}
