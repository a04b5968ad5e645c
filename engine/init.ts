/** Opening and closing the engine. */

import { DeviceError } from "./errors.js";
import { type Executor, executor, hasExecutor, type MemoryReport, swapExecutor } from "./executor.js";
import { openDevice } from "./gpu/device.js";
import { GpuExecutor } from "./gpu/executor.js";
import type { KernelProfile } from "./gpu/profile.table.js";
import { nearest } from "./nearest.js";
import { checkedOptions, requireFunction, shown } from "./options.js";
import { ReferenceExecutor } from "./reference.js";
import type { TuningTable } from "./tuning.js";

export { formatProfile, type KernelProfile } from "./gpu/profile.table.js";

export interface InitOptions {
  /** Where ops run: the GPU (default), or the slow float64 reference on the CPU. */
  readonly executor?: "gpu" | "reference";
  /** Part of an adapter's name, for example `llvmpipe` (Node only). */
  readonly adapter?: string;
  /** Which of several adapters a browser should offer. */
  readonly powerPreference?: "low-power" | "high-performance";
  /** Bytes of freed GPU buffers kept for reuse; default 1 GiB. */
  readonly poolBytes?: number;
  /** Kernel choices measured on this adapter, which a page may keep as JSON; `false` uses none. Default: in Node those that
   *  `holdfast bench tune` wrote to the user's cache folder, in browsers none. */
  readonly tuning?: TuningTable | false;
}

/** What `init` made. */
let opened: Executor | undefined;
let isOpening = false;

function requireChoice(option: string, value: unknown, choices: readonly string[]): void {
  if (choices.includes(value as string)) return;
  const near = typeof value === "string" ? nearest(value, choices) : undefined;
  throw new TypeError(
    `init: ${option} is ${shown(value)}; ${choices.map((choice) => JSON.stringify(choice)).join(" or ")} is needed` +
      (value === "cpu" ? ', and "reference" runs on the CPU' : near ? `, perhaps "${near}"` : ""),
  );
}

/** Opens the device and makes it the place where ops run. Call `shutdown` when done: Node does not exit before.
 *  @throws DeviceError, with a remedy, when there is no adapter, when the engine is already open, or when `tuning` is a table
 *  of another adapter or of other kernels. */
export async function init(options: InitOptions = {}): Promise<Executor> {
  checkedOptions("init", options, ["executor", "adapter", "powerPreference", "poolBytes", "tuning"]);
  const { executor: where = "gpu", adapter, powerPreference, poolBytes } = options;
  requireChoice("executor", where, ["gpu", "reference"]);
  if (powerPreference !== undefined)
    requireChoice("powerPreference", powerPreference, ["low-power", "high-performance"]);
  if (adapter !== undefined && (typeof adapter !== "string" || adapter === ""))
    throw new TypeError(`init: adapter is ${shown(adapter)}; part of an adapter's name is needed, like "llvmpipe"`);
  if (poolBytes !== undefined && !(poolBytes >= 0))
    throw new RangeError(`init: poolBytes is ${shown(poolBytes)}; a number of bytes of at least 0 is needed`);
  if (opened) throw new DeviceError(`init: the engine already runs on ${opened.description}; call shutdown() first`);
  if (isOpening) throw new DeviceError("init: a first call has not finished; await it");
  isOpening = true;
  try {
    opened =
      where === "reference"
        ? new ReferenceExecutor()
        : new GpuExecutor(await openDevice(options), { poolBytes: options.poolBytes });
    swapExecutor(opened);
    return opened;
  } finally {
    isOpening = false;
  }
}

/** Closes the engine; every tensor is gone. Does nothing when it is not open. */
export function shutdown(): void {
  if (hasExecutor() && executor() === opened) swapExecutor(undefined);
  if (opened instanceof GpuExecutor) opened.destroy();
  opened = undefined;
}

/** Live, pooled and peak bytes of the current executor. */
export function memory(): MemoryReport {
  return executor().memory();
}

/** Runs `body` with every kernel launch measured; each costs a pass of its own, so the whole is slower than without.
 *  @throws DeviceError on the reference executor, or where the adapter has no timestamp queries. */
export function profile<T>(body: () => T | Promise<T>): Promise<{ result: T; kernels: KernelProfile[] }> {
  requireFunction("profile", body, "profile(() => step(x))");
  const on = executor();
  if (!(on instanceof GpuExecutor)) throw new DeviceError(`profile: ${on.description} has no kernels; init() a GPU`);
  return on.profile(body);
}
