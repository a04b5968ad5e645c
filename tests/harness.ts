/**
 * The doorway of every test file: `test`, `gpuTest`, `check`. `tests/run.ts` runs what is registered here and cannot
 * pass by mistake: a file without tests, a test without an assertion, a hang, a leak, an unfinished run are failures.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { defaultTimeoutMs, hooks, register, Skip, type TestOptions } from "./registry.js";

export { check } from "./check.js";

/** The root of the repository (this file runs as dist/tests/harness.js). */
export const root = fileURLToPath(new URL("../../", import.meta.url));

/** The environment of a machine without a graphics driver, for child processes. Older loaders know the second name only. */
export const withoutDriver = { VK_DRIVER_FILES: "/nonexistent", VK_ICD_FILENAMES: "/nonexistent" };

/** Registers a test that needs no adapter. */
export function test(name: string, fn: () => unknown, { timeoutMs = defaultTimeoutMs }: TestOptions = {}): void {
  register({ name, gpu: false, timeoutMs, fn });
}

/** Registers a test that needs an adapter; without one it counts as failed ("not run"), never as passed. */
export function gpuTest(name: string, fn: () => unknown, { timeoutMs = defaultTimeoutMs }: TestOptions = {}): void {
  register({ name, gpu: true, timeoutMs, fn });
}

/** Runs once, before the first GPU test that comes after it was registered: opens the device. */
export function onGpuStart(fn: () => unknown): void {
  hooks.gpuStart.push(fn);
}

/** Runs between two files when the process has mapped much memory: opens the device anew. */
export function onRenew(fn: () => unknown): void {
  hooks.renew.push(fn);
}

/** Runs once after the last test, in any outcome: Node does not exit while a device is alive. */
export function onShutdown(fn: () => unknown): void {
  hooks.shutdown.push(fn);
}

/** The number of live tensors; after every test it must be what it was before. */
export function setLeakProbe(fn: () => number | Promise<number>): void {
  hooks.leakProbe = fn;
}

/** Ends the running test as skipped; the reason is printed and the skip is counted. */
export function skip(reason: string): never {
  throw new Skip(reason);
}

/** The folder of a data set under HOLDFAST_DATA or ../shared/data, with a file in it if one is named; skips the running test when it
 *  is not there. */
export function withData(name: string, file = "."): string {
  const places = [process.env.HOLDFAST_DATA, join(root, "../shared/data")].filter((place) => place !== undefined);
  const found = places.map((place) => join(place, name)).find((folder) => existsSync(join(folder, file)));
  return found ?? skip(`no data set ${name}; set HOLDFAST_DATA to a folder that holds ${join(name, file)}`);
}
