/** The float64 executor: every op by its definition, in plain TypeScript. The oracle of the tests, the fallback of the demo
 *  where there is no adapter, and a way to debug (no GPU, exact, single-stepped). */
import type { Executor, HostArray, MemoryReport, Value } from "./executor.js";
import { nearestHalf } from "./halves.js";
import type { TensorSpec } from "./lower.js";
import type { HostTensor, OpSpec } from "./op.js";
import { hostTensor } from "./ops/host.js";
import { sizeOf } from "./shape.js";

interface HostValue extends HostTensor {
  owners: number;
}

/** The float64 reference: every op by its definition, one element after the other. Slow, and what the GPU is compared with. */
export class ReferenceExecutor implements Executor {
  readonly kind = "reference";
  readonly description = "the float64 reference";
  #liveCount = 0;
  #liveBytes = 0;
  #peakBytes = 0;

  upload(data: HostArray, spec: TensorSpec): Value {
    const out = this.#adopt(hostTensor(spec));
    out.data.set(spec.dtype === "f16" ? Float64Array.from(data, nearestHalf) : data);
    return out;
  }

  run(op: OpSpec<never>, inputs: readonly Value[], attrs: unknown, output: TensorSpec): Value {
    const out = this.#adopt(hostTensor(output));
    op.reference(inputs as readonly HostTensor[], attrs as never, out);
    return out;
  }

  async read(value: Value): Promise<HostArray> {
    return (value as HostValue).data.slice();
  }

  retain(value: Value): void {
    (value as HostValue).owners++;
  }

  release(value: Value): void {
    if (--(value as HostValue).owners > 0) return;
    this.#liveCount--;
    this.#liveBytes -= 8 * sizeOf(value.shape);
  }

  memory(): MemoryReport {
    return {
      liveCount: this.#liveCount,
      liveBytes: this.#liveBytes,
      pooledBytes: 0,
      peakBytes: this.#peakBytes,
    };
  }

  #adopt(t: HostTensor): HostValue {
    this.#liveCount++;
    this.#liveBytes += 8 * sizeOf(t.shape);
    this.#peakBytes = Math.max(this.#peakBytes, this.#liveBytes);
    return { ...t, owners: 1 };
  }
}
