/** Compilation of a step's pipelines ahead of its first run, on drivers that leave it to the first dispatch. */
import type { Launch } from "../lower.js";
import { isSlowToCompile } from "./epilogue.js";
import { FirstDispatch } from "./firstDispatch.js";
import type { Pipelines } from "./pipelines.js";
import type { EarlyCompilation } from "./provider.js";
import { SecondDevice } from "./secondDevice.js";

export class Compilation implements EarlyCompilation {
  readonly #pipelines: Pipelines;
  readonly #patiently: (done: Promise<unknown>) => Promise<void>;
  readonly #second: SecondDevice | undefined;
  #firstDispatch: FirstDispatch | undefined;

  /** `patiently` waits without taking the core that compiles. */
  constructor(pipelines: Pipelines, patiently: (done: Promise<unknown>) => Promise<void>) {
    this.#pipelines = pipelines;
    this.#patiently = patiently;
    const { openSecond } = pipelines.device;
    if (openSecond) this.#second = new SecondDevice(openSecond, patiently);
  }

  /** Compiles pipelines that were just made, on two threads where that is possible. From then on, making another one waits for the
   *  compiler. Does nothing where drivers compile what they make. */
  begin(fresh: readonly Launch[]): void {
    const { device } = this.#pipelines;
    if (!device.compilesLate || fresh.length === 0) return;
    this.#firstDispatch ??= new FirstDispatch(device);
    const second = this.#second?.isFree ? this.#second : undefined;
    const compiled: Promise<void>[] = [];
    const launches = second ? slowOutside(fresh) : fresh;
    for (const launch of launches) {
      this.#firstDispatch.begin(this.#pipelines.get(launch));
      if (second) compiled.push(this.#patiently(device.queue.onSubmittedWorkDone()));
    }
    second?.help(launches, compiled);
  }

  /** Resolves once the second device compiles nothing any more. */
  async idle(): Promise<void> {
    await this.#second?.idle();
  }

  /** Ends the second device. */
  destroy(): void {
    this.#second?.destroy();
  }
}

/** Every other of the slow ones first, the rest of them last: two threads meet at one that is quick, which both compile. */
function slowOutside(launches: readonly Launch[]): Launch[] {
  const slow = launches.filter(isSlowToCompile);
  const quick = launches.filter((launch) => !isSlowToCompile(launch));
  return [...slow.filter((_, i) => i % 2 === 0), ...quick, ...slow.filter((_, i) => i % 2 === 1)];
}
