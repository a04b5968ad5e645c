/** A fixed list of kernel calls, prepared once: running it again costs the host little more than the submit. */
import type { Launch } from "../lower.js";
import { slotBytes, slotsOf, writeSlot } from "./binding.js";
import type { Uniforms } from "./groups.js";
import { UniformBlock } from "./params.js";
import { checkGrid, type PreparedCall, type Stream } from "./stream.js";

/** Operands of the calls lie in `Storage`s that must live as long as the replay uses them. */
export class Replay {
  readonly calls: PreparedCall[];
  readonly #uniforms: Uniforms;

  /** @throws DeviceError above the adapter's limits. */
  constructor(
    readonly stream: Stream,
    calls: readonly Launch[],
  ) {
    const { device, pipelines } = stream;
    const found = calls.map((call) => pipelines.get(call));
    const slots = found.reduce((sum, pipeline) => sum + slotsOf(pipeline), 0);
    const block = new UniformBlock(Math.max(1, slots) * slotBytes);
    this.#uniforms = stream.createUniforms(block.bytes);
    let slot = 0;
    this.calls = calls.map((call, i) => {
      const pipeline = found[i];
      checkGrid(device, pipeline, call);
      writeSlot(pipeline, call, block, slot);
      const group = stream.groups.get(pipeline, call.bind, this.#uniforms);
      const offsets = pipeline.params ? [slot * slotBytes] : [];
      slot += slotsOf(pipeline);
      return { call, pipeline, group, offsets };
    });
    device.queue.writeBuffer(this.#uniforms.buffer, 0, block.memory);
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
    const group = this.stream.groups.get(pipeline, call.bind, this.#uniforms);
    this.calls[i] = { call, pipeline, group, offsets };
  }

  /** Appends the calls, from one on, to what is recorded. */
  encode(from = 0): void {
    for (let i = from; i < this.calls.length; i++) this.stream.encode(this.calls[i]);
  }

  /** Frees the parameters. The calls must have been submitted. */
  dispose(): void {
    this.stream.device.destroyBuffer(this.#uniforms.buffer);
  }
}
