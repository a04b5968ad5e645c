/** What has arrived of a download, in a file of this process alone. */
import { randomBytes } from "node:crypto";
import { lstat, open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Beside `path` lie `path.part`, which a download that ended left for the next one, and `path.PID-RANDOM.part`, each of one that is
 *  under way or was killed. */
const partOf = (path: string): string => `${path}.${process.pid}-${randomBytes(6).toString("hex")}.part`;

/** A download under way writes at least so often, or gives up: what is older was left by a process that was killed. */
const ABANDONED_MS = 10 * 60_000;

/** Takes over what an earlier download of `path` left, if anything, as a file that no other process writes: a file changes its name for
 *  one of those who try. @returns where it lies; there may be nothing there yet. */
export async function claimPart(path: string): Promise<string> {
  const own = partOf(path);
  for (const left of await leftovers(path)) {
    const claimed = await rename(left, own).then(
      () => true,
      () => false,
    );
    if (!claimed) continue;
    // A link would lead the bytes somewhere else.
    if ((await lstat(own)).isFile()) return own;
    await rm(own, { recursive: true, force: true });
  }
  return own;
}

/** Leaves what has arrived for the next download. */
export async function leavePart(own: string, path: string): Promise<void> {
  if ((await sizeOf(own)) === 0) await rm(own, { force: true });
  else await rename(own, `${path}.part`);
}

/** Bytes of a regular file; 0 where there is none. */
export async function sizeOf(path: string): Promise<number> {
  const found = await lstat(path).catch(() => undefined);
  return found?.isFile() ? found.size : 0;
}

/** Opens a file of one's own to go on writing, or anew. */
export function openPart(own: string, goesOn: boolean) {
  return open(own, goesOn ? "a" : "w");
}

async function leftovers(path: string): Promise<string[]> {
  const [folder, name] = [dirname(path), basename(path)];
  const found: string[] = [];
  for (const entry of await readdir(folder)) {
    if (!entry.startsWith(`${name}.`) || !entry.endsWith(".part")) continue;
    const middle = entry.slice(name.length + 1, -"part".length);
    const [, pid] = /^(\d+)-[0-9a-f]{12}\.$/.exec(middle) ?? [];
    const at = join(folder, entry);
    if (middle === "") found.unshift(at);
    else if (
      pid !== undefined &&
      Date.now() - ((await lstat(at).catch(() => undefined))?.mtimeMs ?? Number.NaN) > ABANDONED_MS
    )
      found.push(at);
  }
  return found;
}
