/** Makes sure that there is a WebGPU adapter, or says exactly what is missing. */
import { type AdapterReport, probeAdapter } from "./driver/adapter.js";
import { installDriver } from "./driver/install.js";
import { packages, planDriver, type Remedy } from "./driver/plan.js";
import { readSystem } from "./driver/system.js";

export type { AdapterReport } from "./driver/adapter.js";
export type { Remedy } from "./driver/plan.js";

export type AdapterResult =
  | { readonly kind: "ready"; readonly adapter: AdapterReport }
  | { readonly kind: "missing"; readonly remedy: Remedy };

/** Looks for an adapter and changes nothing. */
export async function findAdapter(): Promise<AdapterResult> {
  const probe = await probeAdapter();
  if ("adapter" in probe) return { kind: "ready", adapter: probe.adapter };
  return { kind: "missing", remedy: planDriver(await readSystem(), probe).remedy };
}

/**
 * Looks for an adapter; where there is none and apt can give one (Debian, Ubuntu, as root), installs Mesa's software
 * driver, saying so in one line. HOLDFAST_NO_INSTALL=1 forbids that. Never throws: a missing adapter is an answer.
 */
export async function ensureAdapter(say: (line: string) => void = console.error): Promise<AdapterResult> {
  const probe = await probeAdapter();
  if ("adapter" in probe) return { kind: "ready", adapter: probe.adapter };
  const { install, remedy } = planDriver(await readSystem(), probe);
  if (!install) return { kind: "missing", remedy };
  say(
    `holdfast: ${probe.reason}; installing Mesa's software driver (${packages.join(", ")}) with apt-get, ` +
      "once (HOLDFAST_NO_INSTALL=1 forbids it)",
  );
  const failure = await installDriver();
  if (failure !== undefined) return { kind: "missing", remedy: { ...remedy, reason: `${probe.reason}; ${failure}` } };
  const again = await probeAdapter();
  if ("adapter" in again) return { kind: "ready", adapter: again.adapter };
  return { kind: "missing", remedy: { ...remedy, reason: `Mesa's driver was installed, yet ${again.reason}` } };
}

/** A remedy as lines to print. */
export function formatRemedy({ reason, commands, hint }: Remedy): string {
  const lines = commands.length > 0 ? ["To get one:", ...commands.map((command) => `  ${command}`), hint] : [hint];
  return [`No WebGPU adapter: ${reason}.`, ...lines.filter((line) => line !== "")].join("\n");
}
