/** Ops on the GPU, one after the other as they come. */
import { Compilation } from "#compilation";
import { DeviceError, OutOfMemoryError } from "../errors.js";
import type { Executor, HostArray, MemoryReport, Plan, PlanOptions, Value } from "../executor.js";
import { packHalves, unpackHalves } from "../halves.js";
import { bytesOf, type DType, type Launch, type Layout, type Operand, type TensorSpec } from "../lower.js";
import type { OpSpec } from "../op.js";
import { contiguousStrides, isContiguous, sizeOf } from "../shape.js";
import type { Graph } from "../trace.js";
import type { Device } from "./device.js";
import { copyCalls, lowerOp, wholeOperand } from "./lowering.js";
import { Pipelines } from "./pipelines.js";
import type { Program } from "./planned.js";
import { Pool, type Storage, sizeClass } from "./pool.js";
import { PreparedPlan } from "./prepared.js";
import { Profiler } from "./profile.js";
import type { KernelProfile } from "./profile.table.js";
import { compile } from "./program.js";
import { Readback } from "./readback.js";
import { Stream } from "./stream.js";

const maxConstants = 1024;

/** A tensor on the GPU: a layout over a storage that views share. */
export class GpuValue implements Value, Operand {
  refs = 1;
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly strides: readonly number[];
  readonly offset: number;
  constructor(
    spec: TensorSpec,
    layout: Layout,
    readonly buffer: Storage,
    /** Order of creation on this executor, to know which values a failure spoilt. */
    readonly serial: number,
  ) {
    this.shape = spec.shape;
    this.dtype = spec.dtype;
    this.strides = layout.strides;
    this.offset = layout.offset;
  }
}

/** An error the GPU reported late: values made in [from, before) cannot be trusted. */
interface Failure {
  readonly from: number;
  readonly before: number;
  readonly error: DeviceError;
}

export interface GpuExecutorOptions {
  /** Freed buffers kept for reuse; default 1 GiB. */
  readonly poolBytes?: number;
  /** Launches after which recorded work is submitted without being asked for; default 128. */
  readonly launchesPerSubmit?: number;
}

export class GpuExecutor implements Executor {
  readonly kind = "gpu";
  readonly description: string;
  readonly pipelines: Pipelines;
  readonly stream: Stream;
  readonly pool: Pool;
  readonly compilation: Compilation;
  readonly #readback: Readback;
  readonly #failures: Failure[] = [];
  /** Scalars written in the program, by expression and type: they come back in every step. */
  readonly #constants = new Map<string, Storage>();
  #liveCount = 0;
  #nextSerial = 1;
  /** Values older than this were made by commands known to have succeeded. */
  #verified = 1;

  constructor(
    readonly device: Device,
    { poolBytes, launchesPerSubmit = 128 }: GpuExecutorOptions = {},
  ) {
    this.description = device.description;
    this.pipelines = new Pipelines(device);
    this.stream = new Stream(device, this.pipelines, launchesPerSubmit);
    this.pool = new Pool(device, poolBytes, (storage) => this.stream.submitUsesOf(storage));
    this.#readback = new Readback(device, this.stream);
    this.compilation = new Compilation(this.pipelines, (done) => this.#readback.patiently(done));
  }

  upload(data: HostArray, spec: TensorSpec): GpuValue {
    this.device.assertAlive();
    const storage = this.pool.acquire(bytesOf(spec), "tensor");
    if (data.length > 0) this.stream.write(storage, elementsOf(data, spec.dtype));
    return this.own(spec, { strides: contiguousStrides(spec.shape), offset: 0 }, storage);
  }

  run(op: OpSpec<never>, inputs: readonly Value[], attrs: unknown, output: TensorSpec): GpuValue {
    this.device.assertAlive();
    const operands = inputs as readonly GpuValue[];
    for (const x of operands) this.assertUsable(x, op.name);
    const constant = inputs.length === 0 && output.shape.length === 0 ? op.expression?.([], attrs as never) : undefined;
    const kept = constant === undefined ? undefined : this.#constants.get(constant + output.dtype);
    if (kept) return this.#share(output, kept);
    /** What this op allocates: its output and its temporaries. */
    const made: Storage[] = [];
    try {
      const lowering = lowerOp(op, operands, attrs, output, {
        caps: this.device.capabilities,
        allocate: (spec, what) => {
          const operand = this.#allocate(spec, what);
          made.push(operand.buffer as Storage);
          return operand;
        },
      });
      for (const call of lowering.calls) this.stream.record(call);
      const storage = lowering.output.buffer as Storage;
      if (constant !== undefined) this.#keepConstant(constant + output.dtype, storage);
      storage.refs++;
      return this.own(output, lowering.output, storage);
    } finally {
      for (const storage of made) this.pool.release(storage);
    }
  }

  #keepConstant(key: string, storage: Storage): void {
    if (this.#constants.size >= maxConstants) this.#dropConstants();
    storage.refs++;
    this.#constants.set(key, storage);
  }

  #dropConstants(): void {
    for (const storage of this.#constants.values()) this.pool.release(storage);
    this.#constants.clear();
  }

  /** Another value in a storage. */
  #share(spec: TensorSpec, storage: Storage): GpuValue {
    storage.refs++;
    return this.own(spec, wholeOperand(spec, storage), storage);
  }

