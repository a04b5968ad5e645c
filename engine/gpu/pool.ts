/** GPU buffers, kept for reuse in size classes under a byte budget. */
import { DeviceError } from "../errors.js";
import type { Device } from "./device.js";
import { usage } from "./flags.js";

/** A GPU buffer that views may share; goes back to the pool with its last reference. */
export class Storage {
  refs = 1;
  /** The stream's serial when a command that uses this buffer was last recorded. */
  usedIn = 0;
  constructor(
    readonly buffer: GPUBuffer,
    readonly bytes: number,
    /** Identifies the buffer through all its uses. */
    readonly id: number,
  ) {}
}

/** Four classes per octave, multiples of 256: at most a quarter is wasted, and vec4 access may run into the padding. */
export function sizeClass(bytes: number): number {
  if (bytes <= 256) return 256;
  const step = Math.max(256, 2 ** (Math.floor(Math.log2(bytes - 1)) - 2));
  return Math.ceil(bytes / step) * step;
}

/** Where a storage is, or belongs, in a list that goes from the highest number to the lowest. */
function placeOf({ id }: Storage, list: readonly Storage[]): number {
  let [from, to] = [0, list.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (list[middle].id > id) from = middle + 1;
    else to = middle;
  }
  return from;
}

const DEFAULT_BUDGET = 2 ** 30;
/** Acquisitions after which a peak is forgotten, once or twice as many. */
const WINDOW = 2 ** 14;

export class Pool {
  liveBytes = 0;
  pooledBytes = 0;
  peakBytes = 0;
  /** Most live bytes in this window of acquisitions and in the one before. */
  #peaks: [now: number, before: number] = [0, 0];
  #acquired = 0;
  #nextId = 1;
  /** By size; the lowest number last, which is the next to be taken. Work that is repeated takes what it had, in whatever order it gave
   *  that back, and finds the bind groups of the time before; what it can do without has the highest numbers and is the longest unused. */
  readonly #free = new Map<number, Storage[]>();
  /** Every free storage, the longest unused first. */
  readonly #idle = new Set<Storage>();

  /** Buffers there was no memory for; they are never used again. */
  readonly #broken = new WeakSet<GPUBuffer>();

  /** `budgetBytes`: pooled at most; default 1 GiB, or as many as make up for live bytes that there were a short while ago. Work that is
   *  repeated lives on the same sizes again: if they could not all be kept, the longest unused would be the next it needs, and the
   *  queue would fill with buffers that wait for their end. `beforeDestroy` sees each buffer that is about to be destroyed: recorded commands may still use it. */
  constructor(
    readonly device: Device,
    readonly budgetBytes: number | undefined,
    readonly beforeDestroy: (storage: Storage) => void,
  ) {}

  /** A storage of at least `bytes`, with undefined contents. @throws DeviceError above the device's limits. */
  acquire(bytes: number, what: string): Storage {
    const { maxBindingBytes, maxBufferBytes } = this.device.capabilities;
    const limit = Math.min(maxBindingBytes, maxBufferBytes);
    if (bytes > limit)
      throw new DeviceError(
        `${what}: needs ${bytes} bytes in one buffer; this adapter binds at most ${limit}; split the work`,
      );
    const size = Math.min(sizeClass(bytes), limit);
    const reused = this.#free.get(size)?.pop();
    if (reused) {
      this.#idle.delete(reused);
      this.pooledBytes -= size;
      reused.refs = 1;
    }
    this.liveBytes += size;
    this.peakBytes = Math.max(this.peakBytes, this.liveBytes);
    if (++this.#acquired % WINDOW === 0) this.#peaks = [0, this.#peaks[0]];
    this.#peaks[0] = Math.max(this.#peaks[0], this.liveBytes);
    if (reused) return reused;
    this.#trimToBudget();
    return this.#create(size);
  }

  #trimToBudget(): void {
    const most = this.budgetBytes ?? Math.max(DEFAULT_BUDGET, Math.max(...this.#peaks) - this.liveBytes);
    if (this.pooledBytes > most) this.trim(most);
  }

  #create(size: number): Storage {
    const buffer = this.device.watch(
      ["out-of-memory"],
      () => this.device.createBuffer({ size, usage: usage.storage | usage.copySource | usage.copyTarget }),
      async (error) => {
        this.#broken.add(buffer);
        return error;
      },
    );
    return new Storage(buffer, size, this.#nextId++);
  }

  /** Whether there was no memory for it: nothing will ever be in it. */
  isBroken({ buffer }: Storage): boolean {
    return this.#broken.has(buffer);
  }

  /** Gives up one reference. */
  release(storage: Storage): void {
    if (--storage.refs > 0) return;
    this.liveBytes -= storage.bytes;
    if (this.isBroken(storage)) return;
    this.pooledBytes += storage.bytes;
    const list = this.#free.get(storage.bytes);
    if (list) list.splice(placeOf(storage, list), 0, storage);
    else this.#free.set(storage.bytes, [storage]);
    this.#idle.add(storage);
    this.#trimToBudget();
  }

  /** Destroys the longest unused buffers until at most `budget` bytes are pooled. */
  trim(budget = 0): void {
    for (const storage of this.#idle) {
      if (this.pooledBytes <= budget) return;
      this.#idle.delete(storage);
      const list = this.#free.get(storage.bytes)!;
      list.splice(placeOf(storage, list), 1);
      this.pooledBytes -= storage.bytes;
      this.beforeDestroy(storage);
      this.device.destroyBuffer(storage.buffer);
    }
  }
}
