/** Further processes that take cells from the same source. Two of them use two cores of a software adapter better than one, which
 *  leaves them idle wherever a launch is too small for both. */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Cell } from "../../atex/experiments/index.js";
import type { CellSource } from "./doCells.js";
import type { Assignment, Notice, Order } from "./worker.js";

export class Helpers implements Disposable {
  readonly #processes: readonly ChildProcess[];
  /** When all have ended. */
  readonly finished: Promise<unknown>;

  constructor(count: number, assignment: Assignment, source: CellSource) {
    this.#processes = Array.from({ length: count }, () =>
      // Drivers write warnings to standard error, of which one process's are enough.
      fork(fileURLToPath(new URL("./worker.js", import.meta.url)), [], {
        stdio: ["ignore", "ignore", "ignore", "ipc"],
      }),
    );
    this.finished = Promise.all(this.#processes.map((process) => serve(process, assignment, source)));
  }

  /** Asks all to end; each hands back the cell that it works on. */
  stop(): void {
    for (const process of this.#processes) process.kill();
  }

  [Symbol.dispose](): void {
    for (const process of this.#processes) {
      process.removeAllListeners("message");
      process.removeAllListeners("exit");
    }
    this.stop();
  }
}

/** What is used of a process. */
export type Helper = Pick<ChildProcess, "on" | "send" | "connected" | "pid">;

/** What ends a process that did nothing wrong: its cell goes to another one. */
const SENT_AWAY: readonly (string | null)[] = ["SIGTERM", "SIGINT", "SIGHUP"];

/** Hands a process cells until it ends. A cell that it ends with has failed, unless it was sent away: then somebody else does it. */
export function serve(process: Helper, assignment: Assignment, source: CellSource): Promise<void> {
  // It may end while it is being told something, or not even begin; how it ended is what counts, and is said below.
  const told = (): void => {};
  let cell: Cell | undefined;
  const failed = (why: string): void => {
    source.failed(cell, why);
    cell = undefined;
  };
  const order = async (): Promise<void> => {
    cell = await source.next();
    if (process.connected) process.send({ cell } satisfies Order, told);
    else if (cell) {
      // Its end is told by itself, and it has not begun.
      source.handBack(cell);
      cell = undefined;
    }
  };
  process.send(assignment, told);
  process.on("message", (notice: Notice) => {
    if (notice === "idle") void order();
    else if ("why" in notice) failed(notice.why);
    else if (cell && "say" in notice) source.say(cell, notice.say);
    else if (cell && "seconds" in notice) {
      source.done(cell, notice.seconds);
      cell = undefined;
    }
  });
  return new Promise((resolve) => {
    process.on("error", (error) => {
      // A process that could not be started has no end.
      if (process.pid === undefined) {
        failed(`a further process cannot be started: ${error.message}`);
        resolve();
      }
    });
    process.on("exit", (code, signal) => {
      if (SENT_AWAY.includes(signal)) {
        if (cell) source.handBack(cell);
        cell = undefined;
      } else if (cell || code !== 0) failed(`its process ended with ${signal ?? `exit status ${code}`}`);
      resolve();
    });
  });
}
