/** Run as a child process: finds the adapter, prints one `AdapterReport` as JSON. A driver that crashes takes only this process. */
import { inspect } from "node:util";
import { isSoftware } from "../../engine/gpu/adapter.js";
import type { ProbeOutput } from "./adapter.js";

/** What of `webgpu` is used here, so that the package stays optional at type level too. */
interface GpuModule {
  create(options: string[]): { requestAdapter(options: GPURequestAdapterOptions): Promise<GPUAdapter | null> };
}

function limitsOf(adapter: GPUAdapter): Record<string, number> {
  const limits: Record<string, number> = {};
  for (const name in adapter.limits) {
    const value = adapter.limits[name as keyof GPUSupportedLimits];
    if (typeof value === "number") limits[name] = value;
  }
  return limits;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.split("\n")[0] : inspect(error);
}

async function probe(): Promise<ProbeOutput> {
  let webgpu: GpuModule;
  try {
    webgpu = (await import("webgpu")) as unknown as GpuModule;
  } catch (error) {
    return { unloadable: messageOf(error) };
  }
  const gpu = webgpu.create([]);
  // As the engine asks.
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) return { reason: "no graphics driver offers an adapter" };
  const { vendor, architecture, device, description } = adapter.info;
  // Dawn's null backend accepts every command and executes none.
  if (device === "null-backend") return { reason: "the only adapter is Dawn's null backend, which executes nothing" };
  const software = isSoftware(adapter.info);
  return {
    adapter: {
      // Software drivers describe themselves well; of a GPU the model is what one wants to read.
      name: (software ? description : `${vendor} ${device || architecture}`.trim()) || "unnamed adapter",
      driver: description,
      vendor,
      architecture,
      device,
      software,
      features: [...adapter.features].sort(),
      limits: limitsOf(adapter),
    },
  };
}

const output = await probe().catch((error: unknown): ProbeOutput => ({ reason: messageOf(error) }));
process.stdout.write(`${JSON.stringify(output)}\n`);
