/** Files that commands read and write. */
import { readFile, stat } from "node:fs/promises";
import { DataError } from "../nn/data/error.js";
import { UsageError } from "./command.js";

export { writeFileAtomic as writeOutput } from "../nn/write-file.node.js";

/** The bytes of a file that an option names. @throws UsageError when there is none. */
export async function readInput(option: string, path: string): Promise<Uint8Array> {
  const reason = (error: NodeJS.ErrnoException): string =>
    ({ ENOENT: "there is no such file", ENOTDIR: "there is no such file", EACCES: "it may not be read" })[
      error.code ?? ""
    ] ?? error.message;
  try {
    if ((await stat(path)).isDirectory()) throw new UsageError(`--${option} ${path}: it is a folder; a file is needed`);
    return await readFile(path);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`--${option} ${path}: ${reason(error as NodeJS.ErrnoException)}`);
  }
}

/** Runs what parses the file `path` and puts its name in front of a complaint. */
export async function parsing<T>(path: string, parse: () => T | Promise<T>): Promise<T> {
  try {
    return await parse();
  } catch (error) {
    if (error instanceof DataError) throw new UsageError(`${path}: ${error.message}`);
    throw error;
  }
}
