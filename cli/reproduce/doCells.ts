/** What one process does for a reproduction: cell after cell, wherever they come from. */
import { type Cell, ConfigError, Lab, runCell, settingsOf } from "../../atex/experiments/index.js";
import { versions } from "../../bench/holdfast.js";
import { DeviceLostError } from "../../engine/index.js";
import { DataError, DivergedError } from "../../nn/index.js";
import { openData } from "../data.js";
import type { Place } from "../engine.js";
import type { Live } from "../live.js";
import type { Origin } from "./cell-file.js";
import type { Study } from "./study.js";

/** Where cells come from, and who is told what becomes of them. */
export interface CellSource {
  next(): Promise<Cell | undefined>;
  say(cell: Cell, text: string): void;
  done(cell: Cell, seconds: number): void;
  /** The cell was begun and is to be done by somebody else, or later. */
  handBack(cell: Cell): void;
  /** Without a cell where a whole process did. */
  failed(cell: Cell | undefined, why: string): void;
}

export interface Workplace {
  readonly study: Study;
  readonly place: Place;
  /** Told of downloads. */
  readonly live: Live;
  readonly dataDir?: string;
  /** Aborted when what is being done is to be given up. */
  readonly signal?: AbortSignal;
  /** What the results say of how they came about. */
  readonly origin: Pick<Origin, "command" | "commit" | "jobs">;
}

/** Runs and saves cells until there are no more. @throws what would meet every other cell as well. */
export async function doCells(workplace: Workplace, source: CellSource): Promise<void> {
  const { study, place, live, dataDir, origin, signal } = workplace;
  const { config } = study;
  let now: Cell | undefined;
  const lab = new Lab({
    config,
    openData: (name) => openData({ name, folder: dataDir }, live),
    store: study.weights,
    say(text) {
      // Wherever a cell tells how far it is, it can be given up: networks are stored pass by pass.
      signal?.throwIfAborted();
      if (now) source.say(now, text);
    },
  });
  for (let cell = await source.next(); cell; cell = await source.next()) {
    now = cell;
    source.say(cell, "");
    const began = performance.now();
    try {
      const outcome = await runCell(lab, cell);
      const seconds = (performance.now() - began) / 1000;
      await study.save({
        ...{ cell, settings: settingsOf(config, cell), ...outcome },
        origin: { ...origin, adapter: place.name, versions: versions(), date: new Date().toISOString(), seconds },
      });
      source.done(cell, seconds);
    } catch (error) {
      if (signal?.aborted) {
        source.handBack(cell);
        return;
      }
      if (error instanceof DataError || error instanceof ConfigError || error instanceof DeviceLostError) throw error;
      source.failed(cell, error instanceof DivergedError ? error.message : String((error as Error).stack));
    }
  }
}
