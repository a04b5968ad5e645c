/** Runs the tests of one file on uvu, which prints them; what counts as passed is decided here, not by uvu. */
import { inspect } from "node:util";
import { hooks, type RegisteredTest, running, Skip } from "./registry.js";
import { startWatchdog } from "./watchdog.js";

/** What came of the tests so far. */
export interface Totals {
  passed: number;
  readonly failed: string[];
  readonly skipped: string[];
  /** GPU tests that ran, whatever came of them. */
  gpuRan: number;
}

/** The last line of a run. */
export function verdict({ passed, failed, skipped }: Totals): string {
  return `${passed} passed, ${failed.length} failed, ${skipped.length} skipped`;
}

/** One uvu suite, already asked to run: prints the dots, returns the formatted failures. */
type UvuRun = () => Promise<[errors: string | true, passed: number, skipped: number, total: number]>;

declare global {
  var UVU_DEFER: 1 | undefined;
  var UVU_QUEUE: unknown[][];
}

// uvu must find this when it is loaded, or it runs suites by itself.
globalThis.UVU_DEFER = 1;
const { suite } = await import("uvu");

const watch = startWatchdog();

/** Rejections nobody awaited, since the last look. */
const stray: unknown[] = [];
process.on("unhandledRejection", (reason) => stray.push(reason));

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(`threw something that is not an Error: ${inspect(thrown)}`);
}

async function withTimeout(test: RegisteredTest): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not finished after ${test.timeoutMs} ms`)), test.timeoutMs);
  });
  try {
    await Promise.race([(async () => test.fn())(), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Throws unless the test ran to its end, asserted something, left no tensor behind and no rejection unawaited. */
async function runTest(test: RegisteredTest): Promise<void> {
  const liveBefore = await hooks.leakProbe?.();
  const state = { assertions: 0 };
  await running.run(state, () => withTimeout(test));
  if (state.assertions === 0) throw new Error("made no assertion");
  const liveAfter = await hooks.leakProbe?.();
  if (liveAfter !== liveBefore) throw new Error(`leaked: ${liveBefore} live tensors before, ${liveAfter} after`);
  await new Promise((resolve) => setImmediate(resolve));
  if (stray.length > 0) throw new Error(`a rejection was not awaited: ${asError(stray[0]).stack}`);
}

/** Runs `tests` of the file `name`; `missingGpu` says why GPU tests cannot run, in which case they fail untried. */
export async function runSuite(name: string, tests: RegisteredTest[], missingGpu: string | undefined, totals: Totals) {
  const uvu = suite(name);
  for (const test of tests) {
    const fullName = `${name}: ${test.name}`;
    if (test.gpu && missingGpu !== undefined) {
      totals.failed.push(`${fullName} (not run: no GPU)`);
      continue;
    }
    uvu(test.name, async () => {
      const ifBlocked = verdict({ ...totals, failed: [...totals.failed, fullName] });
      watch({ name: fullName, timeoutMs: test.timeoutMs, verdict: ifBlocked });
      try {
        stray.length = 0;
        if (test.gpu) totals.gpuRan++;
        await runTest(test);
        totals.passed++;
      } catch (error) {
        if (error instanceof Skip) {
          totals.skipped.push(`${fullName}: ${error.message}`);
          return;
        }
        totals.failed.push(fullName);
        throw asError(error);
      } finally {
        watch(undefined);
      }
    });
  }
  globalThis.UVU_QUEUE = [[]];
  uvu.run();
  const [errors] = await (globalThis.UVU_QUEUE[0][0] as UvuRun)();
  if (typeof errors === "string") process.stdout.write(`\n${errors}\n`);
}
