/** What an explainer throws that cannot explain a network, samples or data of a kind: one sentence, with what to do about it. An audit, a sanity
 *  suite and a study of a manipulation tell it (`refused`) and go on. Any other TypeError is a wrong call, and ends them. */
export class RefusalError extends TypeError {
  override name = "RefusalError";
}
