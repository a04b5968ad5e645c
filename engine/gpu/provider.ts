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
  /** Whether waiting for a map keeps a CPU core busy, so that it pays to sleep first on a software adapter. */
  readonly pollsWhileWaiting: boolean;
}
