/**
 * What all long calls have in common: they report progress, end when a signal says so, and do their work in pieces between which
 * everybody else has a turn: timers, clicks, other calls.
 */
import { executor, hasExecutor } from "./executor.js";
import { requireFunction, shown } from "./options.js";
import { openScope } from "./scope.js";

/** What is used of an AbortSignal; described here, so that the types need neither those of a browser nor of Node. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason: unknown;
  throwIfAborted(): void;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** The options of every long call. */
export interface LongOptions<P> {
  /** Ends the call: it rejects with the signal's reason, and leaves no tensor behind. Work that the GPU has already is done to its end. */
  readonly signal?: AbortSignalLike;
  /** Called between pieces of the work. What it throws ends the call. */
  readonly onProgress?: (progress: P) => void;
}

/** How far a long call is. */
export interface Done {
  readonly done: number;
  readonly total: number;
}

/** After so long without a turn for others there is one: a frame at 60 Hz takes 17 ms. */
const PIECE_MS = 12;

/** @throws TypeError for options of long calls that are none. */
export function checkLongOptions(op: string, { signal, onProgress }: LongOptions<never>): void {
  if (onProgress !== undefined) requireFunction(`${op}: onProgress`, onProgress, "(progress) => console.log(progress)");
  if (signal !== undefined && !(typeof signal?.throwIfAborted === "function" && typeof signal.aborted === "boolean"))
    throw new TypeError(
      `${op}: signal is ${shown(signal)}; an AbortSignal is needed, like new AbortController().signal`,
    );
}

/** The turns of one long call. */
export class Turns<P = Done> {
  readonly #signal: AbortSignalLike | undefined;
  readonly #onProgress: ((progress: P) => void) | undefined;
  #since = performance.now();
  #caughtUp: Promise<unknown> | undefined;

  /** @throws the signal's reason when it is aborted already, TypeError for wrong options. */
  constructor(op: string, options: LongOptions<P>) {
    checkLongOptions(op, options);
    this.#signal = options.signal;
    this.#onProgress = options.onProgress;
    this.#signal?.throwIfAborted();
  }

  /** Between two pieces: tells progress, and lets others have their turn where that is due. The host stays at most two turns ahead of
   *  the GPU, so that progress means something. @throws the signal's reason once it is aborted. */
  async next(progress?: P): Promise<void> {
    this.tell(progress);
    if (performance.now() - this.#since < PIECE_MS) return;
    await this.#caughtUp;
    this.#caughtUp = hasExecutor() ? executor().caughtUp?.() : undefined;
    // Whoever throws before it is awaited has no use for what it comes to.
    this.#caughtUp?.catch(() => {});
    await others();
    this.#since = performance.now();
    this.#signal?.throwIfAborted();
  }

  /** Tells progress, in code that cannot wait. @throws the signal's reason once it is aborted. */
  tell(progress?: P): void {
    this.#signal?.throwIfAborted();
    if (progress !== undefined) this.#onProgress?.(progress);
    this.#signal?.throwIfAborted();
  }
}

/** Everybody else's turn. A timer comes late in browsers, by 4 ms, so that it is the last choice. */
export function others(): Promise<void> {
  const { setImmediate, scheduler } = globalThis as {
    setImmediate?: (body: () => void) => unknown;
    scheduler?: { yield?: () => Promise<void> };
  };
  if (scheduler?.yield) return scheduler.yield();
  return new Promise((resolve) => void (setImmediate ? setImmediate(resolve) : setTimeout(resolve)));
}

/** A stop between two pieces of a computation, which is written as a generator. */
export interface Piece extends Done {
  /** What can be done without holding anybody up before the next piece: compiling its kernels. */
  readonly ahead?: () => Promise<unknown>;
}

/** Does all pieces at once. */
export function atOnce<T>(pieces: Generator<Piece, T, void>): T {
  for (;;) {
    const piece = pieces.next();
    if (piece.done) return piece.value;
  }
}

/** Does the pieces with turns for others in between. The tensors of the result belong to the scope of the call. */
export async function inTurns<T>(
  op: string,
  pieces: Generator<Piece, T, void>,
  options: LongOptions<Done>,
): Promise<T> {
  const own = openScope(op);
  try {
    const turns = new Turns(op, options);
    for (;;) {
      const piece = pieces.next();
      if (piece.done) return own.pass(piece.value);
      const { done, total, ahead } = piece.value;
      if (ahead) await own.wait(ahead());
      await own.wait(turns.next({ done, total }));
    }
  } finally {
    // Lets the pieces free what they hold.
    pieces.return(undefined as T);
    own.close();
  }
}
