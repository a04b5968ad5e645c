import type { Launch } from "../lower.js";
import type { Device } from "./device.js";
import { type UniformBlock, writeParams } from "./params.js";
import type { Pipeline } from "./pipelines.js";
import type { Storage } from "./pool.js";

/** Dynamic offsets of uniforms come in these steps on every adapter. */
export const slotBytes = 256;

/** Slots the parameters of a call take. */
export function slotsOf({ params }: Pick<Pipeline, "params">): number {
  return params ? Math.ceil(params.bytes / slotBytes) : 0;
}

/** Writes the parameters of a call into its slot. */
export function writeSlot({ name, params }: Pipeline, call: Launch, block: UniformBlock, slot: number): void {
  if (params) writeParams(name, params, call.params ?? {}, block, slot * slotBytes);
}

/** @throws Error when a call's operands are not what the kernel declares. */
export function checkOperands({ name, storage }: Pipeline, bind: Launch["bind"]): void {
  let unseen = 0;
  for (const _ in bind) unseen++;
  for (const { name: key, scalar } of storage) {
    const operand = bind[key];
    if (!operand) throw new Error(`internal: shader ${name} gets nothing for binding ${key}`);
    // Halves lie two in a word.
    if ((operand.dtype === "f16" ? "u32" : operand.dtype) !== scalar)
      throw new Error(`internal: shader ${name} declares ${key} as ${scalar} and gets ${operand.dtype}`);
    unseen--;
  }
  if (unseen === 0) return;
  const unknown = Object.keys(bind).filter((key) => !storage.some((b) => b.name === key));
  throw new Error(`internal: shader ${name} has no binding ${unknown.join(", ")}`);
}

/** The bind group of a call whose operands lie in `Storage`s and whose parameters lie in `uniforms`. */
export function createBindGroup(
  device: Device,
  { shared, storage, params }: Pipeline,
  bind: Launch["bind"],
  uniforms: GPUBuffer,
): GPUBindGroup {
  const entries: GPUBindGroupEntry[] = storage.map(({ name, binding }) => ({
    ...{ binding, resource: { buffer: (bind[name].buffer as Storage).buffer } },
  }));
  if (params)
    entries.push({ binding: params.binding, resource: { buffer: uniforms, size: slotBytes * slotsOf({ params }) } });
  return device.watch(["validation"], () => device.gpu.createBindGroup({ layout: shared.layout, entries }));
}
