/** In browsers drivers compile in a process of the browser's; nothing is begun early. */
import type { Launch } from "../lower.js";
import type { Pipelines } from "./pipelines.js";
import type { EarlyCompilation } from "./provider.js";

export class Compilation implements EarlyCompilation {
  // biome-ignore lint/complexity/noUselessConstructor: takes what the one for Node takes
  constructor(_pipelines: Pipelines, _patiently: (done: Promise<unknown>) => Promise<void>) {}

  begin(_fresh: readonly Launch[]): void {}

  async idle(): Promise<void> {}

  destroy(): void {}
}
