/** Bind groups, found again by layout and buffers: the pool hands the same buffers to the same work. */
import type { Launch } from "../lower.js";
import { checkOperands, createBindGroup } from "./binding.js";
import type { Device } from "./device.js";
import type { Pipeline } from "./pipelines.js";
import type { Storage } from "./pool.js";

/** A buffer with parameters of calls. */
export interface Uniforms {
  readonly buffer: GPUBuffer;
  /** Identifies the buffer among all that hold parameters. */
  readonly id: number;
}

/** Groups used since the last turn; as many of the turn before are kept. A driver may take a page of memory for each, and frees it with the
 *  garbage, which a collector that knows nothing of that page is in no hurry about. */
const perTurn = 4096;

export class BindGroups {
  #used = new Map<string, GPUBindGroup>();
  #before = new Map<string, GPUBindGroup>();

  constructor(readonly device: Device) {}

  /** The group of a call whose operands lie in `Storage`s, made unless it was used not long ago.
   *  @throws Error where they are not what the kernel declares. */
  get(pipeline: Pipeline, bind: Launch["bind"], uniforms: Uniforms): GPUBindGroup {
    checkOperands(pipeline, bind);
    let key = pipeline.params ? `${pipeline.shared.id},${uniforms.id}` : `${pipeline.shared.id}`;
    for (const { name } of pipeline.storage) key += `,${(bind[name].buffer as Storage).id}`;
    const found = this.#used.get(key);
    if (found) return found;
    const group = this.#before.get(key) ?? createBindGroup(this.device, pipeline, bind, uniforms.buffer);
    if (this.#used.size >= perTurn) {
      this.#before = this.#used;
      this.#used = new Map();
    }
    this.#used.set(key, group);
    return group;
  }
}
