/**
 * The device: found, asked for all it offers, and watched. WebGPU reports errors late and goes on after a loss as if
 * nothing had happened, so every submit and creation is watched by an error scope, and a loss sets a flag of our own.
 */
import * as provider from "#gpu";
import { DeviceError, DeviceLostError, OutOfMemoryError } from "../errors.js";
import type { Capabilities } from "../lower.js";
import { shown } from "../options.js";
import { type AdapterIdentity, keptTuning, type TuningTable, tuningFor } from "../tuning.js";
import { compilesLate, isSoftware } from "./adapter.js";
import type { Provider } from "./provider.js";

const { keepsCompiled, openGpu, pollSlowly }: Provider = provider;

export interface DeviceOptions {
  /** Part of the adapter's name (Node only), for example `llvmpipe`. */
  readonly adapter?: string;
  readonly powerPreference?: "low-power" | "high-performance";
  /** Measured kernel choices of this adapter; `false` uses none. Default: what `holdfast bench tune` kept here (Node only). */
  readonly tuning?: TuningTable | false;
  /** See `InitOptions`. */
  readonly minimalFiltering?: boolean;
  /** Whose adapters are asked; default those of the platform. */
  readonly gpu?: GPU;
}

const wantedLimits = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupSizeY",
  "maxComputeWorkgroupSizeZ",
  "maxComputeWorkgroupsPerDimension",
] as const;
const wantedFeatures = ["subgroups", "shader-f16", "timestamp-query"] as const;

