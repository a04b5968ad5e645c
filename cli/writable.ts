/** Whether results can be written, found out before the work that makes them. */
import { access, constants, mkdir, open, rm, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { UsageError } from "./command.js";

const REASONS: Readonly<Record<string, string>> = {
  EACCES: "it is not allowed",
  EPERM: "it is not allowed",
  EROFS: "the file system is read-only",
  ENOSPC: "there is no space left",
  EDQUOT: "there is no space left",
  ENOENT: "there can be no such folder",
  ENOTDIR: "a part of the path is a file",
  EEXIST: "a part of the path is a file",
  EISDIR: "it is a folder",
  ENAMETOOLONG: "the name is too long",
  ELOOP: "it is a circle of links",
};

/** Why something cannot be written, in words. */
export function reasonOf(error: unknown): string {
  const { code = "", message } = error as NodeJS.ErrnoException;
  return REASONS[code] ?? message;
}

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
  if (path.trim() === "") throw new UsageError(`--${option} is empty; the name of a file is needed`);
  const there = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENAMETOOLONG" || error.code === "ELOOP") throw refusal(option, path, error);
  });
  if (there?.isDirectory() || /[/\\]$/.test(path))
    throw new UsageError(`--${option} ${path}: it is a folder; a file is needed`);
  if (there)
    await access(path, constants.W_OK).catch((error: unknown) => {
      throw refusal(option, path, error);
    });
  // A device or a pipe takes what it gets.
  if (there && !there.isFile()) return;
  await requireWritableFolder(option, path, dirname(path));
}

/** Enough that a full disk says so. */
const PROBE = new Uint8Array(4096);

/** The same for a folder; `path` is what the option says. */
export async function requireWritableFolder(option: string, path: string, folder = path): Promise<void> {
  if (folder.trim() === "") throw new UsageError(`--${option} is empty; the name of a folder is needed`);
  const probe = join(folder, `.holdfast-${process.pid}`);
  try {
    await makeFolder(resolve(folder));
    const file = await open(probe, "w");
    try {
      await file.writeFile(PROBE);
    } finally {
      await file.close();
      await rm(probe, { force: true });
    }
  } catch (error) {
    throw refusal(option, path, error);
  }
}

const refusal = (option: string, path: string, error: unknown): UsageError =>
  new UsageError(`--${option} ${path}: it cannot be written, ${reasonOf(error)}`);
