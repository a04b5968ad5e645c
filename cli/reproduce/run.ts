/** Works through the grid, in one process or in several, and says how long it will take. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type Cell, kindOf } from "../../atex/experiments/index.js";
import type { Place } from "../engine.js";
import { duration, type Live } from "../live.js";
import type { Stopping } from "../stopping.js";
import type { CellResult } from "./cell-file.js";
import { type CellSource, doCells } from "./doCells.js";
import { Helpers } from "./helpers.js";
import { CellQueue } from "./queue.js";
import type { Study } from "./study.js";

export interface RunOptions {
  readonly study: Study;
  readonly cells: readonly Cell[];
  readonly place: Place;
  readonly live: Live;
  readonly dataDir?: string;
  /** Processes at once. */
  readonly jobs: number;
  readonly stopping: Stopping;
}

/** How long a cell that is to be given up may go on: Kubernetes kills after 30 s. */
const GRACE_MS = 10_000;

/** Does the cells that have no result yet, until it is asked to stop: then cells that were begun are given up and done by the next run.
 *  @returns the ids of those that failed. */
export async function runCells(options: RunOptions): Promise<string[]> {
  const { study, cells, place, live, dataDir, jobs, stopping } = options;
  const { config, folder } = study;
  const stored = await Promise.all(cells.map((cell) => study.result(cell)));
  const missing = cells.filter((_, i) => stored[i] === undefined);
  if (missing.length < cells.length)
    live.print(`${cells.length - missing.length} of ${cells.length} cells have results and are skipped`);
  const pace = new Pace(stored.filter((result) => result !== undefined));
  const queue = new CellQueue(missing, ({ experiment }) => kindOf(config.experiments[experiment]).alone ?? false);
  const processes = Math.max(1, Math.min(jobs, missing.length));
  const failed: string[] = [];
  const doing = new Map<Cell, string>();
  const progress = (): string => `${missing.length - queue.open.length}/${missing.length}`;
  const source: CellSource = {
    next: () => queue.next(),
    say(cell, text) {
      doing.set(cell, `${cell.id} ${text}`.trim());
      const left = pace.secondsFor(queue.open);
      const time = left === undefined ? "" : `  about ${duration(left / processes)} left`;
      live.update(`${progress()} done${time}  ${[...doing.values()].join("; ")}`);
    },
    done(cell, seconds) {
      doing.delete(cell);
      queue.release(cell);
      pace.add(cell, seconds);
      live.print(`${progress()} ${cell.id}: ${duration(seconds)}`);
    },
    handBack(cell) {
      doing.delete(cell);
      queue.giveBack(cell);
    },
    failed(cell, why) {
      live.print(`${cell?.id ?? "a further process"} FAILED: ${why}`);
      if (!cell) return;
      doing.delete(cell);
      queue.release(cell);
      failed.push(cell.id);
    },
  };
  const origin = { command: ["holdfast", ...process.argv.slice(2)].join(" "), commit: commit(), jobs: processes };
  const assignment = { config, folder, cpu: place.kind === "reference", dataDir, origin };
  using helpers = new Helpers(processes - 1, assignment, source);
  const { signal } = stopping;
  const stop = (): void => {
    queue.close();
    helpers.stop();
    setTimeout(() => process.exit(stopping.status), GRACE_MS).unref();
  };
  if (signal.aborted) stop();
  else signal.addEventListener("abort", stop, { once: true });
  const workplace = { study, place, live, dataDir, origin, signal };
  await doCells(workplace, source);
  await helpers.finished;
  // What a process handed back that was sent away when this one had nothing to do any more.
  if (queue.open.length > 0 && !signal.aborted) await doCells(workplace, source);
  return failed;
}

/** The commit this was built from, where it stands in its repository. */
function commit(): string | undefined {
  const cwd = fileURLToPath(new URL("../../..", import.meta.url));
  const git = (...args: string[]) => execFileSync("git", args, { cwd, encoding: "utf8", stdio: "pipe" }).trim();
  try {
    return git("rev-parse", "--short=12", "HEAD") + (git("status", "--porcelain", "-uno") ? " with changes" : "");
  } catch {
    return undefined;
  }
}

/** How long cells take, by experiment. */
class Pace {
  readonly #seconds = new Map<string, number[]>();
  constructor(results: readonly CellResult[]) {
    for (const { cell, origin } of results) this.add(cell, origin.seconds);
  }

  add({ experiment }: Cell, seconds: number): void {
    this.#seconds.set(experiment, [...(this.#seconds.get(experiment) ?? []), seconds]);
  }

  /** Undefined before the first. An experiment that nothing is known of is taken to be like the others. */
  secondsFor(cells: readonly Cell[]): number | undefined {
    const all = [...this.#seconds.values()].flat();
    if (all.length === 0) return undefined;
    const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
    return cells.reduce((sum, { experiment }) => sum + mean(this.#seconds.get(experiment) ?? all), 0);
  }
}
