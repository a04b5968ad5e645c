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

  /** Compiles for `launches`, each of another pipeline, until `compiled` says that the first device has them all. One program at a time.
   *  Nothing depends on it, so that what fails here is left to the first device. */
  help(launches: readonly Launch[], compiled: Promise<unknown>): void {
    if (this.#helping) return;
    this.#helping = this.#help(launches, compiled)
      .catch(() => {})
      .finally(() => {
        this.#device?.destroy();
        this.#device = undefined;
        this.#helping = undefined;
      });
  }

  async #help(launches: readonly Launch[], compiled: Promise<unknown>): Promise<void> {
    let isOver = false;
    const over = compiled.finally(() => {
      isOver = true;
    });
    await Promise.race([over, new Promise((resolve) => setTimeout(resolve, patienceMs))]);
    if (isOver || this.#isClosed) return;
    this.#device = await this.#open();
    const { queue } = this.#device;
    const pipelines = new Pipelines(this.#device);
    const firstDispatch = new FirstDispatch(this.#device);
    for (const launch of [...launches].reverse()) {
      if (isOver || this.#isClosed) return;
      await pipelines.makeAside([launch]);
      firstDispatch.begin(pipelines.get(launch));
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
