/** The engine as the benchmark needs it: opened on an adapter, described, watched while it works. */
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { GpuExecutor } from "../engine/gpu/executor.js";
import { type Executor, type InitOptions, init } from "../engine/index.js";

/** What can be told of the adapter and waited for; beside the public interface, which needs neither. */
export interface Bench {
  readonly adapter: Readonly<Record<string, string>>;
  readonly software: boolean;
  /** Processors a software adapter computes on. */
  readonly processors: number;
  /** Submits what is recorded, without waiting. */
  flush(): void;
  /** Resolves when the queue is empty. */
  finish(): Promise<void>;
  /** Kernel launches since the engine was opened. */
  launches(): number;
}

/** Opens the engine on the GPU. @throws DeviceError where there is none. */
export async function openBench(adapter?: string, options: Pick<InitOptions, "tuning"> = {}): Promise<Bench> {
  return benchOn(await init({ adapter, ...options }));
}

/** The bench of an engine that is open. @throws TypeError on the reference executor. */
export function benchOn(on: Executor): Bench {
  if (!(on instanceof GpuExecutor)) throw new TypeError(`bench: ${on.description} came ; a GPU is needed ; init() one`);
  const { device, stream } = on;
  const { vendor, architecture, device: name, description } = device.gpu.adapterInfo;
  const { tuning } = device.capabilities;
  return {
    adapter: {
      ...{ vendor, architecture, device: name, description },
      ...(tuning && { tuning: `a table of ${tuning.length} shapes` }),
    },
    software: device.capabilities.software,
    processors: availableParallelism(),
    flush: () => on.flush(),
    finish: () => device.queue.onSubmittedWorkDone(),
    launches: () => stream.launches,
  };
}

function versionIn(url: URL): string {
  return (JSON.parse(readFileSync(url, "utf8")) as { version: string }).version;
}

/** Versions of what decides about speed. */
export function versions(): Record<string, string> {
  return {
    holdfast: versionIn(new URL("../../package.json", import.meta.url)),
    node: process.versions.node,
    webgpu: versionIn(new URL("./package.json", import.meta.resolve("webgpu"))),
  };
}
