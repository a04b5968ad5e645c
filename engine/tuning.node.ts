/** Tuning tables in the user's cache folder, a file per adapter. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolder } from "./cache.node.js";
import type { AdapterIdentity } from "./tuning.js";

/** Where the table of an adapter is kept. */
export async function tuningPath({ vendor, architecture, device, description }: AdapterIdentity): Promise<string> {
  const identity = JSON.stringify([vendor, architecture, device, description]);
  const name = (device || architecture || vendor)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, 40);
  const digest = createHash("sha256").update(identity).digest("hex").slice(0, 12);
  return join(await cacheFolder(), "tuning", `${name}-${digest}.json`);
}

export async function savedTuning(adapter: AdapterIdentity): Promise<{ path: string; text: string } | undefined> {
  const path = await tuningPath(adapter);
  try {
    return { path, text: await readFile(path, "utf8") };
  } catch {
    // Not there, or not to be read by this user: nothing is kept.
    return undefined;
  }
}
