/** Programs in a process of their own: the tests' process has the device of all tests. */
import { execFile } from "node:child_process";
import { check, root } from "./harness.js";

/** Runs `code`; what it passes to `show` comes back, one per line. Modules are imported from `dist` as `${dist}engine/index.js`. */
export async function inProcess(code: string, flags: readonly string[] = []): Promise<string[]> {
  const script = `
    const show = (x) => console.log(String(x instanceof Error ? x.message : x));
    const refused = (f) => { try { f(); show("not refused"); } catch (e) { show(e); } };
    const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    ${code}`;
  const args = [...flags, "--input-type=module", "-e", script];
  const ended = await new Promise<{ error: Error | null; stdout: string; stderr: string }>((resolve) =>
    execFile(process.execPath, args, { timeout: 55_000 }, (error, stdout, stderr) =>
      resolve({ error, stdout, stderr }),
    ),
  );
  check.is(ended.error, null, ended.stderr);
  return ended.stdout.trimEnd().split("\n");
}

export const dist = `${root}dist/`;
