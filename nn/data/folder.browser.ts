import { DataError } from "./error.js";

/** A file below a folder. */
export interface FolderFile {
  /** Names from the folder to the file. */
  readonly place: readonly string[];
  /** @throws DataError for one that is too large to be an image. */
  read(): Promise<Uint8Array>;
}

/** A browser has no folders. @throws DataError always. */
export async function listFolder(path: string): Promise<FolderFile[]> {
  throw new DataError(`${path}: a browser cannot read folders; decode the images there and pass them to fromArrays`);
}
