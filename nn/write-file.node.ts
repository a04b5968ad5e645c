import { createHash, randomBytes } from "node:crypto";
import { readFileSync, readlinkSync, type Stats } from "node:fs";
import { lstat, mkdir, open, readdir, readlink, rename, rm, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join, resolve } from "node:path";

/** Temporary files are named `.hf-NAME-PLACE-PID-RANDOM.tmp`, so that a later run can tell whose they are: NAME is a digest of the file's
 *  name, which itself may be as long as the file system allows, PLACE says where the process id means this process. */
const TEMPORARY = /^\.hf-([0-9a-f]{8})-([0-9a-f]{8})-(\d+)-[0-9a-f]{12}\.tmp$/;

/** After so long a file that a process elsewhere was writing is taken to be abandoned. */
const ABANDONED_MS = 24 * 3600 * 1000;

const digest = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 8);

/** Where process ids mean the same: this boot of this machine, and in it this container. */
let place: string | undefined;
function here(): string {
  const told = (read: () => string): string => {
    try {
      return read();
    } catch {
      return "";
    }
  };
  place ??= digest(
    [
      hostname(),
      told(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8")),
      told(() => readlinkSync("/proc/self/ns/pid")),
    ].join(),
  );
  return place;
}

/**
 * Writes a file so that its name always leads to the old contents or to all of the new ones, whenever the process is
 * killed: temporary file beside it, fsync, rename, fsync of the folder. Creates the folder, and removes temporary
 * files of this name that killed processes left behind. A file that is there keeps its permissions; where the name is a symbolic link,
 * the file it leads to is written; a device or a pipe is written to as it is.
 */
export async function writeFileAtomic(path: string, contents: Uint8Array | string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const { target, found } = await followed(path);
  if (found && !found.isFile() && !found.isDirectory()) return writeFile(target, contents);
  const folder = dirname(target);
  const name = digest(basename(target));
  await sweepTemporaries(folder, name);
  const temporary = join(folder, `.hf-${name}-${here()}-${process.pid}-${randomBytes(6).toString("hex")}.tmp`);
  try {
    const file = await open(temporary, "wx");
    try {
      await file.writeFile(contents);
      if (found?.isFile()) {
        // Only root may give a file away; it comes first, since it takes bits of the mode.
        if (found.uid !== process.getuid?.()) await file.chown(found.uid, found.gid).catch(() => {});
        await file.chmod(found.mode & 0o7777);
      }
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
  await syncFolder(folder);
}

/** Where a name leads to, link after link, and what is there. */
async function followed(path: string): Promise<{ target: string; found: Stats | undefined }> {
  let target = path;
  for (let links = 0; links < 40; links++) {
    const found = await lstat(target).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
    });
    if (!found?.isSymbolicLink()) return { target, found: found ?? undefined };
    target = resolve(dirname(target), await readlink(target));
  }
  throw Object.assign(new Error(`${path}: a circle of symbolic links`), { code: "ELOOP" });
}

/** Removes the temporary files of a name in `folder` whose process is gone. What cannot be looked at or removed is left alone: in a
 *  folder that others write to, it may be theirs. */
async function sweepTemporaries(folder: string, name: string): Promise<void> {
  const entries = await readdir(folder).catch(() => []);
  for (const entry of entries) {
    const [, of, where, pid] = TEMPORARY.exec(entry) ?? [];
    if (of !== name) continue;
    const path = join(folder, entry);
    if (await isAbandoned(path, where, Number(pid))) await rm(path, { force: true }).catch(() => {});
  }
}

async function isAbandoned(path: string, where: string, pid: number): Promise<boolean> {
  if (where === here() && pid !== process.pid) return !isAlive(pid);
  const written = (await stat(path).catch(() => undefined))?.mtimeMs ?? Number.NaN;
  // This process, perhaps in another thread, or one before it that had the same id.
  if (where === here()) return written < Date.now() - 1000 * process.uptime();
  return written < Date.now() - ABANDONED_MS;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Makes the rename itself survive a power cut. Windows cannot open folders and needs none of it; nor is it to be had in a folder that
 *  may be written but not read, or on a file system that does not sync folders. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  const cannot = (error: NodeJS.ErrnoException): undefined => {
    if (["EACCES", "EPERM", "EINVAL", "ENOTSUP"].includes(error.code ?? "")) return undefined;
    throw error;
  };
  const handle = await open(folder, "r").catch(cannot);
  try {
    await handle?.sync().catch(cannot);
  } finally {
    await handle?.close();
  }
}