export class Device {
  readonly queue: GPUQueue;
  readonly capabilities: Capabilities;
  readonly description: string;
  /** Set where waiting for a map costs the adapter, one in software, a core. */
  readonly pollSlowly: Provider["pollSlowly"];
  /** The driver compiles at a pipeline's first dispatch. */
  readonly compilesLate: boolean;
  #lost: DeviceLostError | undefined;
  #isStopping = false;
  /** Told of a loss that nobody here asked for. */
  readonly onLost = new Set<(error: DeviceLostError) => void>();
  /** Buffers to be freed one by one in the end, on a device that lives on. */
  readonly #buffers: Set<GPUBuffer> | undefined;
  readonly #onUncaptured = (event: GPUUncapturedErrorEvent): void => {
    event.preventDefault();
    this.#outcomes.add(Promise.resolve(typed(event.error)));
  };
  /** Outcomes still to be looked at, oldest first; clean ones remove themselves. */
  readonly #outcomes = new Set<Promise<DeviceError | undefined>>();

  constructor(
    readonly gpu: GPUDevice,
    info: GPUAdapterInfo,
    { tuning, minimalFiltering }: { readonly tuning?: TuningTable; readonly minimalFiltering?: boolean },
    readonly release: () => void,
    /** Somebody else's device: it is left alone in the end, and its other errors are his. */
    readonly isAdopted = false,
    /** Opens another device of the same adapter, where that can compile for this one. */
    readonly openSecond?: () => Promise<Device>,
  ) {
    this.queue = gpu.queue;
    this.capabilities = { ...capabilitiesOf(gpu, info), tuning: tuning?.choices, minimalFiltering };
    this.description =
      info.description || info.device || `${info.vendor} ${info.architecture}`.trim() || "unnamed adapter";
    this.pollSlowly = this.capabilities.software ? pollSlowly : undefined;
    this.compilesLate = compilesLate(info);
    gpu.lost.then(({ message }) => {
      if (this.#lost) return;
      const again = isAdopted ? "init() again with another device" : "init() again";
      this.#lost = new DeviceLostError(
        `the device "${this.description}" was lost: ${message}; call shutdown(), then ${again}`,
        "lost",
      );
      for (const tell of this.onLost) tell(this.#lost);
    });
    if (isAdopted) this.#buffers = new Set();
    else gpu.addEventListener("uncapturederror", this.#onUncaptured);
  }

  /** Whether nothing can run on it any more. */
  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  createBuffer(descriptor: GPUBufferDescriptor): GPUBuffer {
    const buffer = this.gpu.createBuffer(descriptor);
    this.#buffers?.add(buffer);
    return buffer;
  }

  destroyBuffer(buffer: GPUBuffer): void {
    this.#buffers?.delete(buffer);
    buffer.destroy();
  }

  /** @throws DeviceLostError once the device is lost or shut down. */
  assertAlive(): void {
    if (this.#lost) throw this.#lost;
    if (this.#isStopping)
      throw new DeviceLostError(
        `the device "${this.description}" is being stopped; call init() again afterwards`,
        "closed",
      );
  }

  /** Takes no more work, and waits for the end of what it has. */
  async idle(): Promise<void> {
    this.#isStopping = true;
    // A lost device has nothing left to do.
    await this.queue.onSubmittedWorkDone().catch(() => {});
    await Promise.allSettled(this.#outcomes);
  }

  /** Runs `body`; an error it causes surfaces at the next `settle`. `explain` may turn it into a better one. */
  watch<T>(
    filters: readonly GPUErrorFilter[],
    body: () => T,
    explain?: (error: DeviceError) => Promise<DeviceError>,
  ): T {
    for (const filter of filters) this.gpu.pushErrorScope(filter);
    try {
      return body();
    } finally {
      for (const _ of filters) this.#await(this.gpu.popErrorScope(), explain);
    }
  }

  #await(popped: Promise<GPUError | null>, explain?: (error: DeviceError) => Promise<DeviceError>): void {
    const outcome = popped.then(
      (error) => {
        if (error) return explain ? explain(typed(error)) : typed(error);
        this.#outcomes.delete(outcome);
        return undefined;
      },
      // Scopes of a lost device reject; the loss is reported by its own flag.
      () => undefined,
    );
    this.#outcomes.add(outcome);
  }

  /** Waits until everything issued so far is checked; `report` gets each error once, oldest first.
   *  @throws DeviceLostError once the device is lost or shut down. */
  async settle(report: (error: DeviceError) => void): Promise<void> {
    for (const outcome of [...this.#outcomes]) {
      const error = await outcome;
      // Of several readers that wait for the same outcome, the first reports it.
      if (this.#outcomes.delete(outcome) && error) report(error);
    }
    // What it has already is done to its end while it is being stopped.
    if (this.#lost) throw this.#lost;
  }

  /** Ends the device, Node cannot exit before; an adopted one only loses its buffers. */
  destroy(): void {
    this.#lost ??= new DeviceLostError(`the device "${this.description}" was shut down; call init() again`, "closed");
    for (const buffer of this.#buffers ?? []) buffer.destroy();
    this.#buffers?.clear();
    if (!this.isAdopted) {
      // The platform keeps a device, its threads and its files as long as somebody listens to it.
      this.gpu.removeEventListener("uncapturederror", this.#onUncaptured);
      this.gpu.destroy();
    }
    this.onLost.clear();
    this.release();
  }
}

/** WebGPU's defaults, which kernels are written for; a device can have less, of an adapter of the compatibility mode. */
const leastLimits = {
  maxStorageBuffersPerShaderStage: 8,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupStorageSize: 16384,
} as const;

/** A device that somebody else opened, used as it is: with its limits and features.
 *  @throws TypeError when it is none, DeviceError when it is lost or was opened with less than WebGPU's default limits. */
export async function adoptDevice(
  gpu: GPUDevice,
  { tuning, minimalFiltering }: Pick<DeviceOptions, "tuning" | "minimalFiltering">,
): Promise<Device> {
  const { queue, limits, features } = (gpu ?? {}) as Partial<GPUDevice>;
  if (!queue || !limits || !features || typeof gpu.createComputePipeline !== "function")
    throw new TypeError(`init: device is ${shown(gpu)}; a GPUDevice is needed, as adapter.requestDevice() gives it`);
  for (const [name, least] of Object.entries(leastLimits)) {
    const has = limits[name as keyof typeof leastLimits];
    if (has < least)
      throw new DeviceError(
        `init: the device has ${name} ${has}, and ${least} is needed, which is WebGPU's default; request a device of a core ` +
          "adapter without lower requiredLimits",
      );
  }
  let lost: GPUDeviceLostInfo | undefined;
  void gpu.lost.then((info) => {
    lost = info;
  });
  const info = gpu.adapterInfo ?? { vendor: "", architecture: "", device: "", description: "" };
  const table = await tableFor(info, tuning);
  if (lost) throw new DeviceError(`init: the device is lost (${lost.message || lost.reason}); request another one`);
  return new Device(gpu, info, { tuning: table, minimalFiltering }, () => {}, true);
}

function typed(error: GPUError): DeviceError {
  // Dawn appends the stack of its own sources.
  const message = error.message.replace(/\n\s+at [\s\S]*$/, "").trim();
  if (error.constructor.name === "GPUOutOfMemoryError")
    return new OutOfMemoryError(
      `the device is out of memory: ${message.split("\n")[0]}; free tensors or use smaller batches`,
    );
  return new DeviceError(`the device refused a command: ${message}`);
}

/** Opens the adapter's device with every limit and feature it offers that the engine uses.
 *  @throws DeviceError when there is no adapter that computes. */
export async function openDevice(options: DeviceOptions = {}): Promise<Device> {
  const { gpu, release } = options.gpu ? { gpu: options.gpu, release: () => {} } : await openGpu(options);
  const which = options.adapter === undefined ? "" : ` named like "${options.adapter}"`;
  const refuse = (reason: string): never => {
    release();
    throw new DeviceError(
      `init: ${reason}; install a graphics driver (on Debian the package mesa-vulkan-drivers, 25 or newer, has a software one), ` +
        'or run on the CPU with init({ executor: "reference" })',
    );
  };
  // Dawn rejects where the standard says null.
  const adapter = await gpu
    .requestAdapter({ powerPreference: options.powerPreference ?? "high-performance" })
    .catch((error: Error) => {
      const found = [...error.message.matchAll(/name: '([^']*)'/g)].map(([, name]) => `"${name}"`);
      if (found.length === 0) return refuse(`no WebGPU adapter${which} was found (${error.message.split("\n")[0]})`);
      release();
      throw new DeviceError(
        `init: no WebGPU adapter${which} was found; there is ${found.join(", ")}: give part of such a name, or none`,
      );
    });
  if (!adapter) return refuse(`no WebGPU adapter${which} was found`);
  // Dawn's null backend accepts every command and executes none: plausible garbage instead of results.
  if (
    adapter.info.device === "null-backend" ||
    adapter.info.architecture === "null-backend" ||
    adapter.info.vendor === "null"
  )
    return refuse("the only adapter is Dawn's null backend, which executes nothing");
  const tuning = await tableFor(adapter.info, options.tuning).catch((error: Error) => {
    release();
    throw error;
  });
  const offered = adapter.limits;
  const device = await adapter.requestDevice({
    requiredFeatures: wantedFeatures.filter((f) => adapter.features.has(f)),
    requiredLimits: Object.fromEntries(wantedLimits.map((name) => [name, offered[name]])),
  });
  const shares = compilesLate(adapter.info) && keepsCompiled?.();
  const openSecond = shares ? () => openDevice({ ...options, tuning: false, gpu }) : undefined;
  const { minimalFiltering } = options;
  return new Device(device, adapter.info, { tuning, minimalFiltering }, release, false, openSecond);
}

/** The table to use: a given one must fit the adapter, a kept one that does not is left aside with a warning. */
async function tableFor(adapter: AdapterIdentity, given: DeviceOptions["tuning"]): Promise<TuningTable | undefined> {
  if (given === false) return undefined;
  if (given) return tuningFor(adapter, given);
  const kept = await keptTuning(adapter);
  if (kept?.problem) console.warn(`holdfast: ${kept.path} is not used: ${kept.problem}`);
  return kept?.table;
}

function capabilitiesOf(device: GPUDevice, info: GPUAdapterInfo): Capabilities {
  const { limits } = device;
  const subgroups = device.features.has("subgroups");
  return {
    software: isSoftware(info),
    subgroups,
    subgroupMinSize: subgroups ? (info.subgroupMinSize ?? 1) : 1,
    subgroupMaxSize: subgroups ? (info.subgroupMaxSize ?? 1) : 1,
    f16: device.features.has("shader-f16"),
    maxInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
    maxWorkgroupSizeX: limits.maxComputeWorkgroupSizeX,
    maxWorkgroupStorageBytes: limits.maxComputeWorkgroupStorageSize,
    maxWorkgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
    maxBindingBytes: limits.maxStorageBufferBindingSize,
    maxBufferBytes: limits.maxBufferSize,
    maxStorageBuffers: limits.maxStorageBuffersPerShaderStage,
  };
}
