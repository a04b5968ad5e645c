/** Looks for a WebGPU adapter without risking this process: the probe is a child, since a broken driver can crash it. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { NoAdapter } from "./plan.js";

/** The adapter the engine will get, as WebGPU describes it. */
export interface AdapterReport {
  readonly name: string;
  /** The driver's own description, with its version. */
  readonly driver: string;
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  /** A CPU pretending to be a GPU (lavapipe, SwiftShader). */
  readonly software: boolean;
  readonly features: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
}

export type Probe = { readonly adapter: AdapterReport } | NoAdapter;

/** What the child prints. */
export type ProbeOutput =
  | { readonly adapter: AdapterReport }
  | { readonly unloadable: string }
  | { readonly reason: string };

const probeTimeoutMs = 60_000;

/** One adapter, or one sentence that says why there is none. Never throws. */
export function probeAdapter(): Promise<Probe> {
  const script = fileURLToPath(new URL("./probe.js", import.meta.url));
  return new Promise((resolve) => {
    execFile(process.execPath, [script], { timeout: probeTimeoutMs }, (error, stdout, stderr) => {
      const line = stdout.trim().split("\n").at(-1) ?? "";
      if (line.startsWith("{")) resolve(explain(JSON.parse(line) as ProbeOutput, stderr));
      else if (error?.killed)
        resolve({ cause: "driver", reason: `the graphics driver did not answer within ${probeTimeoutMs / 1000} s` });
      else
        resolve({
          cause: "driver",
          reason: `the graphics driver crashed (${error?.signal ?? `exit code ${error?.code}`})`,
        });
    });
  });
}

function explain(output: ProbeOutput, stderr: string): Probe {
  if ("adapter" in output) return output;
  if ("unloadable" in output)
    return { cause: "package", reason: `the package webgpu cannot be loaded: ${output.unloadable}` };
  // Dawn explains a missing or refused driver on stderr only.
  if (/Found no drivers|VK_ERROR_INCOMPATIBLE_DRIVER|libvulkan/i.test(stderr))
    return { cause: "driver", reason: "no Vulkan driver is found" };
  const refusal = stderr.match(/^(?:Warning: )?(.*\brequired)\b/m)?.[1];
  return { cause: "driver", reason: refusal ? `the Vulkan driver is refused: ${refusal}` : output.reason };
}
