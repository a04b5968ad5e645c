/** Runs cases: checks the results, then measures. */
import { type BenchCase, cases } from "./cases.js";
import { checkResults } from "./goldens.js";
import type { Bench } from "./holdfast.js";
import type { CaseName, MeasuredCase } from "./inputs.js";
import { measure, measureInARow, type Waiting } from "./measure.js";
import type { Row } from "./report.js";

export interface RunOptions {
  readonly waits?: readonly Waiting[];
  /** Timed runs per way of waiting; default 10. */
  readonly runs?: number;
  /** Also measures runs that are issued one after the other without waiting. */
  readonly inARow?: boolean;
  /** Told about each row as it comes. */
  readonly onRow?: (row: Row) => void;
}

const system = "holdfast";

/** One row per case and way of waiting. What fails is a row with its error. */
export async function runCases(on: Bench, names: readonly CaseName[], options: RunOptions = {}): Promise<Row[]> {
  const rows: Row[] = [];
  for (const name of names)
    for (const row of await runCase(on, name, cases[name], options)) {
      options.onRow?.(row);
      rows.push(row);
    }
  return rows;
}

/** The rows of one case, built by `build` and checked against the results of `name`. */
export async function runCase(
  on: Bench,
  name: MeasuredCase,
  build: () => BenchCase,
  { waits = ["spin", "nap"], runs = 10, inARow = false }: RunOptions,
): Promise<Row[]> {
  let work: BenchCase | undefined;
  try {
    work = build();
    const verdict = checkResults(name, await work.results());
    // A wrong result is not worth a time.
    if (!verdict.checked) return [{ case: name, system, wait: waits[0], ...verdict }];
    const before = on.launches();
    work.submit();
    const dispatches = on.launches() - before;
    const { submit } = work;
    const rows: Row[] = [];
    for (const wait of waits) {
      const timing = await measure({ submit, finish: on.finish }, { wait, runs, warmUps: 2 });
      const more = inARow ? { inARowMs: await measureInARow({ submit, finish: on.finish }, timing.minMs, runs) } : {};
      rows.push({ case: name, system, wait, ...timing, ...more, dispatches, ...verdict });
    }
    return rows;
  } catch (error) {
    return [{ case: name, system, wait: waits[0], checked: false, error: String((error as Error).message ?? error) }];
  } finally {
    work?.dispose();
  }
}
