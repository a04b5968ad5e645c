/** A captured program on the device: its buffers, where arguments and results go, and the calls prepared once. */
import type { Plan, Value } from "../executor.js";
import { printProgram } from "../graph/print.js";
import { bytesOf, type Launch } from "../lower.js";
import { contiguousStrides, isContiguous } from "../shape.js";
import type { GpuExecutor, GpuValue } from "./executor.js";
import { copyCalls, wholeOperand } from "./lowering.js";
import { ConstantBuffer, type PlannedBuffer, type Program, type ProgramInput } from "./planned.js";
import type { Storage } from "./pool.js";
import { Replay } from "./replay.js";

/** A buffer of the plan in which results may lie: that of a donated argument, or one that is handed out. */
interface Shared {
  readonly at: number;
  readonly argument: number | undefined;
}

export class PreparedPlan implements Plan {
  readonly #on: GpuExecutor;
  readonly #program: Program;
  /** The buffers of the plan, referenced once by it and once by each result that lies in one. */
  readonly #storages: Storage[] = [];
  readonly #bufferOf: ReadonlyMap<PlannedBuffer, number>;
  /** What launches that ran once have made. */
  readonly #fixed = new Map<PlannedBuffer, GpuValue>();
  /** Everything the plan reads in every run, as it was at capture. */
  readonly #constants: readonly GpuValue[];
  readonly #replay: Replay;
  /** Calls by the buffer of the plan they use. */
  readonly #users: readonly number[][];
  readonly #shared: readonly Shared[];
  #fresh: readonly Launch[];
  /** Inputs that are packed, and whether what was made of them is that of what they hold. */
  readonly #packed: ReadonlySet<ProgramInput>;
  #isPacked = false;
  #failures = 0;
  /** What each input's buffer holds now. */
  readonly #held = new Map<ProgramInput, GpuValue>();

