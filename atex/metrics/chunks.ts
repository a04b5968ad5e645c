import { random, type Tensor } from "../../engine/index.js";

export interface SampleOptions {
  /** Random draws per image; default 50. */
  readonly samples?: number;
  readonly key: Tensor;
  /** Draws evaluated at once; default 10. More is faster until memory runs out. */
  readonly chunk?: number;
}

/** The draws in pieces of at most `chunk`, each with a key of its own. @throws RangeError for fewer than one draw. */
export function chunks(name: string, options: SampleOptions): () => { readonly count: number; readonly key: Tensor }[] {
  const { samples = 50, chunk = 10, key } = options;
  if (!Number.isInteger(samples) || samples < 1 || !Number.isInteger(chunk) || chunk < 1)
    throw new RangeError(`${name}: samples ${samples}, chunk ${chunk} given; integers of at least 1 are needed`);
  const counts = Array.from({ length: Math.ceil(samples / chunk) }, (_, i) => Math.min(chunk, samples - i * chunk));
  return () => {
    const keys = random.split(key, counts.length);
    return counts.map((count, i) => ({ count, key: keys[i] }));
  };
}
