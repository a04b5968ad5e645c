/** WebGPU in Node: Dawn through the package `webgpu`; where the platform has `navigator.gpu` (Deno), that. */
import { availableParallelism } from "node:os";
import { DeviceError } from "../errors.js";
import type { OpenGpu, ProviderOptions } from "./provider.js";

interface DawnModule {
  create(options: string[]): GPU;
}

/** Dawn crashes, sometimes much later, when the object `create()` returned is collected before its device. */
const alive = new Set<GPU>();

export async function openGpu({ adapter }: ProviderOptions): Promise<OpenGpu> {
  // Deno has WebGPU of its own, and chooses as browsers do.
  const own = (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu;
  if (own && adapter === undefined) return { gpu: own, release: () => {} };
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

/** Mesa keeps it on disk, unless it is told not to. */
export function keepsCompiled(): boolean {
  return availableParallelism() > 1 && !/^(1|y|yes|t|true)$/i.test(process.env.MESA_SHADER_CACHE_DISABLE ?? "");
}

/** Sleep between two turns of the event loop, as a share of the time waited so far, and at most. */
const usual = { share: 0.05, longestMs: 2 };
const cell = new Int32Array(new SharedArrayBuffer(4));

/** While a map is pending dawn.node asks for it in every turn of the event loop, and there is one turn after the other. Here this
 *  thread sleeps in each turn: results come so much later at most, and the core is free. */
export function pollSlowly(waited: () => number | undefined, { share, longestMs } = usual): void {
  setImmediate(function turn() {
    const ms = waited();
    if (ms === undefined) return;
    Atomics.wait(cell, 0, 0, Math.min(longestMs, share * ms));
    setImmediate(turn);
  });
}
