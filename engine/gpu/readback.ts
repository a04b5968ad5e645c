/** Bytes from the GPU to the host: the only place that waits. */
import { DeviceError } from "../errors.js";
import type { Device } from "./device.js";
import { mapRead, usage } from "./flags.js";
import { type Storage, sizeClass } from "./pool.js";
import type { Stream } from "./stream.js";

/** Share of the expected duration to sleep before asking for the data. */
const napShare = 0.85;

export class Readback {
  readonly #free = new Map<number, GPUBuffer[]>();
  /** How long work of this many launches and bytes took last time, in ms. */
  readonly #durations = new Map<string, number>();
  /** Launches since the last read. */
  #launchesBefore = 0;

  constructor(
    readonly device: Device,
    readonly stream: Stream,
  ) {}

  /** `bytes` of `storage` from `offset` (multiples of 4), after everything recorded so far. */
  async read(storage: Storage, offset: number, bytes: number): Promise<ArrayBuffer> {
    const size = sizeClass(bytes);
    const staging = this.#free.get(size)?.pop() ?? this.#create(size);
    this.stream.copy(storage, offset, staging, bytes);
    this.stream.flush();
    const work = `${this.stream.launches - this.#launchesBefore}:${size}`;
    this.#launchesBefore = this.stream.launches;
    const started = performance.now();
    if (this.device.sleepsBeforeMapping) await this.#nap(this.#durations.get(work) ?? 0);
    try {
      await staging.mapAsync(mapRead, 0, bytes);
    } catch (cause) {
      // The loss is announced by a promise of its own, which may come a moment later.
      await new Promise((resolve) => setTimeout(resolve, 0));
      this.device.assertAlive();
      throw new DeviceError(`read: the result could not be mapped: ${(cause as Error).message}`, { cause });
    }
    this.#durations.set(work, performance.now() - started);
    const copy = staging.getMappedRange(0, bytes).slice(0);
    staging.unmap();
    const list = this.#free.get(size);
    if (list) list.push(staging);
    else this.#free.set(size, [staging]);
    return copy;
  }

  #nap(expectedMs: number): Promise<void> | undefined {
    const ms = expectedMs * napShare;
    return ms < 2 ? undefined : new Promise((resolve) => setTimeout(resolve, ms));
  }

  #create(size: number): GPUBuffer {
    return this.device.watch(["out-of-memory"], () =>
      this.device.gpu.createBuffer({ size, usage: usage.mapRead | usage.copyTarget }),
    );
  }
}
