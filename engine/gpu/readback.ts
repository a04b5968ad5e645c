/** Bytes from the GPU to the host: the only place that waits. */
import { DeviceError } from "../errors.js";
import type { Device } from "./device.js";
import { mapRead, usage } from "./flags.js";
import { type Storage, sizeClass } from "./pool.js";
import type { Stream } from "./stream.js";

/** Share of the expected duration to sleep before asking for the data. */
const napShare = 0.85;
/** A timer is not worth its imprecision below this. */
const shortestNapMs = 2;
const maxDurations = 1024;
const lossDelayMs = 1000;
/** Buffers for reading that are kept for the next time. */
const keptBytes = 2 ** 26;

export class Readback {
  readonly #free = new Map<number, GPUBuffer[]>();
  #keptBytes = 0;
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
    const staging = this.#take(size);
    this.stream.copy(storage, offset, staging, bytes);
    this.stream.flush();
    const work = `${this.stream.launches - this.#launchesBefore}:${size}`;
    this.#launchesBefore = this.stream.launches;
    const started = performance.now();
    const nap = this.device.sleepsBeforeMapping ? (this.#durations.get(work) ?? 0) * napShare : 0;
    if (nap >= shortestNapMs) await new Promise((resolve) => setTimeout(resolve, nap));
    const asked = performance.now();
    try {
      await staging.mapAsync(mapRead, 0, bytes);
    } catch (cause) {
      staging.destroy();
      // The loss is announced by a promise of its own, which may come a moment later.
      await Promise.race([this.device.gpu.lost, new Promise((resolve) => setTimeout(resolve, lossDelayMs))]);
      this.device.assertAlive();
      throw new DeviceError(`read: the result could not be mapped: ${(cause as Error).message}`, { cause });
    }
    this.#remember(work, started, asked);
    const copy = staging.getMappedRange(0, bytes).slice(0);
    staging.unmap();
    this.#keep(staging, size);
    return copy;
  }

  #keep(staging: GPUBuffer, size: number): void {
    if (this.#keptBytes + size > keptBytes) {
      staging.destroy();
      return;
    }
    this.#keptBytes += size;
    const list = this.#free.get(size);
    if (list) list.push(staging);
    else this.#free.set(size, [staging]);
  }

  #remember(work: string, started: number, asked: number): void {
    const now = performance.now();
    // Data that is there at once may have been there for long: the next nap is shorter, to find out.
    const overslept = asked - started >= shortestNapMs && now - asked < 1;
    if (this.#durations.size >= maxDurations) this.#durations.clear();
    this.#durations.set(work, overslept ? (now - started) / 2 : now - started);
  }

  #take(size: number): GPUBuffer {
    const kept = this.#free.get(size)?.pop();
    if (kept) {
      this.#keptBytes -= size;
      return kept;
    }
    return this.device.watch(["out-of-memory"], () =>
      this.device.gpu.createBuffer({ size, usage: usage.mapRead | usage.copyTarget }),
    );
  }
}
