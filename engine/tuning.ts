/** The table that `holdfast bench tune` makes on an adapter: which adapter and which kernels it is of, and what was measured. */
import * as platform from "#tuning";
import { tunedSources } from "../shaders/gen/kernels.js";
import { DeviceError } from "./errors.js";
import { isTunedChoice, type TunedChoice } from "./ops/tuned.js";

/** An adapter as WebGPU describes it; a field is empty where the platform does not tell. */
export interface AdapterIdentity {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  /** With the driver's version, where it tells. */
  readonly description: string;
}

/** Kernel choices measured on one adapter, as plain data that survives JSON. */
export interface TuningTable {
  readonly adapter: AdapterIdentity;
  /** `kernelsVersion()` of the engine that measured. */
  readonly kernels: string;
  /** Day of the measurement, like 2026-01-31. */
  readonly made: string;
  readonly choices: readonly TunedChoice[];
}

/** How a platform keeps tables; `#tuning` resolves to the Node or the browser implementation. */
export interface TuningStore {
  /** The text that was saved for an adapter, and where. */
  savedTuning(adapter: AdapterIdentity): Promise<{ readonly path: string; readonly text: string } | undefined>;
}
const { savedTuning }: TuningStore = platform;

const again = "run `npx holdfast bench tune` on this adapter";

/** Digest of the kernels that tables choose from: a table of other kernels measured something else. */
export function kernelsVersion(): string {
  return tunedSources;
}

/** A value from outside as a table for an adapter. @throws DeviceError, one sentence, when it is none, or that of another
 *  adapter or of other kernels. */
export function tuningFor(adapter: AdapterIdentity, value: unknown): TuningTable {
  const table = (value ?? {}) as Partial<TuningTable>;
  if (typeof table.adapter !== "object" || table.adapter === null || !Array.isArray(table.choices))
    throw new DeviceError(`tuning: what came has no adapter and no list of choices ; a table is needed ; ${again}`);
  const of = table.adapter;
  const differs = (["vendor", "architecture", "device", "description"] as const).find(
    (key) => of[key] !== adapter[key] && (/^[va]/.test(key) || (of[key] && adapter[key])),
  );
  if (differs)
    throw new DeviceError(
      `tuning: the table was measured on ${differs} "${of[differs]}" ; this adapter has "${adapter[differs]}" ; ${again}`,
    );
  const kernels = kernelsVersion();
  if (table.kernels !== kernels)
    throw new DeviceError(
      `tuning: the table is of kernels ${table.kernels} ; this engine has kernels ${kernels} ; ${again}`,
    );
  const wrong = table.choices.findIndex((choice) => !isTunedChoice(choice));
  if (wrong >= 0)
    throw new DeviceError(
      `tuning: entry ${wrong + 1} of ${table.choices.length} is no choice this engine can make ; a table as it was written ` +
        `is needed ; ${again}`,
    );
  return table as TuningTable;
}

/** What is kept for an adapter: a table, or why the file that is there cannot be used. Never throws. */
export async function keptTuning(
  adapter: AdapterIdentity,
): Promise<{ readonly path: string; readonly table?: TuningTable; readonly problem?: string } | undefined> {
  const saved = await savedTuning(adapter);
  if (!saved) return undefined;
  try {
    return { path: saved.path, table: tuningFor(adapter, JSON.parse(saved.text)) };
  } catch (error) {
    const problem = error instanceof SyntaxError ? `tuning: the file is no JSON ; a table is needed ; ${again}` : error;
    return { path: saved.path, problem: problem instanceof Error ? problem.message : String(problem) };
  }
}
