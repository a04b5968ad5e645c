import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { DataError } from "./error.js";
import type { FolderFile } from "./folder.browser.js";

export type { FolderFile };

/** No image that is decoded here is larger. */
const MAX_FILE_BYTES = 256 * 2 ** 20;

/** All files below a folder, in the order of their places; names that begin with a dot are passed over.
 *  @throws DataError if there is no such folder. */
export async function listFolder(path: string): Promise<FolderFile[]> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isDirectory()) throw new DataError(`${path}: there is no such folder`);
  const files: FolderFile[] = [];
  const visit = async (place: readonly string[]): Promise<void> => {
    const names = (await readdir(join(path, ...place))).filter((name) => !name.startsWith(".")).sort();
    for (const name of names) {
      const here = [...place, name];
      const full = join(path, ...here);
      const about = await stat(full);
      if (about.isDirectory()) {
        // A link to a folder above would lead round and round.
        if (here.length > 8)
          throw new DataError(`${full}: folders within folders, more than 8 deep; is it a link to itself?`);
        await visit(here);
      } else
        files.push({
          place: here,
          async read() {
            if (about.size > MAX_FILE_BYTES)
              throw new DataError(`${about.size} bytes; at most ${MAX_FILE_BYTES} are read; make the file smaller`);
            return readFile(full);
          },
        });
    }
  };
  await visit([]);
  return files;
}
