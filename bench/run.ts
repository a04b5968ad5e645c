/** Runs cases: builds them, checks their results, then measures them in turns. */
import { type BenchCase, cases } from "./cases.js";
import { checkResults, type Verdict } from "./goldens.js";
import type { Bench } from "./holdfast.js";
import type { CaseName, CheckedCase, NetworkCase } from "./inputs.js";
import { measureInARow, measureInTurns, type Timing, type Waiting } from "./measure.js";
import { networkCases } from "./networkCases.js";
import type { Row } from "./report.js";

export interface RunOptions {
  readonly waits?: readonly Waiting[];
  /** Timed runs per way of waiting; default 10. */
  readonly runs?: number;
  /** Runs before them; default 2, of which the first compiles. */
  readonly warmUps?: number;
  /** Also measures runs that are issued one after the other without waiting. */
  readonly inARow?: boolean;
  /** Told about each row as it comes. */
  readonly onRow?: (row: Row) => void;
}

/** What is measured, built and run once. */
export interface Prepared {
  submit(): void;
  dispose(): void;
  readonly verdict: Verdict;
}

/** A case of a suite. */
export interface Entry {
  readonly case: string;
  /** Builds it, runs it and judges its results; undefined where the adapter cannot hold it. */
  prepare(): Promise<Prepared | undefined>;
  /** What the figures do not say by themselves. */
  note?(timing: Timing): string;
}

const system = "holdfast";

const failure = (name: string, wait: Waiting, error: unknown): Row => ({
  ...{ case: name, system, wait, checked: false },
  error: error instanceof Error ? error.message : String(error),
});

/** One row per case and way of waiting, in the order of the entries. What fails is a row with its error, what is wrong a row
 *  without a time. */
export async function runEntries(on: Bench, entries: readonly Entry[], options: RunOptions = {}): Promise<Row[]> {
  const { waits = ["spin", "nap"], runs = 10, warmUps = 2, inARow = false, onRow } = options;
  const rows = new Map<Entry, Row[]>(entries.map((entry) => [entry, []]));
  const done = (entry: Entry, row: Row): void => {
    rows.get(entry)!.push(row);
    onRow?.(row);
  };
  const built: Prepared[] = [];
  const right: { entry: Entry; work: Prepared; dispatches: number }[] = [];
  try {
    for (const entry of entries) {
      try {
        const work = await entry.prepare();
        if (!work) continue;
        built.push(work);
        // A wrong result is not worth a time.
        if (!work.verdict.checked) {
          done(entry, { case: entry.case, system, wait: waits[0], ...work.verdict });
          continue;
        }
        const before = on.launches();
        work.submit();
        right.push({ entry, work, dispatches: on.launches() - before });
      } catch (error) {
        done(entry, failure(entry.case, waits[0], error));
      }
    }
    const works = right.map(({ work }) => ({ submit: () => work.submit(), finish: on.finish }));
    for (const wait of waits) {
      const timings = await measureInTurns(works, { wait, runs, warmUps });
      for (const [i, { entry, work, dispatches }] of right.entries()) {
        const timing = timings[i];
        if (timing instanceof Error) {
          done(entry, failure(entry.case, wait, timing));
          continue;
        }
        const more = inARow ? { inARowMs: await measureInARow(works[i], timing.minMs, runs) } : {};
        const note = entry.note?.(timing);
        done(entry, {
          ...{ case: entry.case, system, wait, ...timing, ...more, dispatches, ...work.verdict },
          ...(note !== undefined && { note }),
        });
      }
    }
    return [...rows.values()].flat();
  } finally {
    for (const work of built) work.dispose();
  }
}

/** A case whose results are compared with those of `name` in float64. */
export function checkedCase(name: CheckedCase, build: () => BenchCase): Entry {
  return {
    case: name,
    async prepare() {
      const work = build();
      try {
        const verdict = checkResults(name, await work.results());
        return { submit: work.submit, dispose: work.dispose, verdict };
      } catch (error) {
        work.dispose();
        throw error;
      }
    },
  };
}

/** The cases of inputs.ts. */
export function runCases(on: Bench, names: readonly CaseName[], options: RunOptions = {}): Promise<Row[]> {
  return runEntries(
    on,
    names.map((name) => checkedCase(name, cases[name])),
    options,
  );
}

/** The cases of networkInputs.ts. */
export function runNetworks(on: Bench, names: readonly NetworkCase[], options: RunOptions = {}): Promise<Row[]> {
  return runEntries(
    on,
    names.map((name) => checkedCase(name, networkCases[name])),
    options,
  );
}
