/** Compilation begun early, on drivers that leave it to a pipeline's first dispatch. */
import type { Device } from "./device.js";
import { usage } from "./flags.js";
import type { Pipeline } from "./pipelines.js";

/** More than any kernel declares of fixed size; nothing is read or written. */
const bytes = 4096;

/** Dispatches no workgroups, which such a driver has to compile for as well. */
export class FirstDispatch {
  readonly #device: Device;
  /** By the number of the binding: one buffer cannot be bound twice where one of the two writes. */
  readonly #buffers: GPUBuffer[] = [];
  readonly #groups = new Map<number, GPUBindGroup>();
  /** The grid lies in memory: WebGPU warns of a dispatch that it can see to be empty. */
  #grid: GPUBuffer | undefined;

  constructor(device: Device) {
    this.#device = device;
  }

  /** Gives the pipeline's kernel to the thread that compiles. Whether it is valid its first real dispatch says. */
  begin(made: Pipeline): void {
    const { gpu, queue } = this.#device;
    gpu.pushErrorScope("validation");
    this.#grid ??= this.#device.createBuffer({ size: 12, usage: usage.indirect });
    const encoder = gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(made.pipeline);
    if (made.params) pass.setBindGroup(0, this.#group(made), [0]);
    else pass.setBindGroup(0, this.#group(made));
    pass.dispatchWorkgroupsIndirect(this.#grid, 0);
    pass.end();
    queue.submit([encoder.finish()]);
    void gpu.popErrorScope().catch(() => {});
  }

  #group({ shared, storage, params }: Pipeline): GPUBindGroup {
    let group = this.#groups.get(shared.id);
    if (!group) {
      const bound = [...storage, ...(params ? [params] : [])];
      const entries = bound.map(({ binding }, i) => ({ binding, resource: { buffer: this.#buffer(i), size: bytes } }));
      group = this.#device.gpu.createBindGroup({ layout: shared.layout, entries });
      this.#groups.set(shared.id, group);
    }
    return group;
  }

  #buffer(i: number): GPUBuffer {
    this.#buffers[i] ??= this.#device.createBuffer({ size: bytes, usage: usage.storage | usage.uniform });
    return this.#buffers[i];
  }
}
