/** Runs cases: checks the results, then measures. */
import { type BenchCase, cases } from "./cases.js";
import { checkResults } from "./goldens.js";
import type { Bench } from "./holdfast.js";
import type { CaseName } from "./inputs.js";
import { measure, type Waiting } from "./measure.js";
import type { Row } from "./report.js";

export interface RunOptions {
  readonly waits?: readonly Waiting[];
  /** Timed runs per way of waiting; default 10. */
  readonly runs?: number;
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
  name: CaseName,
  build: () => BenchCase,
  { waits = ["spin", "nap"], runs = 10 }: RunOptions,
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
      rows.push({ case: name, system, wait, ...timing, dispatches, ...verdict });
    }
    return rows;
  } catch (error) {
    return [{ case: name, system, wait: waits[0], checked: false, error: String((error as Error).message ?? error) }];
  } finally {
    work?.dispose();
  }
}
