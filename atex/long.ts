/** Cancelling what is made of many calls. */
import type { AbortSignalLike } from "../engine/index.js";

interface World {
  /** Told what goes on. */
  readonly say: (text: string) => void;
  /** Ends training and searches early. */
  readonly stop?: { readonly aborted: boolean };
}

/** A world whose work ends with the signal: where it says what it does it throws the reason, and what can be ended early is. */
export function watchedWorld<W extends World>(world: W, signal: AbortSignalLike | undefined): W {
  if (!signal) return world;
  return {
    ...world,
    say(text: string): void {
      signal.throwIfAborted();
      world.say(text);
      signal.throwIfAborted();
    },
    stop: {
      get aborted(): boolean {
        return signal.aborted || (world.stop?.aborted ?? false);
      },
    },
  };
}
