import type { Launch, Operand } from "../lower.js";
import type { Device } from "./device.js";
import { type UniformBlock, writeParams } from "./params.js";
import type { Pipeline } from "./pipelines.js";
import type { Storage } from "./pool.js";

/** Dynamic offsets of uniforms come in these steps on every adapter. */
export const slotBytes = 256;

/** Slots the parameters of a call take. */
export function slotsOf({ params }: Pipeline): number {
  return params ? Math.ceil(params.bytes / slotBytes) : 0;
}

/** Writes the parameters of a call into its slot. */
export function writeSlot({ name, params }: Pipeline, call: Launch, block: UniformBlock, slot: number): void {
  if (params) writeParams(name, params, call.params ?? {}, block, slot * slotBytes);
}

/** The bind group of a call whose operands lie in `Storage`s and whose parameters lie in `uniforms`.
 *  @throws Error when the call and the kernel's declarations differ. */
export function createBindGroup(
  device: Device,
  { name, shared, storage, params }: Pipeline,
  bind: Readonly<Record<string, Operand>>,
  uniforms: GPUBuffer,
): GPUBindGroup {
  const unknown = Object.keys(bind).filter((key) => !storage.some((b) => b.name === key));
  if (unknown.length > 0) throw new Error(`internal: shader ${name} has no binding ${unknown.join(", ")}`);
  const entries: GPUBindGroupEntry[] = storage.map((b) => {
    const operand = bind[b.name];
    if (!operand) throw new Error(`internal: shader ${name} gets nothing for binding ${b.name}`);
    // Halves lie two in a word.
    if ((operand.dtype === "f16" ? "u32" : operand.dtype) !== b.scalar)
      throw new Error(`internal: shader ${name} declares ${b.name} as ${b.scalar} and gets ${operand.dtype}`);
    return { binding: b.binding, resource: { buffer: (operand.buffer as Storage).buffer } };
  });
  if (params) entries.push({ binding: params.binding, resource: { buffer: uniforms, size: params.bytes } });
  return device.watch(["validation"], () => device.gpu.createBindGroup({ layout: shared.layout, entries }));
}
