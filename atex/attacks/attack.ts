/** An attack is a configuration that is applied to data: at once, or with turns for others. */
import { type Done, type LongOptions, scope } from "../../engine/index.js";
import { atOnce, inTurns, type Piece } from "../../engine/turns.js";

/** A configured attack: given a target T (network, samples, key) it makes the result R. The same target gives the same bits,
 *  whichever of the two ways it is applied. */
export interface Attack<T, R> {
  /** Attacks at once: nothing else has a turn until all steps are on their way to the GPU. Inside a captured step it becomes part of it. */
  (target: T): R;
  /** Attacks step by step with turns for others, to the same bits; kernels are compiled beside. `onProgress` counts steps over all starts.
   *  @throws the reason of `signal`, with nothing left behind. */
  inTurns(target: T, options?: LongOptions<Done>): Promise<R>;
}

/** `pieces` checks the target at once, and is then run one way or the other. */
export function attackOf<T, R>(name: string, pieces: (target: T) => Generator<Piece, R, void>): Attack<T, R> {
  return Object.assign((target: T) => scope(() => atOnce(pieces(target)), "attack"), {
    inTurns: async (target: T, options: LongOptions<Done> = {}) => inTurns(name, pieces(target), options),
  });
}
