/** `holdfast doctor`: what this machine offers the engine, and what is missing. */
import { existsSync, readFileSync } from "node:fs";
import { keptTuning } from "../../engine/tuning.js";
import { columns } from "../arguments.js";
import { defineCommand } from "../command.js";
import { osField } from "../driver/plan.js";
import { readSystem } from "../driver/system.js";
import { type AdapterReport, findAdapter, formatRemedy, type Remedy } from "../driver.js";

interface Diagnosis {
  readonly versions: { readonly holdfast: string; readonly node: string; readonly webgpu: string | null };
  readonly system: string;
  readonly adapter: AdapterReport | null;
  readonly missing: Remedy | null;
  /** Whether kernels are chosen by a table that was measured on this adapter. */
  readonly tuning: string | null;
  /** What works less well than it could, and why. */
  readonly notes: readonly string[];
}

/** Features the engine makes use of where they exist. */
const uses: Readonly<Record<string, string>> = {
  "timestamp-query": "the time of each kernel cannot be measured",
  subgroups: "matrix products take slower kernels",
};

function packageVersion(url: string | URL): string {
  return (JSON.parse(readFileSync(new URL(url), "utf8")) as { version: string }).version;
}

function webgpuVersion(): string | null {
  try {
    return packageVersion(new URL("./package.json", import.meta.resolve("webgpu")));
  } catch {
    return null;
  }
}

function notesOn(adapter: AdapterReport): string[] {
  const lacking = Object.keys(uses).filter((name) => !adapter.features.includes(name));
  const notes = lacking.map((name) => `no ${name}: ${uses[name]}`);
  if (adapter.software && existsSync("/dev/nvidiactl"))
    notes.push(
      "an NVIDIA device is present, but the loader finds no Vulkan driver for it: in a container allow the graphics " +
        "capability, or point VK_DRIVER_FILES at the driver's nvidia_icd.json",
    );
  return notes;
}

async function tuningOf({ vendor, architecture, device, driver }: AdapterReport): Promise<string> {
  const kept = await keptTuning({ vendor, architecture, device, description: driver });
  if (!kept) return "none; `npx holdfast bench tune` measures a table for this adapter";
  const { path, table, problem } = kept;
  if (!table) return `${path} is not used: ${problem}`;
  const better = table.choices.filter(({ choice }) => choice).length;
  return `in use: ${better} of ${table.choices.length} shapes differ from the built-in choice, measured ${table.made}, ${path}`;
}

async function diagnose(): Promise<Diagnosis> {
  const [found, { osRelease }] = await Promise.all([findAdapter(), readSystem()]);
  const adapter = found.kind === "ready" ? found.adapter : null;
  return {
    versions: {
      holdfast: packageVersion(new URL("../../../package.json", import.meta.url)),
      node: process.versions.node,
      webgpu: webgpuVersion(),
    },
    system: [osField(osRelease, "PRETTY_NAME"), process.platform, process.arch].filter(Boolean).join(" "),
    adapter,
    missing: found.kind === "missing" ? found.remedy : null,
    tuning: adapter ? await tuningOf(adapter) : null,
    notes: adapter ? notesOn(adapter) : [],
  };
}

function bytes(value: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = value > 0 ? Math.min(units.length - 1, Math.floor(Math.log2(value) / 10)) : 0;
  return `${Number((value / 1024 ** power).toFixed(1))} ${units[power]}`;
}

/** Limits that concern compute; --json has them all. */
function matters([name]: [string, number]): boolean {
  return !/Texture|Vertex|Color|Sampler|InterStage|Fragment/.test(name);
}

/** Limits in bytes are printed with a unit; the others are counts. */
function limit([name, value]: [string, number]): [string, string] {
  return [name, /Size$/.test(name) && /Buffer|Storage|Binding/.test(name) ? bytes(value) : String(value)];
}

function report({ versions, system, adapter, missing, tuning, notes }: Diagnosis): string {
  const rows: [string, string][] = [
    ["holdfast", versions.holdfast],
    ["node", versions.node],
    ["webgpu", versions.webgpu ?? "not installed"],
    ["system", system],
  ];
  if (!adapter) return `${columns(rows)}\n\n${missing ? formatRemedy(missing) : ""}`;
  rows.push(
    ["adapter", adapter.name],
    ["driver", adapter.driver],
    ["kind", adapter.software ? "software: the processor does the work of a GPU" : "hardware"],
    ["features", adapter.features.join(", ")],
    ["tuning", tuning ?? "none"],
    ["missing", notes.join("; ") || "nothing"],
  );
  return `${columns(rows)}\n\nlimits\n${columns(Object.entries(adapter.limits).filter(matters).map(limit))}`;
}

export const command = defineCommand({
  summary: "show the graphics adapter, its driver and limits, and what is missing",
  options: { json: { type: "boolean", help: "print the same as JSON" } },
  async run({ values }) {
    const diagnosis = await diagnose();
    console.log(values.json ? JSON.stringify(diagnosis, null, 2) : report(diagnosis));
    return diagnosis.adapter ? 0 : 1;
  },
});
