/**
 * Kernels compiled on two threads, for a driver that compiles at the first dispatch, on the one thread of a device's queue, and keeps what
 * it made on disk (Mesa's llvmpipe). While the first device compiles a program from its first launch to its last, a second one of the
 * same adapter does so from the last to the first; where they meet, the first finds the rest on disk.
 */
import type { Launch } from "../lower.js";
import type { Device } from "./device.js";
import { FirstDispatch } from "./firstDispatch.js";
import { Pipelines } from "./pipelines.js";

/** Kernels that are on disk already take less, and to open a second device takes about as long. */
const patienceMs = 100;

export class SecondDevice {
  readonly #open: () => Promise<Device>;
  readonly #patiently: (done: Promise<unknown>) => Promise<void>;
  #device: Device | undefined;
  #helping: Promise<void> | undefined;
  #isClosed = false;

  /** `patiently` waits without taking the core that compiles. */
  constructor(open: () => Promise<Device>, patiently: (done: Promise<unknown>) => Promise<void>) {
    this.#open = open;
    this.#patiently = patiently;
  }

  /** Whether it compiles for no program. */
  get isFree(): boolean {
    return this.#helping === undefined;
  }

  /** Compiles for `launches`, each of another pipeline, from the last on, up to the one that the first device is at: `compiled[i]` says when
   *  that has the i-th. To be called while it is free. Nothing depends on it, so that what fails here is left to the first device. */
  help(launches: readonly Launch[], compiled: readonly Promise<unknown>[]): void {
    this.#helping = this.#help(launches, compiled)
      .catch(() => {})
      .finally(() => {
        this.#device?.destroy();
        this.#device = undefined;
        this.#helping = undefined;
      });
  }

  async #help(launches: readonly Launch[], compiled: readonly Promise<unknown>[]): Promise<void> {
    let at = 0;
    const each = compiled.map((one) => one.then(() => void at++));
    const all = Promise.all(each);
    await Promise.race([all, new Promise((resolve) => setTimeout(resolve, patienceMs))]);
    // What it is at now it compiles itself.
    const isLeft = (i: number): boolean => i > at && !this.#isClosed;
    if (!isLeft(launches.length - 1)) return;
    this.#device = await this.#open();
    const { queue } = this.#device;
    const pipelines = new Pipelines(this.#device);
    const firstDispatch = new FirstDispatch(this.#device);
    for (let i = launches.length - 1; isLeft(i); i--) {
      await pipelines.makeAside([launches[i]]);
      if (!isLeft(i)) return;
      firstDispatch.begin(pipelines.get(launches[i]));
      await this.#patiently(queue.onSubmittedWorkDone());
    }
  }

  /** Resolves once nothing is compiled here any more. */
  async idle(): Promise<void> {
    this.#isClosed = true;
    await this.#helping;
  }

  /** Ends it at once. */
  destroy(): void {
    this.#isClosed = true;
    this.#device?.destroy();
    this.#device = undefined;
  }
}
