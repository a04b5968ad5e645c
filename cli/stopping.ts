/** Being asked to stop: by Ctrl-C (SIGINT), and by SIGTERM, which Slurm, Kubernetes and `timeout` send before they kill. */

/** The exit status that says which of them ended a command: 128 and the signal's number, as shells have it. */
export const STOPPED = { SIGINT: 130, SIGTERM: 143 } as const;
type StopSignal = keyof typeof STOPPED;
const SIGNALS = Object.keys(STOPPED) as StopSignal[];

export interface Stopping {
  /** Aborted when the command is to save what it has and end. */
  readonly signal: AbortSignal;
  /** What the command then ends with; undefined where nobody has asked. */
  readonly status: number | undefined;
}

/** From now on a first signal asks the command to stop, and tells the user so by `say`; a second one ends it in the usual way. */
export function stopOnSignals(say: () => void): Stopping {
  const stop = new AbortController();
  let status: number | undefined;
  const asked = (signal: StopSignal): void => {
    for (const name of SIGNALS) process.removeListener(name, asked);
    status = STOPPED[signal];
    say();
    stop.abort(new Stopped(signal));
  };
  process.removeListener("SIGTERM", endAtOnce);
  for (const name of SIGNALS) process.on(name, asked);
  return {
    signal: stop.signal,
    get status() {
      return status;
    },
  };
}

/** What is thrown where work is given up on the way because of a signal. */
export class Stopped extends Error {
  override readonly name = "Stopped";
  readonly status: number;

  constructor(signal: StopSignal) {
    super(`stopped by ${signal}`);
    this.status = STOPPED[signal];
  }
}

function endAtOnce(): void {
  console.error("holdfast: stopped by SIGTERM; files that are there are whole");
  process.exit(STOPPED.SIGTERM);
}

/** For commands, and parts of commands, that have nothing to save: the signal ends them at once by itself, also in the middle of a long
 *  computation, which no handler would interrupt. The first process of a container, though, is not ended by what it does not handle. */
export function endOnSigterm(): void {
  if (process.pid === 1) process.once("SIGTERM", endAtOnce);
}
