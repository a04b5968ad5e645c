/** Works through the grid, cell by cell, and says how long it will take. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type Cell, ConfigError, Lab, runCell, settingsOf } from "../../atex/experiments/index.js";
import { versions } from "../../bench/holdfast.js";
import { DeviceLostError } from "../../engine/index.js";
import { DataError } from "../../nn/index.js";
import { openData } from "../data.js";
import type { Place } from "../engine.js";
import { duration, type Live } from "../live.js";
import type { CellResult, Origin, Study } from "./study.js";

export interface RunOptions {
  readonly study: Study;
  readonly cells: readonly Cell[];
  readonly place: Place;
  readonly live: Live;
  readonly dataDir?: string;
}

/** Does the cells that have no result yet. @returns the ids of those that failed. */
export async function runCells({ study, cells, place, live, dataDir }: RunOptions): Promise<string[]> {
  const { config } = study;
  const stored = await Promise.all(cells.map((cell) => study.result(cell)));
  const missing = cells.filter((_, i) => stored[i] === undefined);
  const pace = new Pace(stored.filter((result) => result !== undefined));
  if (missing.length < cells.length)
    live.print(`${cells.length - missing.length} of ${cells.length} cells have results and are skipped`);
  let prefix = "";
  const lab = new Lab({
    config,
    openData: (name) => openData({ name, folder: dataDir }, live),
    store: study.weights,
    say: (text) => live.update(`${prefix}  ${text}`),
  });
  const failed: string[] = [];
  for (const [at, cell] of missing.entries()) {
    const left = pace.secondsFor(missing.slice(at));
    prefix = `${at + 1}/${missing.length} ${cell.id}  ${left === undefined ? "" : `about ${duration(left)} left`}`;
    live.update(prefix);
    const began = performance.now();
    try {
      const outcome = await runCell(lab, cell);
      const seconds = (performance.now() - began) / 1000;
      await study.save({ cell, settings: settingsOf(config, cell), ...outcome, origin: originOf(place, seconds) });
      pace.add(cell, seconds);
      live.print(`${at + 1}/${missing.length} ${cell.id}: ${duration(seconds)}`);
    } catch (error) {
      // What would meet every other cell as well ends the run.
      if (error instanceof DataError || error instanceof ConfigError || error instanceof DeviceLostError) throw error;
      failed.push(cell.id);
      live.print(`${cell.id} FAILED: ${(error as Error).stack}`);
    }
  }
  return failed;
}

function originOf(place: Place, seconds: number): Origin {
  return {
    command: ["holdfast", ...process.argv.slice(2)].join(" "),
    ...{ adapter: place.name, versions: versions(), commit: commit() },
    ...{ date: new Date().toISOString(), seconds },
  };
}

let knownCommit: string | undefined | null = null;

/** The commit this was built from, where it stands in its repository. */
function commit(): string | undefined {
  if (knownCommit !== null) return knownCommit;
  const cwd = fileURLToPath(new URL("../../..", import.meta.url));
  const git = (...args: string[]) => execFileSync("git", args, { cwd, encoding: "utf8", stdio: "pipe" }).trim();
  try {
    knownCommit =
      git("rev-parse", "--short=12", "HEAD") + (git("status", "--porcelain", "-uno") ? " with changes" : "");
  } catch {
    knownCommit = undefined;
  }
  return knownCommit;
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
