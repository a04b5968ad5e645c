/** Files that commands read and write. */
import { mkdtemp, readFile, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { DataError } from "../nn/data/error.js";
import { writeFileAtomic } from "../nn/write-file.node.js";
import { UsageError } from "./command.js";
import { reasonOf } from "./writable.js";

/** Writes a file that a command made, whole or not at all. Where that fails, though it was tried before the work, the result is kept in
 *  the folder for temporary files. @throws UsageError that says where. */
export async function writeOutput(path: string, contents: Uint8Array | string): Promise<void> {
  try {
    await writeFileAtomic(path, contents);
  } catch (error) {
    const why = `${path}: it cannot be written, ${reasonOf(error)}`;
    const kept = await keptElsewhere(path, contents).catch((other: unknown) => {
      throw new UsageError(`${why}; nor can it be kept in ${tmpdir()}, ${reasonOf(other)}`);
    });
    throw new UsageError(`${why}; what was to be written is in ${kept}`);
  }
}

async function keptElsewhere(path: string, contents: Uint8Array | string): Promise<string> {
  const kept = join(await mkdtemp(join(tmpdir(), "holdfast-kept-")), basename(path).slice(-100) || "result");
  await writeFile(kept, contents);
  return kept;
}

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
