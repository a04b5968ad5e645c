import type { Launch } from "../lower.js";

/** How a platform offers WebGPU; `#gpu` resolves to the Node or the browser implementation. */
export interface OpenGpu {
  readonly gpu: GPU;
  /** Lets go of what must stay alive as long as the device does. */
  release(): void;
}

export interface ProviderOptions {
  /** Part of an adapter's name, where the platform can choose by name. */
  readonly adapter?: string;
}

export interface Provider {
  openGpu(options: ProviderOptions): Promise<OpenGpu>;
  /** Whether what Mesa's software driver compiles for one device is there for others, and there is a second core to compile on. */
  readonly keepsCompiled?: () => boolean;
  /** Where waiting for a map keeps a CPU core busy: keeps it less busy. `waited` says for how many milliseconds there has been a map
   *  to wait for, and undefined once there is none. */
  readonly pollSlowly?: (waited: () => number | undefined) => void;
}

/** Compilation of a step's pipelines ahead of its first run; `#compilation` resolves to the Node or the browser implementation. */
export interface EarlyCompilation {
  /** Compiles the pipelines of launches, which were just made. */
  begin(fresh: readonly Launch[]): void;
  /** Resolves once nothing is compiled aside any more. */
  idle(): Promise<void>;
  /** Ends it at once. */
  destroy(): void;
}
