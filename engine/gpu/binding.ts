import type { KernelCall, Operand } from "../lower.js";
import type { Device } from "./device.js";
import { type UniformBlock, writeParams } from "./params.js";
import type { Pipeline } from "./pipelines.js";
import type { Storage } from "./pool.js";

/** Dynamic offsets of uniforms come in these steps on every adapter. */
export const slotBytes = 256;

/** Slots the parameters of a call take. */
export function slotsOf({ uniform }: Pipeline): number {
  return uniform ? Math.ceil(uniform.params.bytes / slotBytes) : 0;
}

/** Writes the parameters of a call into its slot. */
export function writeSlot({ name, uniform }: Pipeline, call: KernelCall, block: UniformBlock, slot: number): void {
  if (uniform) writeParams(name, uniform.params, call.params ?? {}, block, slot * slotBytes);
}

/** The bind group of a call whose operands lie in `Storage`s and whose parameters lie in `uniforms`.
 *  @throws Error when the call and the kernel's declarations differ. */
export function createBindGroup(
  device: Device,
  { name, shared, storage, uniform }: Pipeline,
  bind: Readonly<Record<string, Operand>>,
  uniforms: GPUBuffer,
): GPUBindGroup {
  const unknown = Object.keys(bind).filter((key) => !storage.some((b) => b.name === key));
  if (unknown.length > 0) throw new Error(`internal: shader ${name} has no binding ${unknown.join(", ")}`);
  const entries: GPUBindGroupEntry[] = storage.map((b) => {
    const operand = bind[b.name];
    if (!operand) throw new Error(`internal: shader ${name} gets nothing for binding ${b.name}`);
    if (operand.dtype !== b.scalar)
      throw new Error(`internal: shader ${name} declares ${b.name} as ${b.type} and gets ${operand.dtype}`);
    return { binding: b.binding, resource: { buffer: (operand.buffer as Storage).buffer } };
  });
  if (uniform) entries.push({ binding: uniform.binding, resource: { buffer: uniforms, size: uniform.params.bytes } });
  return device.watch(["validation"], () => device.gpu.createBindGroup({ layout: shared.layout, entries }));
}
