/**
 * Commands on their way to the GPU: kernel calls are encoded into one compute pass and submitted together. All
 * parameters of a submit lie in one uniform buffer, written once just before it, because `queue.writeBuffer` overtakes
 * commands that are recorded and not yet submitted.
 */
import { DeviceError } from "../errors.js";
import type { Launch } from "../lower.js";
import { slotBytes, slotsOf, writeSlot } from "./binding.js";
import type { Device } from "./device.js";
import { usage } from "./flags.js";
import { BindGroups, type Uniforms } from "./groups.js";
import { UniformBlock } from "./params.js";
import type { Pipeline, Pipelines } from "./pipelines.js";
import type { Storage } from "./pool.js";
import type { Profiler } from "./profile.js";

const slots = 1024;

/** A dispatch with everything made beforehand. */
export interface PreparedCall {
  readonly call: Launch;
  readonly pipeline: Pipeline;
  readonly group: GPUBindGroup;
  /** Dynamic offset of the parameters; none for a kernel without. */
  readonly offsets: readonly number[];
}

export class Stream {
  /** Counts submits; a storage whose `usedIn` equals it is used by commands not submitted yet. */
  serial = 1;
  readonly groups: BindGroups;
  /** Launches encoded since the beginning. */
  launches = 0;
  /** Measures every launch while set. */
  profiler: Profiler | undefined;
  #encoder: GPUCommandEncoder | undefined;
  #pass: GPUComputePassEncoder | undefined;
  #pending = 0;
  #usedSlots = 0;
  readonly #block = new UniformBlock(slotBytes * slots);
  readonly #uniforms: Uniforms;
  #uniformBuffers = 0;

  constructor(
    readonly device: Device,
    readonly pipelines: Pipelines,
    /** Submits at the latest after this many launches, so that the GPU starts while the host goes on. */
    readonly launchesPerSubmit: number,
  ) {
    this.groups = new BindGroups(device);
    this.#uniforms = this.createUniforms(slotBytes * slots);
  }

  /** @throws DeviceError, later, where there is no memory for it. */
  createUniforms(bytes: number): Uniforms {
    const make = () => this.device.createBuffer({ size: bytes, usage: usage.uniform | usage.copyTarget });
    return { buffer: this.device.watch(["out-of-memory"], make), id: this.#uniformBuffers++ };
  }

  /** Encodes a call whose operands lie in `Storage`s. @throws DeviceError above the adapter's limits. */
  record(call: Launch): void {
    const pipeline = this.pipelines.get(call);
    checkGrid(this.device, pipeline, call);
    const needed = slotsOf(pipeline);
    if (this.#usedSlots + needed > slots) this.flush();
    writeSlot(pipeline, call, this.#block, this.#usedSlots);
    const offsets = needed > 0 ? [this.#usedSlots * slotBytes] : [];
    this.#usedSlots += needed;
    const group = this.groups.get(pipeline, call.bind, this.#uniforms);
    for (const { name } of pipeline.storage) (call.bind[name].buffer as Storage).usedIn = this.serial;
    this.encode({ call, pipeline, group, offsets });
    if (this.#pending >= this.launchesPerSubmit) this.flush();
  }

  /** Encodes a dispatch that was prepared. */
  encode({ call, pipeline, group, offsets }: PreparedCall): void {
    if (this.profiler?.isFull) this.flush();
    this.#encoder ??= this.device.gpu.createCommandEncoder();
    if (this.profiler) {
      this.#endPass();
      this.#pass = this.profiler.beginPass(this.#encoder, pipeline.name, call);
    }
    this.#pass ??= this.#encoder.beginComputePass();
    this.#pass.setPipeline(pipeline.pipeline);
    // Converting an empty list costs as much as binding.
    if (offsets.length > 0) this.#pass.setBindGroup(0, group, offsets);
    else this.#pass.setBindGroup(0, group);
    this.#pass.dispatchWorkgroups(call.grid[0], call.grid[1], call.grid[2]);
    this.launches++;
    this.#pending++;
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
    this.submitUsesOf(to);
    this.device.queue.writeBuffer(to.buffer, 0, data.buffer, data.byteOffset, data.byteLength);
  }

  /** Submits what is recorded if it uses the buffer, which is about to change or to end. */
  submitUsesOf(storage: Storage): void {
    if (storage.usedIn === this.serial) this.flush();
  }

  #endPass(): void {
    this.#pass?.end();
    this.#pass = undefined;
  }

  /** Submits what is recorded. */
  flush(): void {
    const encoder = this.#encoder;
    if (!encoder) return;
    const { queue } = this.device;
    this.device.watch(["validation", "out-of-memory", "internal"], () => {
      this.#endPass();
      this.profiler?.collect(encoder);
      if (this.#usedSlots > 0)
        queue.writeBuffer(this.#uniforms.buffer, 0, this.#block.memory, 0, this.#usedSlots * slotBytes);
      queue.submit([encoder.finish()]);
    });
    this.#encoder = undefined;
    this.#pending = 0;
    this.#usedSlots = 0;
    this.serial++;
  }
}

/** @throws DeviceError for a grid over the adapter's limit. */
export function checkGrid({ capabilities }: Device, { name }: Pipeline, { grid }: Launch): void {
  const limit = capabilities.maxWorkgroupsPerDimension;
  if (grid[0] > limit || grid[1] > limit || grid[2] > limit)
    throw new DeviceError(
      `shader ${name}: a grid of ${grid.join("×")} workgroups; this adapter allows ${limit} per side; split the work`,
    );
}
