/** Bytes from the GPU to the host: the only place that waits. */
import { DeviceError } from "../errors.js";
import type { Device } from "./device.js";
import { mapRead, usage } from "./flags.js";
import { type Storage, sizeClass } from "./pool.js";
import type { Stream } from "./stream.js";

const lossDelayMs = 1000;
/** Buffers for reading that are kept for the next time. */
const keptBytes = 2 ** 26;

export class Readback {
  readonly #free = new Map<number, GPUBuffer[]>();
  #keptBytes = 0;
  /** Maps that are waited for, and since when there have been any. */
  #pending = 0;
  #since = 0;
  #pollsSlowly = false;

  constructor(
    readonly device: Device,
    readonly stream: Stream,
  ) {}

  /** `bytes` of `storage` from `offset` (multiples of 4), after everything recorded so far. */
  async read(storage: Storage, offset: number, bytes: number): Promise<ArrayBuffer> {
    const size = sizeClass(bytes);
    const staging = this.#take(size);
    this.stream.copy(storage, offset, staging, bytes);
    this.stream.flush();
    try {
      await this.patiently(staging.mapAsync(mapRead, 0, bytes));
    } catch (cause) {
      this.device.destroyBuffer(staging);
      // The loss is announced by a promise of its own, which may come a moment later.
      await Promise.race([this.device.gpu.lost, new Promise((resolve) => setTimeout(resolve, lossDelayMs))]);
      this.device.assertAlive();
      throw new DeviceError(`read: the result could not be mapped: ${(cause as Error).message}`, { cause });
    }
    const copy = staging.getMappedRange(0, bytes).slice(0);
    staging.unmap();
    this.#keep(staging, size);
    return copy;
  }

  /** Waits without taking a core from an adapter in software. */
  async patiently(mapped: Promise<unknown>): Promise<void> {
    if (this.#pending++ === 0) this.#since = performance.now();
    if (!this.#pollsSlowly && this.device.pollSlowly) {
      this.#pollsSlowly = true;
      this.device.pollSlowly(() => this.#waited());
    }
    try {
      await mapped;
    } finally {
      this.#pending--;
    }
  }

  #waited(): number | undefined {
    this.#pollsSlowly = this.#pending > 0;
    return this.#pollsSlowly ? performance.now() - this.#since : undefined;
  }

  #keep(staging: GPUBuffer, size: number): void {
    if (this.#keptBytes + size > keptBytes) {
      this.device.destroyBuffer(staging);
      return;
    }
    this.#keptBytes += size;
    const list = this.#free.get(size);
    if (list) list.push(staging);
    else this.#free.set(size, [staging]);
  }

  #take(size: number): GPUBuffer {
    const kept = this.#free.get(size)?.pop();
    if (kept) {
      this.#keptBytes -= size;
      return kept;
    }
    return this.device.watch(["out-of-memory"], () =>
      this.device.createBuffer({ size, usage: usage.mapRead | usage.copyTarget }),
    );
  }
}
