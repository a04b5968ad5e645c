/** A process that runs programs one after the other, so that they pay for starting once: `node dist/tests/inTurn.js a.js b.js`. */
import { spawnSync } from "node:child_process";
import { fileURLToPath, pathToFileURL } from "node:url";

const MARK = "@@ program ";

/** What each program wrote, by its path. @throws Error with the output of a program that failed. */
export function runInTurn(paths: readonly string[], cwd: string, timeoutMs: number): ReadonlyMap<string, string> {
  const { status, stdout, stderr, signal } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), ...paths], {
    ...{ cwd, encoding: "utf8", timeout: timeoutMs },
  });
  const parts = stdout.split(MARK).slice(1);
  const outputs = new Map(parts.map((part) => [part.slice(0, part.indexOf("\n")), part.slice(part.indexOf("\n") + 1)]));
  if (status !== 0 || outputs.size !== paths.length)
    throw new Error(
      `${[...outputs.keys()].at(-1) ?? "the first program"} failed (${signal ?? `status ${status}`}):\n${parts.at(-1)}\n${stderr}`,
    );
  return outputs;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const path of process.argv.slice(2)) {
    console.log(MARK + path);
    await import(pathToFileURL(path).href);
  }
  // Dawn may abort when the event loop ends by itself.
  process.stdout.write("", () => process.exit(0));
}
