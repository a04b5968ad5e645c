/** A fixed list of kernel calls, prepared once: running it again costs the host little more than the submit. */
import type { KernelCall } from "../lower.js";
import { createBindGroup, slotBytes, slotsOf, writeSlot } from "./binding.js";
import { usage } from "./flags.js";
import { UniformBlock } from "./params.js";
import { checkGrid, type PreparedCall, type Stream } from "./stream.js";

/** Operands of the calls lie in `Storage`s that must live as long as the replay. */
export class Replay {
  readonly calls: readonly PreparedCall[];
  readonly #uniforms: GPUBuffer;

  /** @throws DeviceError above the adapter's limits. */
  constructor(
    readonly stream: Stream,
    calls: readonly KernelCall[],
  ) {
    const { device, pipelines } = stream;
    const found = calls.map((call) => pipelines.get(call));
    const slots = found.reduce((sum, pipeline) => sum + slotsOf(pipeline), 0);
    const block = new UniformBlock(Math.max(1, slots) * slotBytes);
    this.#uniforms = device.watch(["out-of-memory"], () =>
      device.gpu.createBuffer({ size: block.bytes, usage: usage.uniform | usage.copyTarget }),
    );
    let slot = 0;
    this.calls = calls.map((call, i) => {
      const pipeline = found[i];
      checkGrid(device, pipeline, call);
      writeSlot(pipeline, call, block, slot);
      const group = createBindGroup(device, pipeline, call.bind, this.#uniforms);
      const offsets = pipeline.uniform ? [slot * slotBytes] : [];
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

  /** Appends the calls to what is recorded. */
  encode(): void {
    for (const call of this.calls) this.stream.encode(call);
  }

  /** Frees the parameters. The calls must have been submitted. */
  dispose(): void {
    this.#uniforms.destroy();
  }
}
