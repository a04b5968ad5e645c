/** What the test files register, and what the runner needs to know about it. Test files import `harness.ts` instead. */
import { AsyncLocalStorage } from "node:async_hooks";

export interface TestOptions {
  /** A test that is not finished after this long fails. */
  readonly timeoutMs?: number;
}

export interface RegisteredTest {
  readonly name: string;
  readonly gpu: boolean;
  readonly timeoutMs: number;
  readonly fn: () => unknown;
}

/** Thrown by `withData` and `skip`: the test counts as skipped and its reason is printed. */
export class Skip extends Error {}

export const defaultTimeoutMs = 60_000;

/** The assertions of the running test; its own storage, so that a test that timed out cannot count for the next one. */
export const running = new AsyncLocalStorage<{ assertions: number }>();

let registered: RegisteredTest[] | undefined;

export const hooks = {
  gpuStart: [] as (() => unknown)[],
  shutdown: [] as (() => unknown)[],
  /** Opens the device anew between two files. */
  renew: [] as (() => unknown)[],
  leakProbe: undefined as (() => number | Promise<number>) | undefined,
};

export function register(entry: RegisteredTest): void {
  if (!registered || running.getStore())
    throw new Error(
      `test "${entry.name}": registered while no file was being loaded ; register at the top level of a test file`,
    );
  if (registered.some((other) => other.name === entry.name))
    throw new Error(`test "${entry.name}": registered twice in one file ; names identify tests, choose another`);
  registered.push(entry);
}

/** Runs `load` (the import of a test file) and returns what it registered. */
export async function collect(load: () => Promise<unknown>): Promise<RegisteredTest[]> {
  registered = [];
  try {
    await load();
    return registered;
  } finally {
    registered = undefined;
  }
}
