/**
 * The seam between what is computed and where. Three executors stand behind it: the GPU, a float64 reference in plain
 * TypeScript (the oracle of the tests, and a way to debug), and the tracer that records a graph for `capture`.
 */
import { DeviceError } from "./errors.js";
import type { TensorSpec } from "./lower.js";
import type { OpSpec } from "./op.js";
import type { Graph } from "./trace.js";

/** Element storage on the host. The reference executor keeps f32 tensors as Float64Array. */
export type HostArray = Float32Array | Float64Array | Int32Array | Uint32Array;

/** An executor's own record of a tensor's elements; opaque to everyone else. Reference counted by its executor. */
export interface Value extends TensorSpec {}

/** What an executor holds at a moment: values that somebody owns, and on the GPU what waits for reuse. */
export interface MemoryReport {
  /** Values alive now and the bytes they hold. */
  readonly liveCount: number;
  readonly liveBytes: number;
  /** Freed buffers kept for reuse. */
  readonly pooledBytes: number;
  /** Most bytes ever alive at once. */
  readonly peakBytes: number;
}

/** Where values live and ops run: the GPU, the float64 reference, or a tracer. Ops ask it after their arguments were validated. */
export interface Executor {
  readonly kind: "gpu" | "reference" | "trace";
  /** For people: adapter name, or "float64 reference". */
  readonly description: string;
  /** Makes a value from host data (copied), owned once. */
  upload(data: HostArray, spec: TensorSpec): Value;
  /** Runs an op whose shapes have been validated; the result is owned once. May share storage with an input (views). */
  run(op: OpSpec<never>, inputs: readonly Value[], attrs: unknown, output: TensorSpec): Value;
  read(value: Value): Promise<HostArray>;
  retain(value: Value): void;
  release(value: Value): void;
  memory(): MemoryReport;
  /** A value of another executor as a constant of this one; undefined when that cannot be. */
  importValue?(value: Value, from: Executor): Value | undefined;
  /** Makes a captured graph ready to run many times; executors without it interpret the graph. */
  prepare?(graph: Graph, options: PlanOptions): Plan;
  /** The same, with kernels compiled beside. */
  prepareAside?(graph: Graph, options: PlanOptions): Promise<Plan>;
  /** Resolves when everything that was asked for until now is done; executors that compute at once lack it. */
  caughtUp?(): Promise<void>;
}

export interface PlanOptions {
  /** Joins ops into fewer kernels, and chooses kernels by what is constant: equal to the separate ops to rounding. Without it, equal to the bit. */
  readonly fuse: boolean;
}

/** A captured graph, ready to run. */
export interface Plan {
  /** Runs on values of the recorded shapes. Donated ones are released by the caller afterwards; the results are owned once. */
  run(inputs: readonly Value[]): Value[];
  /** What runs, for people; with `source`, generated kernels in full. */
  describe(options?: { readonly source?: boolean }): string;
  dispose(): void;
}

let current: Executor | undefined;

/** The executor that runs ops now. @throws DeviceError before `init()`. */
export function executor(): Executor {
  if (!current)
    throw new DeviceError(
      'no executor: call `await init()` first, or `await init({ executor: "reference" })` for the CPU',
    );
  return current;
}

export function hasExecutor(): boolean {
  return current !== undefined;
}

/** Whether ops are being written down instead of run. */
export function isTracing(): boolean {
  return current?.kind === "trace";
}

/** Makes `next` current and returns what was; for `init`, `capture` and tests. */
export function swapExecutor(next: Executor | undefined): Executor | undefined {
  const previous = current;
  current = next;
  return previous;
}

/** Runs `body` on another executor. Synchronous: tensors made inside stay bound to it. */
export function withExecutor<T>(next: Executor, body: () => T): T {
  const previous = swapExecutor(next);
  try {
    return body();
  } finally {
    swapExecutor(previous);
  }
}
