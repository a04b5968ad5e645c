/** Looks for a WebGPU adapter without risking this process: the probe is a child, since a broken driver can crash it. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The adapter the engine will get, as WebGPU describes it. */
export interface AdapterReport {
  readonly name: string;
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  /** A CPU pretending to be a GPU (lavapipe, SwiftShader). */
  readonly software: boolean;
  readonly features: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
}

export type Probe = { readonly adapter: AdapterReport } | { readonly reason: string };

const probeTimeoutMs = 60_000;

/** One adapter, or one sentence that says why there is none. Never throws. */
export function probeAdapter(): Promise<Probe> {
  const script = fileURLToPath(new URL("./probe.js", import.meta.url));
  return new Promise((resolve) => {
    execFile(process.execPath, [script], { timeout: probeTimeoutMs }, (error, stdout, stderr) => {
      const line = stdout.trim().split("\n").at(-1) ?? "";
      if (line.startsWith("{")) resolve(describe(JSON.parse(line) as Probe, stderr));
      else if (error?.killed)
        resolve({ reason: `the graphics driver did not answer within ${probeTimeoutMs / 1000} s` });
      else
        resolve({ reason: `the graphics driver crashed the probe (${error?.signal ?? `exit code ${error?.code}`})` });
    });
  });
}

function describe(probe: Probe, stderr: string): Probe {
  if ("adapter" in probe) return probe;
  if (/Cannot find package 'webgpu'/.test(probe.reason)) return { reason: "the package webgpu is not installed" };
  // Dawn explains a refused or missing driver on stderr only.
  if (/Found no drivers|INCOMPATIBLE_DRIVER/.test(stderr)) return { reason: "no Vulkan driver is installed" };
  const refused = stderr.match(/[^\n]*(?:required|DynamicIndexing)[^\n]*/)?.[0];
  return refused ? { reason: `the installed graphics driver is refused by Dawn: ${refused.trim()}` } : probe;
}
