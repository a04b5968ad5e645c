/**
 * Commands on their way to the GPU: kernel calls are encoded into one compute pass and submitted together. All
 * parameters of a submit lie in one uniform buffer, written once just before it, because `queue.writeBuffer` overtakes
 * commands that are recorded and not yet submitted.
 */
import { DeviceError } from "../errors.js";
import type { KernelCall, Operand } from "../lower.js";
import type { Device } from "./device.js";
import { usage } from "./flags.js";
import { UniformBlock, writeParams } from "./params.js";
import type { Pipeline, Pipelines } from "./pipelines.js";
import type { Storage } from "./pool.js";

/** Dynamic offsets come in these steps on every adapter. */
const slotBytes = 256;
const slots = 1024;
const maxBindGroups = 8192;

export class Stream {
  /** Counts submits; a storage whose `usedIn` equals it is used by commands not submitted yet. */
  serial = 1;
  /** Launches recorded since the beginning. */
  launches = 0;
  #encoder: GPUCommandEncoder | undefined;
  #pass: GPUComputePassEncoder | undefined;
  #pending = 0;
  #usedSlots = 0;
  readonly #block = new UniformBlock(slotBytes * slots);
  readonly #uniforms: GPUBuffer;
  readonly #bindGroups = new Map<string, GPUBindGroup>();

  constructor(
    readonly device: Device,
    readonly pipelines: Pipelines,
    /** Submits at the latest after this many launches, so that the GPU starts while the host goes on. */
    readonly launchesPerSubmit = 128,
  ) {
    this.#uniforms = device.gpu.createBuffer({ size: slotBytes * slots, usage: usage.uniform | usage.copyTarget });
  }

  /** Encodes a call whose operands lie in `Storage`s. @throws DeviceError above the adapter's limits. */
  record(call: KernelCall): void {
    const pipeline = this.pipelines.get(call);
    this.#checkGrid(pipeline, call);
    const bytes = pipeline.uniform?.params.bytes ?? 0;
    const needed = Math.ceil(bytes / slotBytes);
    if (this.#usedSlots + needed > slots) this.flush();
    const at = this.#usedSlots * slotBytes;
    if (pipeline.uniform) writeParams(pipeline.name, pipeline.uniform.params, call.params ?? {}, this.#block, at);
    this.#usedSlots += needed;
    const group = this.#bindGroup(pipeline, call.bind);
    this.#encoder ??= this.device.gpu.createCommandEncoder();
    this.#pass ??= this.#encoder.beginComputePass();
    this.#pass.setPipeline(pipeline.pipeline);
    this.#pass.setBindGroup(0, group, pipeline.uniform ? [at] : []);
    this.#pass.dispatchWorkgroups(...call.grid);
    this.launches++;
    if (++this.#pending >= this.launchesPerSubmit) this.flush();
  }

  #checkGrid({ name }: Pipeline, { grid }: KernelCall): void {
    const limit = this.device.capabilities.maxWorkgroupsPerDimension;
    if (grid[0] > limit || grid[1] > limit || grid[2] > limit)
      throw new DeviceError(
        `shader ${name}: a grid of ${grid.join("×")} workgroups; this adapter allows ${limit} per side; split the work`,
      );
  }

  /** Bind groups are found again by layout and buffers: the pool hands the same buffers to the same loop. */
  #bindGroup(pipeline: Pipeline, bind: Readonly<Record<string, Operand>>): GPUBindGroup {
    let key = `${pipeline.shared.id}`;
    for (const { name } of pipeline.storage) {
      const operand = bind[name];
      if (!operand) throw new Error(`internal: shader ${pipeline.name} gets nothing for binding ${name}`);
      const storage = operand.buffer as Storage;
      storage.usedIn = this.serial;
      key += `,${storage.id}`;
    }
    let group = this.#bindGroups.get(key);
    if (!group) {
      if (this.#bindGroups.size >= maxBindGroups) this.#bindGroups.clear();
      group = this.#createBindGroup(pipeline, bind);
      this.#bindGroups.set(key, group);
    }
    return group;
  }

  #createBindGroup(
    { name, shared, storage, uniform }: Pipeline,
    bind: Readonly<Record<string, Operand>>,
  ): GPUBindGroup {
    const unknown = Object.keys(bind).filter((key) => !storage.some((b) => b.name === key));
    if (unknown.length > 0) throw new Error(`internal: shader ${name} has no binding ${unknown.join(", ")}`);
    const entries: GPUBindGroupEntry[] = storage.map((b) => {
      const operand = bind[b.name];
      if (operand.dtype !== b.scalar)
        throw new Error(`internal: shader ${name} declares ${b.name} as ${b.type} and gets ${operand.dtype}`);
      return { binding: b.binding, resource: { buffer: (operand.buffer as Storage).buffer } };
    });
    if (uniform)
      entries.push({ binding: uniform.binding, resource: { buffer: this.#uniforms, size: uniform.params.bytes } });
    return this.device.watch(["validation"], () => this.device.gpu.createBindGroup({ layout: shared.layout, entries }));
  }

  /** Copies bytes after everything recorded so far. */
  copy(from: Storage, offset: number, to: GPUBuffer, bytes: number): void {
    this.#endPass();
    from.usedIn = this.serial;
    this.#encoder ??= this.device.gpu.createCommandEncoder();
    this.#encoder.copyBufferToBuffer(from.buffer, offset, to, 0, bytes);
  }

  /** Writes host data; recorded commands that use the buffer are submitted first, for the write would overtake them. */
  write(to: Storage, data: ArrayBufferView<ArrayBuffer>): void {
    if (to.usedIn === this.serial) this.flush();
    this.device.queue.writeBuffer(to.buffer, 0, data.buffer, data.byteOffset, data.byteLength);
  }

  /** Called before a buffer is destroyed. */
  forget(storage: Storage): void {
    if (storage.usedIn === this.serial) this.flush();
    this.#bindGroups.clear();
  }

  #endPass(): void {
    this.#pass?.end();
    this.#pass = undefined;
  }

  /** Submits what is recorded. */
  flush(): void {
    const encoder = this.#encoder;
    if (!encoder) return;
    this.#encoder = undefined;
    this.device.watch(["validation", "out-of-memory", "internal"], () => {
      if (this.#usedSlots > 0)
        this.device.queue.writeBuffer(
          this.#uniforms,
          0,
          this.#block.u32.buffer as ArrayBuffer,
          0,
          this.#usedSlots * slotBytes,
        );
      this.#pass?.end();
      this.device.queue.submit([encoder.finish()]);
    });
    this.#pass = undefined;
    this.#pending = 0;
    this.#usedSlots = 0;
    this.serial++;
  }
}
