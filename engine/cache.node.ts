/** Where files are kept between runs. */
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The user's own cache folder. A user without an entry in the password file and without HOME, as containers have them, has none: then
 *  it lies in XDG_CACHE_HOME if that is set, else in the folder for temporary files. */
export async function cacheFolder(): Promise<string> {
  try {
    // Looks up the home folder when it is loaded, and throws where there is none.
    const { default: envPaths } = await import("env-paths");
    return envPaths("holdfast", { suffix: "" }).cache;
  } catch {
    const { XDG_CACHE_HOME } = process.env;
    return XDG_CACHE_HOME
      ? join(XDG_CACHE_HOME, "holdfast")
      : join(tmpdir(), `holdfast-${process.getuid?.() ?? "cache"}`);
  }
}
