import { readFile, realpath, stat } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import { DataError } from "../data/error.js";
import type { ModelFile } from "./files.browser.js";
import { isInside } from "./initialiser.js";

export type { ModelFile };

/** A single array holds no more. */
const MAX_BYTES = 2 ** 31 - 1;

/** A model, and how to read the files of its folder. @throws DataError for a file that is missing, too large or elsewhere. */
export async function readModelFile(path: string): Promise<ModelFile> {
  const bytes = await readWhole(path, path);
  const folder = await realpath(dirname(path));
  return {
    bytes,
    async readExternal(location) {
      if (!isInside(location))
        throw new DataError(`onnx: ${JSON.stringify(location)} is no path inside the model's folder; one is needed`);
      const wanted = join(folder, location);
      const real = await realpath(wanted).catch(() => undefined);
      if (real === undefined) throw new DataError(`onnx: ${wanted} is missing; the model keeps weights in it`);
      // A link may lead anywhere.
      if (!real.startsWith(folder.endsWith(sep) ? folder : folder + sep))
        throw new DataError(`onnx: ${wanted} is a link out of the model's folder; put the file itself there`);
      return readWhole(real, wanted);
    },
  };
}

async function readWhole(path: string, name: string): Promise<Uint8Array> {
  const about = await stat(path).catch(() => undefined);
  if (!about?.isFile()) throw new DataError(`onnx: ${name} is no file; check the path`);
  if (about.size > MAX_BYTES)
    throw new DataError(`onnx: ${name} has ${about.size} bytes; at most ${MAX_BYTES} are read; split the weights`);
  return readFile(path);
}
