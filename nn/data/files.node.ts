import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolder } from "../../engine/cache.node.js";
import type { RemoteFile } from "./collections.js";
import { download } from "./download.node.js";
import { DataError } from "./error.js";
import type { FileOptions } from "./options.js";
import { sha256 } from "./sha256.js";

/** No file of a data set is larger. */
const MAX_BYTES = 256 * 2 ** 20;

/**
 * One file of a data set, from `options.dataDir` or HOLDFAST_DATA if one is given, else from the user's cache folder,
 * into which it is downloaded when needed.
 * @throws DataError if the file is missing or is not the expected one.
 */
export async function readDatasetFile(dataset: string, file: RemoteFile, options: FileOptions): Promise<Uint8Array> {
  const folder = options.dataDir ?? (process.env.HOLDFAST_DATA || undefined);
  if (folder !== undefined) return readFrom(folder, dataset, file);
  if (file.urls.length === 0)
    throw new DataError(
      `${dataset}: ${file.name} is not downloaded; fetch it from ${file.source} and name the folder that holds it (--data-dir or HOLDFAST_DATA)`,
    );
  const cached = join(await cacheFolder(), dataset, file.name);
  const ready = await open(cached, file);
  if (ready instanceof Uint8Array) return ready;
  await download(file, cached, options);
  return readFile(cached);
}

async function readFrom(folder: string, dataset: string, file: RemoteFile): Promise<Uint8Array> {
  const places = [dataset, ...(file.folder === undefined ? [] : [file.folder]), "."];
  for (const path of places.map((place) => join(folder, place, file.name))) {
    const found = await open(path, file);
    if (found instanceof Uint8Array) return found;
    if (found !== "is missing") throw new DataError(`${dataset}: ${path} ${found}; replace the file`);
  }
  throw new DataError(
    `${dataset}: no ${file.name} in ${folder} or ${join(folder, dataset)}; put it there, ${file.urls.length === 0 ? `from ${file.source}` : "or give no data folder to download it"}`,
  );
}

/** The bytes at `path`, or why they cannot be used. */
async function open(path: string, file: RemoteFile): Promise<Uint8Array | string> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
    throw error;
  });
  if (!found?.isFile()) return "is missing";
  if (file.bytes !== undefined && found.size !== file.bytes) return `has ${found.size} bytes; ${file.bytes} are needed`;
  if (found.size > MAX_BYTES) return `has ${found.size} bytes; at most ${MAX_BYTES} are read`;
  const bytes = await readFile(path);
  if (file.sha256 === undefined) return bytes;
  const sum = await sha256(bytes);
  return sum === file.sha256 ? bytes : `has sha256 ${sum}; ${file.sha256} is needed`;
}
