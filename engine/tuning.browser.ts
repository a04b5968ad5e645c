/** Browsers keep no table by themselves: a page passes one to `init`, from wherever it keeps it. */
export async function savedTuning(): Promise<undefined> {
  return undefined;
}