  #allocate(spec: TensorSpec, what: string): Operand {
    return wholeOperand(spec, this.pool.acquire(bytesOf(spec), what));
  }

  /** A new value in a storage whose reference it takes over. */
  own(spec: TensorSpec, layout: Layout, storage: Storage): GpuValue {
    this.#liveCount++;
    return new GpuValue(spec, layout, storage, this.#nextSerial++);
  }

  async read(value: Value): Promise<HostArray> {
    const x = value as GpuValue;
    this.device.assertAlive();
    this.assertUsable(x, "read");
    const upTo = this.#nextSerial;
    const bytes = bytesOf(x);
    let memory = new ArrayBuffer(0);
    try {
      if (bytes > 0) memory = await this.#readBytes(x, bytes);
    } finally {
      // An earlier error is the cause of one in reading, and says more.
      await this.#settle(upTo);
      // Its elements were copied at the beginning; it may have been released since.
      this.#assertSound(x);
    }
    if (x.dtype === "f32") return new Float32Array(memory);
    if (x.dtype === "i32") return new Int32Array(memory);
    const words = new Uint32Array(memory);
    return x.dtype === "f16" ? unpackHalves(words, sizeOf(x.shape)) : words;
  }

  #readBytes(x: GpuValue, bytes: number): Promise<ArrayBuffer> {
    if (isContiguous(x.shape, { strides: x.strides, offset: 0 }))
      return this.#readback.read(x.buffer, 4 * x.offset, bytes);
    const copy = this.#allocate(x, "read");
    for (const call of copyCalls(x, copy, this.device.capabilities)) this.stream.record(call);
    const storage = copy.buffer as Storage;
    const reading = this.#readback.read(storage, 0, bytes);
    // The copy to the host is submitted; whoever gets this buffer next comes after it.
    this.pool.release(storage);
    return reading;
  }

  /** Looks at the outcome of everything submitted; values older than `upTo` are then known to be good or bad. */
  async #settle(upTo: number): Promise<void> {
    await this.device.settle((error) => {
      this.#failures.push({ from: this.#verified, before: this.#nextSerial, error });
      this.#dropConstants();
      if (error instanceof OutOfMemoryError) this.pool.trim();
    });
    this.#verified = Math.max(this.#verified, upTo);
  }

  /** @throws DeviceError when the GPU failed while the value was made. */
  assertUsable(x: GpuValue, op: string): void {
    if (x.refs <= 0) throw new Error(`internal: ${op} uses a released value`);
    this.#assertSound(x);
  }

  /** How often the GPU has failed. What is kept elsewhere than in values may be spoilt when that grows. */
  get failures(): number {
    return this.#failures.length;
  }

  #assertSound(x: GpuValue): void {
    for (const { from, before, error } of this.#failures) if (x.serial >= from && x.serial < before) throw error;
  }

  prepare(graph: Graph, options: PlanOptions): Plan {
    this.device.assertAlive();
    const program = compile(graph, this.device.capabilities, options);
    return new PreparedPlan(this, program, this.#missing(program));
  }

  async prepareAside(graph: Graph, options: PlanOptions): Promise<Plan> {
    this.device.assertAlive();
    const program = compile(graph, this.device.capabilities, options);
    const missing = this.#missing(program);
    await this.pipelines.makeAside(missing);
    return new PreparedPlan(this, program, missing);
  }

  #missing({ once, launches }: Program): Launch[] {
    return this.pipelines.missing([...once, ...launches]);
  }

  async caughtUp(): Promise<void> {
    this.device.assertAlive();
    this.stream.flush();
    await this.#readback.patiently(this.device.queue.onSubmittedWorkDone());
  }

  retain(value: Value): void {
    (value as GpuValue).refs++;
  }

  release(value: Value): void {
    const x = value as GpuValue;
    if (--x.refs > 0) return;
    if (x.refs < 0) throw new Error("internal: a value is released twice");
    this.#liveCount--;
    this.pool.release(x.buffer);
  }

  memory(): MemoryReport {
    const { liveBytes, pooledBytes, peakBytes } = this.pool;
    const constants = this.#constants.size * sizeClass(4);
    return {
      liveCount: this.#liveCount,
      liveBytes: liveBytes - constants,
      pooledBytes: pooledBytes + constants,
      peakBytes,
    };
  }

  /** Runs `body` with every launch measured. @throws DeviceError where the adapter has no timestamp queries. */
  async profile<T>(body: () => T | Promise<T>): Promise<{ result: T; kernels: KernelProfile[] }> {
    if (this.stream.profiler) throw new DeviceError("profile: already profiling; profiles do not nest");
    const profiler = new Profiler(this.device);
    this.stream.flush();
    this.stream.profiler = profiler;
    let result: T;
    try {
      result = await body();
    } finally {
      this.stream.flush();
      this.stream.profiler = undefined;
    }
    return { result, kernels: await profiler.finish() };
  }

  /** Submits what is recorded, without waiting. */
  flush(): void {
    this.stream.flush();
  }

  /** Submits what is recorded, takes no more, and waits for the end of it. */
  async idle(): Promise<void> {
    this.stream.flush();
    await this.device.idle();
    await this.compilation.idle();
  }

  /** Ends the device; every value is gone. */
  destroy(): void {
    this.compilation.destroy();
    this.device.destroy();
  }
}

/** `data` as the words of four bytes that a tensor of this type has on the GPU. */
function elementsOf(
  data: HostArray,
  dtype: DType,
): Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint32Array<ArrayBuffer> {
  if (dtype === "f16") return packHalves(data);
  const wanted = dtype === "f32" ? Float32Array : dtype === "i32" ? Int32Array : Uint32Array;
  return data instanceof wanted ? (data as Float32Array<ArrayBuffer>) : wanted.from(data as Float64Array);
}
