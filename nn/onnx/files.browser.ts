import { DataError } from "../data/error.js";
import type { ReadExternal } from "./initialiser.js";

export interface ModelFile {
  readonly bytes: Uint8Array;
  readonly readExternal: ReadExternal;
}

/** A browser has no folders. @throws DataError always. */
export async function readModelFile(path: string): Promise<ModelFile> {
  throw new DataError(`${path}: a browser cannot open paths; fetch the model there and pass its bytes to importOnnx`);
}
