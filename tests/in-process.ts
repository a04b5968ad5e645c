/** Programs in a process of their own: the tests' process has the device of all tests. */
import { spawnSync } from "node:child_process";
import { check, root } from "./harness.js";

/** Runs `code`; what it passes to `show` comes back, one per line. Modules are imported from `dist` as `${dist}engine/index.js`. */
export function inProcess(code: string, flags: readonly string[] = []): string[] {
  const script = `
    const show = (x) => console.log(String(x instanceof Error ? x.message : x));
    const refused = (f) => { try { f(); show("not refused"); } catch (e) { show(e); } };
    const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    ${code}`;
  const { stdout, stderr, status } = spawnSync(process.execPath, [...flags, "--input-type=module", "-e", script], {
    encoding: "utf8",
    timeout: 100_000,
  });
  check.is(status, 0, stderr);
  return stdout.trimEnd().split("\n");
}

export const dist = `${root}dist/`;
