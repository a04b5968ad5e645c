/** Ends the run when a test blocks the event loop, where its own time-out cannot fire: a thread beside it watches. */
import { writeSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker } from "node:worker_threads";

/** What is running; undefined between tests. */
export interface Watched {
  readonly name: string;
  readonly timeoutMs: number;
  /** The last line of the run if it ends here. */
  readonly verdict: string;
}

/** The time-out of the test itself comes first. */
const graceMs = 3000;

/** Starts the thread; call the result before (with what runs) and after each test (with undefined). */
export function startWatchdog(): (watched: Watched | undefined) => void {
  const worker = new Worker(fileURLToPath(import.meta.url));
  worker.unref();
  return (watched) => worker.postMessage(watched);
}

if (!isMainThread) {
  let timer: NodeJS.Timeout | undefined;
  parentPort!.on("message", (watched: Watched | undefined) => {
    clearTimeout(timer);
    if (!watched) return;
    timer = setTimeout(() => {
      // Not console.log: a worker prints through the thread that is blocked.
      writeSync(1, `\nFAILED   ${watched.name}: blocks the event loop, the run ends here\n${watched.verdict}\n`);
      process.kill(process.pid, "SIGKILL");
    }, watched.timeoutMs + graceMs);
  });
}
