import { mkdir, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { syncFolder } from "../write-file.node.js";
import type { RemoteFile as PublicFile } from "./collections.js";
import { DataError } from "./error.js";
import type { FileOptions } from "./options.js";
import { claimPart, leavePart, openPart, sizeOf } from "./part-file.node.js";
import { sha256 } from "./sha256.js";

/** A file that can be checked: nothing else is downloaded. */
type RemoteFile = PublicFile & Required<Pick<PublicFile, "bytes" | "sha256">>;

export interface DownloadOptions extends Pick<FileOptions, "onProgress" | "signal"> {
  /** Give up on a server that for so long sends nothing, or less than 500 bytes a second. */
  readonly stallMs?: number;
}

/** How often one address may break off and be resumed before the next one is tried. */
const MAX_RESUMES = 10;

/** Slower than this many bytes a second is as good as nothing. */
const LEAST_RATE = 500;

/**
 * Downloads `file` to `path`, which appears only when the checksum is right. What has arrived waits in `path.part` and is continued by
 * a later run. Processes that download the same file at once each write a file of their own, and each puts a whole one in its place.
 * @throws DataError that lists what each address answered, if none delivered, or that says why nothing can be written; the reason of
 * `signal` if it aborts.
 */
export async function download(wanted: PublicFile, path: string, options: DownloadOptions = {}): Promise<void> {
  const { bytes, sha256: sum } = wanted;
  if (bytes === undefined || sum === undefined)
    throw new DataError(`${wanted.name}: its sum is not known, so it is not downloaded; put it into a data folder`);
  const file: RemoteFile = { ...wanted, bytes, sha256: sum };
  const part = await writable(file, path, async () => {
    await mkdir(dirname(path), { recursive: true });
    return claimPart(path);
  });
  try {
    await fetchInto(part, file, path, options);
  } finally {
    await leavePart(part, path).catch(() => {});
  }
}

/** Tries one address after the other, each as long as something comes of it. */
async function fetchInto(part: string, file: RemoteFile, path: string, options: DownloadOptions): Promise<void> {
  const failures: string[] = [];
  for (const url of file.urls) {
    let again = true;
    for (let resumes = 0; again && resumes <= MAX_RESUMES; resumes++) {
      const before = await sizeOf(part);
      try {
        await receive(url, part, file, options);
        await acceptOrDiscard(part, file);
      } catch (error) {
        options.signal?.throwIfAborted();
        if (error instanceof DataError) throw error;
        failures.push(`${url}: ${describe(error)}`);
        // Worth another try: new bytes have come, or old bytes that were wrong are gone.
        const after = await sizeOf(part);
        again = after > before || (before > 0 && after === 0);
        continue;
      }
      return writable(file, path, async () => {
        await rename(part, path);
        await syncFolder(dirname(path));
      });
    }
  }
  throw new DataError(
    `${file.name}: no address delivered it (${failures.slice(-4).join("; ")}); put the file at ${path}, or name a folder that has it (--data-dir or HOLDFAST_DATA)`,
  );
}

/** Appends what is missing of `part`, or starts it anew where the server does not continue. */
async function receive(url: string, part: string, file: RemoteFile, options: DownloadOptions): Promise<void> {
  let have = await sizeOf(part);
  if (have >= file.bytes) return;
  const { stallMs = 30_000, signal, onProgress } = options;
  const stop = new AbortController();
  const abort = () => stop.abort(signal?.reason);
  signal?.throwIfAborted();
  signal?.addEventListener("abort", abort);
  // A byte now and then would keep a clock from running out that every byte starts anew.
  let came = 0;
  const clock = setInterval(() => {
    if (came < (LEAST_RATE * stallMs) / 1000)
      stop.abort(new Error(`sent ${came === 0 ? "nothing" : `${came} bytes`} for ${stallMs / 1000} s`));
    came = 0;
  }, stallMs);
  try {
    // identity: a server that unpacks or packs on the way would change the bytes that are counted and summed.
    const headers: Record<string, string> = { "accept-encoding": "identity" };
    if (have > 0) headers.range = `bytes=${have}-`;
    const response = await fetch(url, { headers, signal: stop.signal });
    const continues = response.status === 206 && response.headers.get("content-range")?.startsWith(`bytes ${have}-`);
    if (!(continues || response.status === 200) || response.body === null) {
      await response.body?.cancel();
      // Range not satisfiable: what is here is not the beginning of what is there.
      if (response.status === 416) await rm(part, { force: true });
      throw new Error(`answered ${response.status}`);
    }
    if (!continues) have = 0;
    const target = await writable(file, part, () => openPart(part, Boolean(continues)));
    try {
      for await (const chunk of response.body) {
        have += chunk.length;
        came += chunk.length;
        if (have > file.bytes) break;
        await writable(file, part, () => target.appendFile(chunk));
        onProgress?.({ file: file.name, received: have, total: file.bytes });
      }
      await target.sync();
    } finally {
      await target.close();
    }
  } finally {
    clearInterval(clock);
    signal?.removeEventListener("abort", abort);
  }
  if (have > file.bytes) {
    await rm(part);
    throw new Error(`sent more than the ${file.bytes} bytes of the file`);
  }
  if (have < file.bytes) throw new Error(`ended after ${have} of ${file.bytes} bytes`);
}

/** Does what writes. @throws DataError when it cannot: no other address would change that. */
async function writable<T>(file: RemoteFile, path: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (cause) {
    throw new DataError(
      `${file.name}: it cannot be kept at ${path} (${(cause as NodeJS.ErrnoException).code ?? describe(cause)}); name a folder that has it (--data-dir or HOLDFAST_DATA), or a cache folder that can be written (XDG_CACHE_HOME)`,
      { cause },
    );
  }
}

/** Deletes `part` and throws if it is not the file it should be. */
async function acceptOrDiscard(part: string, file: RemoteFile): Promise<void> {
  const sum = await sha256(await readFile(part));
  if (sum === file.sha256) return;
  await rm(part);
  throw new Error(`delivered sha256 ${sum.slice(0, 16)}…, ${file.sha256.slice(0, 16)}… is needed`);
}

/** fetch says "fetch failed" and keeps the reason in `cause`. */
function describe(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error && cause.message ? `${message} (${cause.message})` : message;
}
