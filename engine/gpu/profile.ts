/** Time per kernel, from timestamp queries around every launch. */
import { DeviceError } from "../errors.js";
import type { Launch } from "../lower.js";
import type { Device } from "./device.js";
import { mapRead, usage } from "./flags.js";
import type { KernelProfile } from "./profile.table.js";

interface Measurement {
  readonly kernel: string;
  readonly flops: number | undefined;
  readonly bytes: number;
}

const maxLaunches = 2048;
const bytesPerStamp = 8;

export class Profiler {
  readonly #queries: GPUQuerySet;
  readonly #resolved: GPUBuffer;
  #current: Measurement[] = [];
  readonly #batches: { readonly measurements: Measurement[]; readonly stamps: GPUBuffer }[] = [];

  /** @throws DeviceError where the adapter has no timestamp queries. */
  constructor(readonly device: Device) {
    if (!device.gpu.features.has("timestamp-query"))
      throw new DeviceError(`profile: "${device.description}" has no timestamp queries; time whole runs instead`);
    this.#queries = device.gpu.createQuerySet({ type: "timestamp", count: 2 * maxLaunches });
    this.#resolved = device.createBuffer({
      size: 2 * maxLaunches * bytesPerStamp,
      usage: usage.queryResolve | usage.copySource,
    });
  }

  /** Measurements must be collected before the next launch. */
  get isFull(): boolean {
    return this.#current.length === maxLaunches;
  }

  /** A pass for one launch, with a time stamp at each end. */
  beginPass(encoder: GPUCommandEncoder, kernel: string, call: Launch): GPUComputePassEncoder {
    const at = 2 * this.#current.length;
    this.#current.push({ kernel, flops: call.flops, bytes: bytesOf(call) });
    return encoder.beginComputePass({
      timestampWrites: { querySet: this.#queries, beginningOfPassWriteIndex: at, endOfPassWriteIndex: at + 1 },
    });
  }

  /** Adds to `encoder`, which is about to be submitted, what brings the stamps to the host. */
  collect(encoder: GPUCommandEncoder): void {
    const count = 2 * this.#current.length;
    if (count === 0) return;
    const size = count * bytesPerStamp;
    const stamps = this.device.createBuffer({ size, usage: usage.mapRead | usage.copyTarget });
    encoder.resolveQuerySet(this.#queries, 0, count, this.#resolved, 0);
    encoder.copyBufferToBuffer(this.#resolved, 0, stamps, 0, size);
    this.#batches.push({ measurements: this.#current, stamps });
    this.#current = [];
  }

  /** One row per kernel, the most expensive first. */
  async finish(): Promise<KernelProfile[]> {
    const rows = new Map<string, { calls: number; ms: number; flops: number; bytes: number }>();
    for (const { measurements, stamps } of this.#batches) {
      await stamps.mapAsync(mapRead);
      const times = new BigUint64Array(stamps.getMappedRange());
      measurements.forEach(({ kernel, flops, bytes }, i) => {
        const row = rows.get(kernel) ?? { calls: 0, ms: 0, flops: 0, bytes: 0 };
        rows.set(kernel, row);
        row.calls++;
        row.ms += Number(times[2 * i + 1] - times[2 * i]) / 1e6;
        row.flops += flops ?? Number.NaN;
        row.bytes += bytes;
      });
      this.device.destroyBuffer(stamps);
    }
    this.#queries.destroy();
    this.device.destroyBuffer(this.#resolved);
    return [...rows]
      .map(([kernel, { calls, ms, flops, bytes }]) => ({
        kernel,
        calls,
        ms,
        gflops: Number.isNaN(flops) ? undefined : flops / ms / 1e6,
        gbps: bytes / ms / 1e6,
      }))
      .sort((a, b) => b.ms - a.ms);
  }
}

/** Bytes of the operands; dimensions an operand is broadcast over count once. */
function bytesOf({ bind }: Launch): number {
  let bytes = 0;
  for (const { shape, dtype, strides } of Object.values(bind))
    bytes += (dtype === "f16" ? 2 : 4) * shape.reduce((n, side, k) => (strides[k] === 0 && side > 0 ? n : n * side), 1);
  return bytes;
}
