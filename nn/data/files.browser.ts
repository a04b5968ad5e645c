import type { RemoteFile } from "./collections.js";
import { DataError } from "./error.js";
import type { FileOptions } from "./options.js";
import { sha256 } from "./sha256.js";

/**
 * Fetches one file of a data set from below `options.dataDir`, an address that serves NAME/FILE. The public mirrors do
 * not allow pages of other sites to read them, so there is no default.
 * @throws DataError if there is no address, the server does not deliver, or the contents are not the expected ones.
 */
export async function readDatasetFile(dataset: string, file: RemoteFile, options: FileOptions): Promise<Uint8Array> {
  if (options.dataDir === undefined) {
    throw new DataError(
      `${dataset}: no address to fetch ${file.name} from; a browser needs one; pass dataDir, or use the data set "shapes"`,
    );
  }
  const url = `${options.dataDir.replace(/\/$/, "")}/${dataset}/${file.name}`;
  const response = await fetch(url, { signal: options.signal as AbortSignal | undefined });
  if (!response.ok) {
    throw new DataError(`${dataset}: ${url} answered ${response.status}; put ${file.name} there`);
  }
  const bytes = new Uint8Array(await response.arrayBuffer());
  options.onProgress?.({ file: file.name, received: bytes.length, total: file.bytes ?? bytes.length });
  if (file.sha256 === undefined) return bytes;
  const sum = await sha256(bytes);
  if (sum !== file.sha256) {
    throw new DataError(
      `${dataset}: ${url} has sha256 ${sum}; ${file.sha256} is needed; if the server sends the file as "Content-Encoding: gzip", switch that off`,
    );
  }
  return bytes;
}
