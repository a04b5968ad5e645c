import { randomBytes } from "node:crypto";
import { mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Temporary files are named `.NAME.PID.RANDOM.tmp`, so that a later run can tell whose they are. */
const TEMPORARY = /^\.(.+)\.(\d+)\.[0-9a-f]{12}\.tmp$/;

/** Temporary files this process is writing now. */
const writing = new Set<string>();

/**
 * Writes a file so that its name always leads to the old contents or to all of the new ones, whenever the process is
 * killed: temporary file beside it, fsync, rename, fsync of the folder. Creates the folder, and removes temporary
 * files of this name that killed processes left behind.
 */
export async function writeFileAtomic(path: string, contents: Uint8Array | string): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  await sweepTemporaries(folder, basename(path));
  const temporary = join(folder, `.${basename(path)}.${process.pid}.${randomBytes(6).toString("hex")}.tmp`);
  writing.add(temporary);
  try {
    const file = await open(temporary, "wx");
    try {
      await file.writeFile(contents);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  } finally {
    writing.delete(temporary);
  }
  await syncFolder(folder);
}

/** Removes the temporary files of `name` in `folder` whose process is gone. */
async function sweepTemporaries(folder: string, name: string): Promise<void> {
  for (const entry of await readdir(folder)) {
    const [, target, pid] = TEMPORARY.exec(entry) ?? [];
    const path = join(folder, entry);
    // In a container every run may have the same process id.
    const abandoned = Number(pid) === process.pid ? !writing.has(path) : !isAlive(Number(pid));
    if (target === name && abandoned) await rm(path, { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Makes the rename itself survive a power cut. Windows cannot open folders and needs none of it. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