  /** `fresh`: launches whose pipelines are made for this plan; the first run compiles them where the driver does so late. */
  constructor(on: GpuExecutor, program: Program, fresh: readonly Launch[]) {
    this.#on = on;
    this.#program = program;
    this.#fresh = fresh;
    const { launches, inputs, outputs, buffers, plan } = program;
    this.#bufferOf = new Map(buffers.map((buffer, i) => [buffer, plan.bufferOf[i]]));
    const placeOf = (buffer: unknown): number | undefined => this.#bufferOf.get(buffer as PlannedBuffer);
    const used = launches.map(({ bind }) => new Set(Object.values(bind).map(({ buffer }) => placeOf(buffer))));
    const reads = new Set(
      launches.slice(0, program.packing).flatMap(({ bind }) => Object.values(bind).map(({ buffer }) => buffer)),
    );
    this.#packed = new Set(inputs.filter(({ buffer }) => reads.has(buffer)));
    this.#users = plan.bufferBytes.map((_, at) => [...launches.keys()].filter((k) => used[k].has(at)));
    this.#shared = [
      ...inputs.flatMap(({ node, buffer }, argument) => (node.donated ? [{ at: placeOf(buffer), argument }] : [])),
      ...outputs.flatMap(({ operand, takesOver, inPlace }) =>
        inPlace && !takesOver ? [{ at: placeOf(operand.buffer), argument: undefined }] : [],
      ),
    ].filter((s, i, all): s is Shared => s.at !== undefined && all.findIndex(({ at }) => at === s.at) === i);
    try {
      this.#runOnce();
      for (const bytes of plan.bufferBytes) this.#storages.push(on.pool.acquire(bytes, "capture"));
      this.#replay = new Replay(
        on.stream,
        launches.map((call) => this.#bound(call)),
      );
    } catch (error) {
      this.#releaseStorages();
      throw error;
    }
    const read = [...launches.flatMap(({ bind }) => Object.values(bind)), ...outputs.map(({ operand }) => operand)];
    const captured = read.flatMap(({ buffer }) =>
      buffer instanceof ConstantBuffer ? [buffer.operand as GpuValue] : [],
    );
    this.#constants = [...new Set(captured), ...this.#fixed.values()];
  }

  /** Records the launches that need not be repeated, and keeps what the others use of their results. */
  #runOnce(): void {
    const { pool, stream } = this.#on;
    for (const buffer of this.#program.fixed) {
      const spec = { shape: [buffer.bytes / 4], dtype: "f32" } as const;
      const storage = pool.acquire(buffer.bytes, "capture");
      this.#fixed.set(buffer, this.#on.own(spec, { strides: [1], offset: 0 }, storage));
    }
    for (const call of this.#program.once) stream.record(this.#bound(call));
    for (const [buffer, value] of this.#fixed) {
      if (buffer.isUsed) continue;
      this.#on.release(value);
      this.#fixed.delete(buffer);
    }
  }

  /** The call with storages for buffers. */
  #bound(call: Launch): Launch {
    const bind = Object.entries(call.bind).map(([name, x]) => [name, { ...x, buffer: this.#storageOf(x.buffer) }]);
    return { ...call, bind: Object.fromEntries(bind) };
  }

  #storageOf(buffer: unknown): Storage {
    if (buffer instanceof ConstantBuffer) return buffer.operand.buffer as Storage;
    const planned = buffer as PlannedBuffer;
    return this.#fixed.get(planned)?.buffer ?? this.#storages[this.#bufferOf.get(planned)!];
  }

  run(inputs: readonly Value[]): Value[] {
    const { stream, pool, device } = this.#on;
    const values = inputs as readonly GpuValue[];
    device.assertAlive();
    for (const x of values) this.#on.assertUsable(x, "capture");
    for (const x of this.#constants) this.#on.assertUsable(x, "capture");
    if (this.#failures !== this.#on.failures) {
      this.#failures = this.#on.failures;
      this.#held.clear();
      this.#isPacked = false;
    }
    this.#leaveOldResults(values);
    for (const [i, input] of this.#program.inputs.entries()) this.#fill(input, values[i]);
    const results = this.#program.outputs.map(({ shape, dtype, operand, takesOver, inPlace }) => {
      if (!takesOver && !inPlace) return pool.acquire(bytesOf({ shape, dtype }), "capture");
      const storage = this.#storageOf(takesOver ? takesOver.buffer : operand.buffer);
      storage.refs++;
      return storage;
    });
    this.#replay.encode(this.#isPacked ? this.#program.packing : 0);
    this.#isPacked = true;
    for (const [j, { shape, dtype, operand, inPlace }] of this.#program.outputs.entries()) {
      const bytes = bytesOf({ shape, dtype });
      if (inPlace || bytes === 0) continue;
      stream.copy(this.#storageOf(operand.buffer), 4 * operand.offset, results[j].buffer, bytes);
    }
    this.#on.compilation.begin(this.#fresh);
    this.#fresh = [];
    stream.flush();
    return this.#program.outputs.map(({ shape, dtype, operand, takesOver, inPlace }, j) => {
      const layout = inPlace ? operand : { strides: contiguousStrides(shape), offset: 0 };
      const value = this.#on.own({ shape, dtype }, layout, results[j]);
      if (takesOver) this.#held.set(takesOver, value);
      return value;
    });
  }

  /** Results of earlier calls that are still in use keep their buffers, and so do those there was no memory for: this call
   *  takes others. */
  #leaveOldResults(values: readonly GpuValue[]): void {
    const { pool } = this.#on;
    const moved = new Set<number>();
    for (const { at, argument } of this.#shared) {
      const storage = this.#storages[at];
      const x = argument === undefined ? undefined : values[argument];
      const isGiven = x !== undefined && x.buffer === storage && x.refs === 1 && isContiguous(x.shape, x);
      if (storage.refs <= (isGiven ? 2 : 1) && !pool.isBroken(storage)) continue;
      this.#storages[at] = pool.acquire(storage.bytes, "capture");
      pool.release(storage);
      if (argument !== undefined) this.#held.delete(this.#program.inputs[argument]);
      for (const k of this.#users[at]) moved.add(k);
    }
    for (const k of moved) this.#replay.rebind(k, this.#bound(this.#program.launches[k]));
  }

  /** Copies `x` into the input's buffer, unless that holds it already. */
  #fill(input: ProgramInput, x: GpuValue): void {
    if (this.#held.get(input) === x) return;
    if (this.#packed.has(input)) this.#isPacked = false;
    if (input.node.donated) this.#held.delete(input);
    else this.#held.set(input, x);
    const { stream, device } = this.#on;
    const storage = this.#storageOf(input.buffer);
    const bytes = bytesOf(x);
    if (bytes === 0 || (x.buffer === storage && isContiguous(x.shape, x))) return;
    if (isContiguous(x.shape, { strides: x.strides, offset: 0 }))
      stream.copy(x.buffer, 4 * x.offset, storage.buffer, bytes);
    else for (const call of copyCalls(x, wholeOperand(x, storage), device.capabilities)) stream.record(call);
  }

  describe(options: { readonly source?: boolean } = {}): string {
    return printProgram(this.#program, options);
  }

  dispose(): void {
    this.#releaseStorages();
    this.#held.clear();
    this.#replay.dispose();
  }

  #releaseStorages(): void {
    for (const storage of this.#storages) this.#on.pool.release(storage);
    for (const value of this.#fixed.values()) this.#on.release(value);
    this.#storages.length = 0;
    this.#fixed.clear();
  }
}
