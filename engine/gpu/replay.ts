/** A fixed list of kernel calls, prepared once: running it again costs the host little more than the submit. */
import type { Launch } from "../lower.js";
import { createBindGroup, slotBytes, slotsOf, writeSlot } from "./binding.js";
import { usage } from "./flags.js";
import { UniformBlock } from "./params.js";
import type { Pipeline } from "./pipelines.js";
import type { Storage } from "./pool.js";
import { checkGrid, type PreparedCall, type Stream } from "./stream.js";

/** Bind groups kept for calls that go back to buffers they have used before, as a multiple of the calls. */
const keptGroups = 8;

/** Operands of the calls lie in `Storage`s that must live as long as the replay uses them. */
export class Replay {
  readonly calls: PreparedCall[];
  readonly #uniforms: GPUBuffer;
  readonly #groups = new Map<string, GPUBindGroup>();
  readonly #maxGroups: number;

  /** @throws DeviceError above the adapter's limits. */
  constructor(
    readonly stream: Stream,
    calls: readonly Launch[],
  ) {
    const { device, pipelines } = stream;
    const found = calls.map((call) => pipelines.get(call));
    const slots = found.reduce((sum, pipeline) => sum + slotsOf(pipeline), 0);
    const block = new UniformBlock(Math.max(1, slots) * slotBytes);
    this.#uniforms = device.watch(["out-of-memory"], () =>
      device.createBuffer({ size: block.bytes, usage: usage.uniform | usage.copyTarget }),
    );
    this.#maxGroups = keptGroups * calls.length;
    let slot = 0;
    this.calls = calls.map((call, i) => {
      const pipeline = found[i];
      checkGrid(device, pipeline, call);
      writeSlot(pipeline, call, block, slot);
      const group = this.#groupOf(i, pipeline, call);
      const offsets = pipeline.params ? [slot * slotBytes] : [];
      slot += slotsOf(pipeline);
      return { call, pipeline, group, offsets };
    });
    device.queue.writeBuffer(this.#uniforms, 0, block.memory);
  }

  /** Runs the calls after everything recorded so far, and submits. */
  run(): void {
    this.stream.device.assertAlive();
    this.encode();
    this.stream.flush();
  }

  /** Exchanges call `i` for one that differs in its buffers alone. */
  rebind(i: number, call: Launch): void {
    const { pipeline, offsets } = this.calls[i];
    this.calls[i] = { call, pipeline, group: this.#groupOf(i, pipeline, call), offsets };
  }

  #groupOf(i: number, pipeline: Pipeline, { bind }: Launch): GPUBindGroup {
    const key = `${i}:${pipeline.storage.map(({ name }) => (bind[name]?.buffer as Storage | undefined)?.id)}`;
    let group = this.#groups.get(key);
    if (!group) {
      if (this.#groups.size >= this.#maxGroups) this.#groups.clear();
      group = createBindGroup(this.stream.device, pipeline, bind, this.#uniforms);
      this.#groups.set(key, group);
    }
    return group;
  }

  /** Appends the calls, from one on, to what is recorded. */
  encode(from = 0): void {
    for (let i = from; i < this.calls.length; i++) this.stream.encode(this.calls[i]);
  }

  /** Frees the parameters. The calls must have been submitted. */
  dispose(): void {
    this.stream.device.destroyBuffer(this.#uniforms);
  }
}
