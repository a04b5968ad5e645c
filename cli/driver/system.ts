/** Reads the facts that `planDriver` decides on. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { packages, type System } from "./plan.js";

export interface Finished {
  readonly ok: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program without a shell and without stdin; a missing program or a time-out is `ok: false`. */
export function execute(program: string, args: readonly string[], timeoutMs: number): Promise<Finished> {
  const env = { ...process.env, LC_ALL: "C", DEBIAN_FRONTEND: "noninteractive" };
  return new Promise((resolve) => {
    const child = execFile(program, args, { env, timeout: timeoutMs, maxBuffer: 1 << 26 }, (error, stdout, stderr) =>
      resolve({
        ok: error === null,
        stdout,
        stderr: error?.killed ? `${stderr}\nno answer in ${timeoutMs / 1000} s` : stderr,
      }),
    );
    child.stdin?.end();
  });
}

export async function readSystem(): Promise<System> {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own placeholders.
  const installedFormat = "${db:Status-Status} ${Version}\n";
  const [osRelease, targets, installed] = await Promise.all([
    readFile("/etc/os-release", "utf8").catch(() => ""),
    execute("apt-get", ["indextargets", "--format", "$(REPO_URI) $(RELEASE)", "Created-By: Packages"], 30_000),
    execute("dpkg-query", ["-W", "-f", installedFormat, ...packages], 30_000),
  ]);
  return {
    platform: process.platform,
    osRelease,
    root: process.getuid?.() === 0,
    installForbidden: !["", "0"].includes(process.env.HOLDFAST_NO_INSTALL ?? ""),
    driverVariable: ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"].find((name) => process.env[name] !== undefined),
    indexTargets: targets.ok ? targets.stdout.trim() : undefined,
    installedPackages: installed.stdout.trim().split("\n"),
  };
}
