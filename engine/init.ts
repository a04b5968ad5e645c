/** Opening and closing the engine. */

import { DeviceError, type DeviceLostError } from "./errors.js";
import { type Executor, executor, hasExecutor, type MemoryReport, swapExecutor } from "./executor.js";
import { adoptDevice, openDevice } from "./gpu/device.js";
import { GpuExecutor } from "./gpu/executor.js";
import type { KernelProfile } from "./gpu/profile.table.js";
import { setLeakNotice } from "./leaks.js";
import { nearest } from "./nearest.js";
import { checkedOptions, requireFunction, shown } from "./options.js";
import { ReferenceExecutor } from "./reference.js";
import type { TuningTable } from "./tuning.js";

export { formatProfile, type KernelProfile } from "./gpu/profile.table.js";

/** What is used of a GPUDevice to know one; described here, so that the types need not those of WebGPU. */
export interface GpuDeviceLike {
  readonly queue: object;
  readonly limits: object;
  readonly features: object;
  readonly lost: PromiseLike<unknown>;
}

/** How `init` opens the engine; everything has a default. */
export interface InitOptions {
  /** Where ops run: the GPU (default), or the slow float64 reference on the CPU. */
  readonly executor?: "gpu" | "reference";
  /** A GPUDevice that is open already, in a browser, Deno or Dawn, so that a page has one for all. It is used with the limits and
   *  features it has, and lives on after `shutdown`, which frees the engine's buffers on it. */
  readonly device?: GpuDeviceLike;
  /** Part of an adapter's name, for example `llvmpipe` (Node only). */
  readonly adapter?: string;
  /** Which of several adapters a browser should offer. */
  readonly powerPreference?: "low-power" | "high-performance";
  /** Bytes of freed GPU buffers kept for reuse; default 1 GiB, or what was in use at once a short while ago. */
  readonly poolBytes?: number;
  /** Kernel choices measured on this adapter, which a page may keep as JSON; `false` uses none. Default: in Node those that
   *  `holdfast bench tune` wrote to the user's cache folder, in browsers none. */
  readonly tuning?: TuningTable | false;
  /** `false` keeps convolutions plain sums. Minimal filtering (Winograd) and Fourier transforms are faster where they are chosen, and round windows of the same
   *  numbers differently by where they lie: over a flat background, ties of max pooling then do not fall to the first of equals. Default `true`. */
  readonly minimalFiltering?: boolean;
  /** Called once when the device is lost without a `shutdown`: all tensors are gone, and `init` opens another device. */
  readonly onLost?: (error: DeviceLostError) => void;
  /** `false` silences the notice on the console that a program loses tensors; default `true`. */
  readonly leakNotice?: boolean;
}

/** What a running engine was opened with, without listeners. */
type Settings = Omit<InitOptions, "onLost">;

/** An engine that is being opened, or is open. */
interface Engine {
  readonly settings: Settings;
  readonly opening: Promise<Executor>;
  readonly onLost: Set<(error: DeviceLostError) => void>;
  executor?: Executor;
  /** `shutdown` came while it was being opened. */
  isUnwanted: boolean;
}

let engine: Engine | undefined;

function requireChoice(option: string, value: unknown, choices: readonly string[]): void {
  if (choices.includes(value as string)) return;
  const near = typeof value === "string" ? nearest(value, choices) : undefined;
  throw new TypeError(
    `init: ${option} is ${shown(value)}; ${choices.map((choice) => JSON.stringify(choice)).join(" or ")} is needed` +
      (value === "cpu" ? ', and "reference" runs on the CPU' : near ? `, perhaps "${near}"` : ""),
  );
}

function checkOptions(options: InitOptions): void {
  checkedOptions("init", options, [
    ...[
      "executor",
      "device",
      "adapter",
      "powerPreference",
      "poolBytes",
      "tuning",
      "minimalFiltering",
      "onLost",
      "leakNotice",
    ],
  ]);
  const { executor: where = "gpu", device, adapter, powerPreference, poolBytes, onLost } = options;
  requireChoice("executor", where, ["gpu", "reference"]);
  if (powerPreference !== undefined)
    requireChoice("powerPreference", powerPreference, ["low-power", "high-performance"]);
  if (adapter !== undefined && (typeof adapter !== "string" || adapter === ""))
    throw new TypeError(`init: adapter is ${shown(adapter)}; part of an adapter's name is needed, like "llvmpipe"`);
  if (poolBytes !== undefined && !(poolBytes >= 0))
    throw new RangeError(`init: poolBytes is ${shown(poolBytes)}; a number of bytes of at least 0 is needed`);
  if (onLost !== undefined) requireFunction("init: onLost", onLost, "(error) => console.warn(error.message)");
  for (const name of ["leakNotice", "minimalFiltering"] as const)
    if (options[name] !== undefined && typeof options[name] !== "boolean")
      throw new TypeError(`init: ${name} is ${shown(options[name])}; true or false is needed`);
  const chosen =
    where === "reference" ? 'executor "reference"' : adapter ? "adapter" : powerPreference && "powerPreference";
  if (device !== undefined && chosen)
    throw new TypeError(`init: device and ${chosen} given, and a device has its adapter already; give one of the two`);
}

