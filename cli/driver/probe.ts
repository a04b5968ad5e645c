/** Run as a child process: finds the adapter, prints one `AdapterReport` as JSON. A driver that crashes takes only this process. */
import { inspect } from "node:util";
import type { AdapterReport } from "./adapter.js";

/** What of `webgpu` is used here, so that the package stays optional at type level too. */
interface GpuModule {
  create(options: string[]): { requestAdapter(): Promise<GPUAdapter | null> };
}

function limitsOf(adapter: GPUAdapter): Record<string, number> {
  const limits: Record<string, number> = {};
  for (const name in adapter.limits) {
    const value = adapter.limits[name as keyof GPUSupportedLimits];
    if (typeof value === "number") limits[name] = value;
  }
  return limits;
}

async function probe(): Promise<AdapterReport | string> {
  const { create } = (await import("webgpu")) as unknown as GpuModule;
  const gpu = create([]);
  const adapter = await gpu.requestAdapter();
  if (!adapter) return "no Vulkan, Metal or Direct3D 12 driver offers an adapter";
  const { vendor, architecture, device, description, isFallbackAdapter } = adapter.info;
  // Dawn's null backend accepts every command and executes none.
  if (device === "null-backend") return "the only adapter is Dawn's null backend, which executes nothing";
  return {
    name: description || device || vendor,
    vendor,
    architecture,
    device,
    software:
      isFallbackAdapter || architecture === "software" || /swiftshader|llvmpipe/i.test(`${device} ${description}`),
    features: [...adapter.features].sort(),
    limits: limitsOf(adapter),
  };
}

const answer = await probe().catch((error: unknown) => (error instanceof Error ? error.message : inspect(error)));
process.stdout.write(`${JSON.stringify(typeof answer === "string" ? { reason: answer } : { adapter: answer })}\n`);
