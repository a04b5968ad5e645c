/** Whether results can be written, found out before the work that makes them. */
import { mkdir, open, rm, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { UsageError } from "./command.js";

const REASONS: Readonly<Record<string, string>> = {
  EACCES: "it is not allowed",
  EPERM: "it is not allowed",
  EROFS: "the file system is read-only",
  ENOSPC: "there is no space left",
  ENOENT: "there can be no such folder",
  ENOTDIR: "a part of the path is a file",
  EEXIST: "a part of the path is a file",
};

/** Folder by folder: Node's own recursion does not end where a folder such as /proc takes none. */
async function makeFolder(folder: string): Promise<void> {
  const above = dirname(folder);
  try {
    await mkdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if ((await stat(folder).catch(() => undefined))?.isDirectory()) return;
    if (code !== "ENOENT" || above === folder) throw error;
    await makeFolder(above);
    await mkdir(folder);
  }
}

/** Makes the folder of a file that an option names and tries to write there; the file itself is left alone.
 *  @throws UsageError when that cannot be. */
export async function requireWritable(option: string, path: string): Promise<void> {
  const there = await stat(path).catch(() => undefined);
  if (there?.isDirectory()) throw new UsageError(`--${option} ${path}: it is a folder; a file is needed`);
  await requireWritableFolder(option, path, dirname(path));
}

/** The same for a folder; `path` is what the option says. */
export async function requireWritableFolder(option: string, path: string, folder = path): Promise<void> {
  const probe = join(folder, `.holdfast-${process.pid}`);
  try {
    await makeFolder(resolve(folder));
    await (await open(probe, "w")).close();
    await rm(probe);
  } catch (error) {
    const { code = "", message } = error as NodeJS.ErrnoException;
    throw new UsageError(`--${option} ${path}: it cannot be written, ${REASONS[code] ?? message}`);
  }
}
