/** WebGPU in Node: Dawn through the package `webgpu`. */
import { DeviceError } from "../errors.js";
import type { OpenGpu, ProviderOptions } from "./provider.js";

interface DawnModule {
  create(options: string[]): GPU;
}

/** Dawn crashes, sometimes much later, when the object `create()` returned is collected before its device. */
const alive = new Set<GPU>();

export async function openGpu({ adapter }: ProviderOptions): Promise<OpenGpu> {
  let dawn: DawnModule;
  try {
    dawn = (await import("webgpu")) as unknown as DawnModule;
  } catch (cause) {
    throw new DeviceError(
      "init: the package webgpu, which brings WebGPU to Node, cannot be loaded; npm install webgpu",
      {
        cause,
      },
    );
  }
  // Quantised time stamps would give a kernel of a few microseconds the time 0.
  const options = ["disable-dawn-features=timestamp_quantization"];
  if (adapter !== undefined) options.push(`adapter=${adapter}`);
  const gpu = dawn.create(options);
  alive.add(gpu);
  return { gpu, release: () => alive.delete(gpu) };
}

/** dawn.node spins on the event loop while a map is pending. */
export const pollsWhileWaiting = true;
