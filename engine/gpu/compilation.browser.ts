/** In browsers drivers compile in a process of the browser's; nothing is begun early. */
import type { EarlyCompilation } from "./provider.js";

export class Compilation implements EarlyCompilation {
  begin(): void {}

  async idle(): Promise<void> {}

  destroy(): void {}
}
