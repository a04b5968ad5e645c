/** Installs Mesa's software Vulkan driver by apt, from the archive this system already uses. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { candidateSuffices, debianBackports, oldestMesa, packages } from "./plan.js";
import { execute, type Finished, readSystem } from "./system.js";

const updateTimeoutMs = 180_000;
const installTimeoutMs = 600_000;
const lockWaitMs = 120_000;

/** The line of apt's output that says what went wrong. */
function complaint({ stdout, stderr }: Finished): string {
  const lines = `${stdout}\n${stderr}`.split("\n").map((line) => line.trim());
  const find = (prefix: string) => lines.find((line) => line.startsWith(prefix))?.slice(prefix.length);
  return (find("E: ") ?? find("W: ") ?? lines.filter(Boolean).at(-1) ?? "no output").trim();
}

/** apt-get update succeeds without a network, with warnings; they are then the cause of what fails later. */
function unreachable(updated: Finished): string | undefined {
  return /^W: Failed to fetch/m.test(`${updated.stdout}\n${updated.stderr}`) ? complaint(updated) : undefined;
}

/** apt waits for dpkg's lock by itself, but not for the one of its package lists. */
async function aptGet(args: readonly string[], timeoutMs: number): Promise<Finished> {
  const giveUp = Date.now() + lockWaitMs;
  const options = ["-q", "-y", "-o", `DPkg::Lock::Timeout=${lockWaitMs / 1000}`, "-o", "Acquire::Retries=1"];
  const timeouts = ["-o", "Acquire::http::Timeout=15", "-o", "Acquire::https::Timeout=15"];
  for (;;) {
    const result = await execute("apt-get", [...options, ...timeouts, ...args], timeoutMs);
    if (result.ok || !/Could not get lock/.test(result.stderr) || Date.now() > giveUp) return result;
    await sleep(2000);
  }
}

/** Returns undefined on success, else one sentence that says why nothing was installed. Leaves no file in /etc/apt. */
export async function installDriver(): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-apt-"));
  try {
    let updated = await aptGet(["update"], updateTimeoutMs);
    const policy = await execute("apt-cache", ["policy", packages[0]], 30_000);
    let from: string[] = [];
    if (!candidateSuffices(policy.stdout)) {
      const backports = debianBackports(await readSystem());
      if (!backports)
        return unreachable(updated) ?? `this release offers no ${packages[0]} of version ${oldestMesa} or newer`;
      // The user's own list with one line more; those in sources.list.d stay in force beside it.
      const list = join(folder, "sources.list");
      const own = await readFile("/etc/apt/sources.list", "utf8").catch(() => "");
      await writeFile(list, `${own}\n${backports.source}\n`);
      const sources = ["-o", `Dir::Etc::SourceList=${list}`];
      updated = await aptGet([...sources, "update"], updateTimeoutMs);
      from = [...sources, "-t", backports.suite];
    }
    const installed = await aptGet([...from, "install", "--no-install-recommends", ...packages], installTimeoutMs);
    if (installed.ok) return undefined;
    return unreachable(updated) ?? `apt-get install failed: ${complaint(installed)}`;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