/** Opens the device and makes it the place where ops run. Call `shutdown` when done: Node does not exit before. Called again with the same
 *  options it gives the same promise, while the engine is being opened and while it runs; `onLost` is told as well.
 *  @throws DeviceError, with a remedy, when there is no adapter, when the engine runs with other options, when `device` is lost or
 *  has lower limits than WebGPU's defaults, or when `tuning` is a table of another adapter or of other kernels; TypeError
 *  or RangeError for wrong options. All of it comes as a rejection. */
export function init(options: InitOptions = {}): Promise<Executor> {
  try {
    checkOptions(options);
    const { onLost, executor: where = "gpu", leakNotice = true, ...rest } = options;
    const settings: Settings = { executor: where, leakNotice, ...rest };
    if (engine?.executor instanceof GpuExecutor && engine.executor.device.isLost) shutdown();
    // Nobody waits for what shutdown() gave up; it ends by itself.
    if (engine?.isUnwanted && differing(engine.settings, settings).length > 0) engine = undefined;
    if (engine) {
      const now = engine;
      requireSame(now, settings);
      // A page that closes and opens in one go, as React's StrictMode does, goes on with what it has.
      now.isUnwanted = false;
      if (onLost) now.onLost.add(onLost);
      return now.opening;
    }
    const onLostAll = new Set(onLost ? [onLost] : []);
    const opened: { it?: Engine } = {};
    const opening = open(settings, onLostAll).then((on) => started(opened.it!, on));
    opened.it = { settings, opening, onLost: onLostAll, isUnwanted: false };
    engine = opened.it;
    opening.catch(() => {
      if (engine === opened.it) engine = undefined;
    });
    return opening;
  } catch (error) {
    return Promise.reject(error);
  }
}

async function open(settings: Settings, onLost: Engine["onLost"]): Promise<Executor> {
  if (settings.executor === "reference") return new ReferenceExecutor();
  const { device: given, poolBytes } = settings;
  const device = given ? await adoptDevice(given as GPUDevice, settings) : await openDevice(settings);
  device.onLost.add((error) => {
    for (const tell of onLost) tell(error);
  });
  return new GpuExecutor(device, { poolBytes });
}

/** Makes what was opened current, unless nobody wants it any more. */
function started(of: Engine, on: Executor): Executor {
  if (of.isUnwanted) {
    if (on instanceof GpuExecutor) on.destroy();
    throw new DeviceError("init: shutdown() was called before the device was open; call init() again");
  }
  of.executor = on;
  setLeakNotice(of.settings.leakNotice !== false);
  swapExecutor(on);
  return on;
}

function differing(a: Settings, b: Settings): (keyof Settings)[] {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]) as Set<keyof Settings>;
  return [...names].filter((name) => !Object.is(a[name], b[name]));
}

function requireSame({ settings, executor: on }: Engine, wanted: Settings): void {
  const differ = differing(settings, wanted);
  if (differ.length === 0) return;
  const told = (of: Settings): string => differ.map((name) => `${name}: ${shown(of[name])}`).join(", ");
  throw new DeviceError(
    `init: the engine ${on ? `already runs on ${on.description}` : "is being opened"} with { ${told(settings)} }, now { ${told(wanted)} } ` +
      "came; call shutdown() first, or init() with the same options",
  );
}

/** Closes the engine at once; every tensor is gone, and what waits for the GPU is rejected with DeviceLostError. Does nothing when it is
 *  not open. */
export function shutdown(): void {
  const now = engine;
  if (!now) return;
  if (!now.executor) {
    now.isUnwanted = true;
    return;
  }
  engine = undefined;
  if (hasExecutor() && executor() === now.executor) swapExecutor(undefined);
  if (now.executor instanceof GpuExecutor) now.executor.destroy();
}

/** Closes the engine once the GPU has done what it was given; nothing new is taken meanwhile. Before a worker ends, or is ended: a process
 *  dies when the thread of a device that works is torn down. */
export async function stop(): Promise<void> {
  const now = engine;
  if (!now) return;
  if (!now.executor) {
    shutdown();
    await now.opening.catch(() => {});
    return;
  }
  if (now.executor instanceof GpuExecutor) await now.executor.idle();
  if (engine === now) shutdown();
}

/** Closes the engine and opens it again as it was, after the loss of its device. @throws DeviceError when it is not open, or was given
 *  its device: then `shutdown()` and `init({ device })` with another. */
export function reopen(): Promise<Executor> {
  const now = engine;
  if (!now) return Promise.reject(new DeviceError("reopen: the engine is not open; call init()"));
  if (now.settings.device)
    return Promise.reject(
      new DeviceError(
        "reopen: the engine was given its device; call shutdown(), then init({ device }) with another one",
      ),
    );
  shutdown();
  const again = init(now.settings);
  for (const tell of now.onLost) engine?.onLost.add(tell);
  return again;
}

/** Live, pooled and peak bytes of the current executor. */
export function memory(): MemoryReport {
  return executor().memory();
}

/** Runs `body` with every kernel launch measured, those of others meanwhile too; each costs a pass of its own, so the whole is slower
 *  than without. @throws DeviceError on the reference executor, or where the adapter has no timestamp queries. */
export function profile<T>(body: () => T | Promise<T>): Promise<{ result: T; kernels: KernelProfile[] }> {
  requireFunction("profile", body, "profile(() => step(x))");
  const on = executor();
  if (!(on instanceof GpuExecutor)) throw new DeviceError(`profile: ${on.description} has no kernels; init() a GPU`);
  return on.profile(body);
}
