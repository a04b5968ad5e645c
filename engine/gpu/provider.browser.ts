/** WebGPU in a browser. */
import { DeviceError } from "../errors.js";
import type { OpenGpu, ProviderOptions } from "./provider.js";

export async function openGpu({ adapter }: ProviderOptions): Promise<OpenGpu> {
  if (adapter !== undefined)
    throw new DeviceError(`init: adapter "${adapter}" was asked for; browsers choose by powerPreference only`);
  const gpu = (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu;
  if (!gpu) throw new DeviceError("init: this browser has no WebGPU; use a current one, over https or from localhost");
  return { gpu, release: () => {} };
}
