/** A captured program on the device: its buffers, where arguments and results go, and the calls prepared once. */
import type { Plan, Value } from "../executor.js";
import { printProgram } from "../graph/print.js";
import type { KernelCall, Operand } from "../lower.js";
import { contiguousStrides, isContiguous, sizeOf } from "../shape.js";
import type { GpuExecutor, GpuValue } from "./executor.js";
import { copyCalls, wholeOperand } from "./lowering.js";
import type { Storage } from "./pool.js";
import { ConstantBuffer, type PlannedBuffer, type Program, type ProgramInput } from "./program.js";
import { Replay } from "./replay.js";

const bytesPerElement = 4;

export class PreparedPlan implements Plan {
  readonly #on: GpuExecutor;
  readonly #program: Program;
  /** The buffers of the plan, referenced once by it and once by each result that lies in one. */
  readonly #storages: Storage[] = [];
  readonly #bufferOf: ReadonlyMap<PlannedBuffer, number>;
  #replay: Replay;
  /** Captured tensors' storages, with the identity of the buffer that was bound. */
  readonly #constants = new Map<Storage, number>();
  /** What each input's buffer holds now. */
  readonly #held = new Map<ProgramInput, GpuValue>();

  constructor(on: GpuExecutor, program: Program) {
    this.#on = on;
    this.#program = program;
    this.#bufferOf = new Map(program.buffers.map((buffer, i) => [buffer, program.plan.bufferOf[i]]));
    try {
      for (const bytes of program.plan.bufferBytes) this.#storages.push(on.pool.acquire(bytes, "capture"));
      this.#replay = this.#bind();
    } catch (error) {
      this.#releaseStorages();
      throw error;
    }
  }

  #bind(): Replay {
    this.#constants.clear();
    const calls = this.#program.launches.map((call): KernelCall => {
      const bind: Record<string, Operand> = {};
      for (const [name, operand] of Object.entries(call.bind)) {
        const storage = this.#storageOf(operand.buffer);
        if (operand.buffer instanceof ConstantBuffer) this.#constants.set(storage, storage.id);
        bind[name] = { ...operand, buffer: storage };
      }
      return { ...call, bind };
    });
    return new Replay(this.#on.stream, calls);
  }

  #storageOf(buffer: unknown): Storage {
    if (buffer instanceof ConstantBuffer) return buffer.operand.buffer as Storage;
    return this.#storages[this.#bufferOf.get(buffer as PlannedBuffer)!];
  }

  run(inputs: readonly Value[]): Value[] {
    const { stream, pool, device } = this.#on;
    const values = inputs as readonly GpuValue[];
    device.assertAlive();
    for (const x of values) this.#on.assertUsable(x, "capture");
    this.#followConstants();
    this.#moveOldResults(values);
    for (const [i, input] of this.#program.inputs.entries()) this.#fill(input, values[i]);
    const results = this.#program.outputs.map(({ shape, takesOver }) => {
      if (!takesOver) return pool.acquire(sizeOf(shape) * bytesPerElement, "capture");
      const storage = this.#storageOf(takesOver.buffer);
      storage.refs++;
      return storage;
    });
    this.#replay.encode();
    for (const [j, { shape, operand, inPlace }] of this.#program.outputs.entries()) {
      const bytes = sizeOf(shape) * bytesPerElement;
      if (inPlace || bytes === 0) continue;
      stream.copy(this.#storageOf(operand.buffer), operand.offset * bytesPerElement, results[j].buffer, bytes);
    }
    stream.flush();
    return this.#program.outputs.map(({ shape, dtype, takesOver }, j) => {
      const value = this.#on.own({ shape, dtype }, { strides: contiguousStrides(shape), offset: 0 }, results[j]);
      if (takesOver) this.#held.set(takesOver, value);
      return value;
    });
  }

  /** Another plan may have moved a captured tensor out of its way. */
  #followConstants(): void {
    for (const [storage, id] of this.#constants) {
      if (storage.id === id) continue;
      this.#replay.dispose();
      this.#replay = this.#bind();
      return;
    }
  }

  /** Results of earlier calls that are still in use leave the buffers this call will overwrite. */
  #moveOldResults(values: readonly GpuValue[]): void {
    const { pool, stream } = this.#on;
    for (const [i, input] of this.#program.inputs.entries()) {
      if (!input.node.donated) continue;
      const at = this.#bufferOf.get(input.buffer)!;
      const storage = this.#storages[at];
      const x = values[i];
      const isGiven = x.buffer === storage && x.refs === 1 && isContiguous(x.shape, x);
      if (storage.refs <= (isGiven ? 2 : 1)) continue;
      const moved = pool.acquire(storage.bytes, "capture");
      stream.copy(storage, 0, moved.buffer, storage.bytes);
      // Values know their storage, prepared calls their buffer: exchanging the buffers of two storages moves the values.
      storage.exchange(moved);
      this.#storages[at] = moved;
      pool.release(storage);
    }
  }

  /** Copies `x` into the input's buffer, unless that holds it already. */
  #fill(input: ProgramInput, x: GpuValue): void {
    if (this.#held.get(input) === x) return;
    if (input.node.donated) this.#held.delete(input);
    else this.#held.set(input, x);
    const { stream, device } = this.#on;
    const storage = this.#storageOf(input.buffer);
    const bytes = sizeOf(x.shape) * bytesPerElement;
    if (bytes === 0) return;
    if (isContiguous(x.shape, { strides: x.strides, offset: 0 }))
      stream.copy(x.buffer, x.offset * bytesPerElement, storage.buffer, bytes);
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
    this.#storages.length = 0;
  }
}
