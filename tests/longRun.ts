/** What a program needs that computes for a long time in one process: to fail where it ends before its end, and a new device in time. */
import { existsSync, readFileSync } from "node:fs";

/** From now on the process fails, with a word, whatever ends it (an early process.exit included), until the result is called. */
export function failUntilFinished(who: string): () => void {
  let finished = false;
  process.exitCode = 1;
  process.on("exit", () => {
    if (finished) return;
    console.error(`${who}: the process ended before its work was done`);
    process.exitCode = 1;
  });
  return () => {
    finished = true;
  };
}

/** A software driver maps a few pieces of memory for every pipeline, and Linux allows a process 65 530 of them: beyond half of that
 *  it is time for a new device. */
export const MOST_MAPS = 30_000;

/** Pieces of memory that this process has mapped; 0 where the system does not tell. */
export function mappedPieces(): number {
  const maps = "/proc/self/maps";
  return existsSync(maps) ? readFileSync(maps, "latin1").split("\n").length : 0;
}
