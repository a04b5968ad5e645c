/** Runs the command line as a person does, in a child process and a folder of its own. */
import { type SpawnOptions, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../harness.js";

export interface Finished {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** `holdfast` with arguments in `folder`; `onOut` sees the output so far and may stop the process, by Ctrl-C or another signal. */
export function holdfast(
  folder: string,
  args: readonly string[],
  onOut: (out: string, interrupt: (signal?: NodeJS.Signals) => void) => void = () => {},
  more: Pick<SpawnOptions, "env" | "uid"> = {},
): Promise<Finished> {
  const options: SpawnOptions = { cwd: folder, stdio: ["ignore", "pipe", "pipe"], ...more };
  const child = spawn(process.execPath, [join(root, "dist/cli/main.js"), ...args], options);
  let [out, err] = ["", ""];
  child.stdout!.on("data", (data: Buffer) => {
    out += data;
    onOut(out, (signal = "SIGINT") => child.kill(signal));
  });
  child.stderr!.on("data", (data: Buffer) => {
    err += data;
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    // As shells have it: 128 and the number of the signal that ended it.
    child.on("close", (code, signal) => resolve({ code: code ?? 128 + constants.signals[signal!], out, err }));
  });
}

/** A folder that is removed after `body`. */
export async function inFolder<T>(body: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-"));
  try {
    return await body(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
