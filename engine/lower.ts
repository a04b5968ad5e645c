/**
 * What an op hands to the GPU layer: kernel calls, which are plain data. `launch` of an op is a pure function from
 * operand shapes and adapter capabilities to a list of calls; the eager stream encodes them at once, a captured plan
 * prepares them once and replays them. Nothing here touches a device.
 */

import type { KernelDeclarations, KernelFile, KernelName } from "../shaders/gen/kernels.js";
import type { Kernel, Spec } from "../shaders/kernel.js";
import type { TunedChoice } from "./ops/tuned.js";

/** Element types of tensors: 4 bytes each, and 2 for f16 (IEEE 754 binary16), which is only stored. Ops compute with the others. */
export type DType = "f32" | "i32" | "u32" | "f16";

/** Shape and element type of a tensor. */
export interface TensorSpec {
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** Words of 32 bits that a contiguous tensor takes: one an element, or one for two of f16, the first in its low half. */
export function wordsOf({ shape, dtype }: TensorSpec): number {
  const n = shape.reduce((size, side) => size * side, 1);
  return dtype === "f16" ? Math.ceil(n / 2) : n;
}

/** Bytes that a contiguous tensor takes on the GPU. */
export function bytesOf(spec: TensorSpec): number {
  return 4 * wordsOf(spec);
}

/** Where the elements of a tensor lie in its buffer, in elements. `strides` may be 0 (broadcast) or negative (flip). */
export interface Layout {
  readonly strides: readonly number[];
  readonly offset: number;
}

/** One kernel argument: a tensor in some buffer. `buffer` is an opaque identity, resolved by whoever runs the call. */
export interface Operand extends TensorSpec, Layout {
  readonly buffer: unknown;
  /** Whether the values are the same in every run of the calls: then what a launch makes of such operands alone is made once. */
  readonly fixed?: boolean;
}

/** Elements of a result that is kept between runs although it is several times as large as what it is made from. */
export const mostKeptElements = 2 ** 21;

/** What a kernel choice may depend on. A pure record, so that choices can be tested for adapters not at hand. */
export interface Capabilities {
  /** A CPU pretending to be a GPU (lavapipe, SwiftShader): other kernels win there. */
  readonly software: boolean;
  readonly subgroups: boolean;
  readonly subgroupMinSize: number;
  readonly subgroupMaxSize: number;
  readonly f16: boolean;
  readonly maxInvocationsPerWorkgroup: number;
  readonly maxWorkgroupSizeX: number;
  readonly maxWorkgroupStorageBytes: number;
  readonly maxWorkgroupsPerDimension: number;
  readonly maxBindingBytes: number;
  readonly maxBufferBytes: number;
  readonly maxStorageBuffers: number;
  /** Kernels that were measured to be the fastest here; they go before the model of choose.ts. */
  readonly tuning?: readonly TunedChoice[];
  /** `false` keeps every convolution a plain sum, without Fourier transforms as well: windows of the same numbers give the same bits, wherever they lie. */
  readonly minimalFiltering?: boolean;
}

/** Which elements of a result have one channel, in the order of memory: `each` neighbours, then as many of the next of `count` channels, and
 *  after the last those of the first again. */
export interface Channels {
  readonly count: number;
  readonly each: number;
}

/** The channels of a result [n, channels, height, width] that lies in order. */
export function channelsOf({ shape: [, count, height, width] }: Pick<TensorSpec, "shape">): Channels {
  return { count, each: height * width };
}

/** One dispatch, as it is recorded, replayed and moved about. */
export interface Launch {
  /** That of a file of shaders/, or one that was generated. */
  readonly kernel: Kernel;
  /** Binding name in the source → operand. A kernel that reads a contiguous tensor gets one (offset 0). */
  readonly bind: Readonly<Record<string, Operand>>;
  /** Fields of the source's `Params` struct. */
  readonly params?: Readonly<Record<string, number | readonly number[]>>;
  /** `override` constants, `const … //@spec` constants and `//@if` flags, by name. */
  readonly spec?: Spec;
  /** Whether the parameters become part of the pipeline, as numbers that its compiler knows: for launches that are repeated. */
  readonly bake?: boolean;
  readonly grid: readonly [number, number, number];
  /** Floating-point operations of the call, for the profile. */
  readonly flops?: number;
  /** What a kernel that begins channels means by them. */
  readonly channels?: Channels;
  /** Whether it brings weights into the order in which a kernel reads them: worth keeping as long as they stay the same. */
  readonly packs?: boolean;
}

/** A dispatch of a file, `KernelCall<"conv2d.tiled">`, of which the compiler knows what it declares. */
export interface KernelCall<K extends KernelName> {
  readonly kernel: KernelFile<K>;
  readonly bind: Readonly<
    Record<KernelDeclarations[K]["always"], Operand> & Partial<Record<KernelDeclarations[K]["flagged"], Operand>>
  >;
  readonly params: Readonly<KernelDeclarations[K]["params"]>;
  readonly spec?: Readonly<KernelDeclarations[K]["settings"]>;
  readonly grid: Launch["grid"];
  readonly flops?: number;
  readonly channels?: Channels;
  readonly packs?: boolean;
}

/** A dispatch of `kernel`, checked against what the file declares; a name that the compiler cannot see (under a flag, in a
 *  spread) is looked at when the pipeline or the bind group is made. */
export function call<K extends KernelName>(kernel: KernelFile<K>, rest: Omit<KernelCall<K>, "kernel">): Launch {
  return { kernel, ...rest } as Launch;
}

/** What an op's `launch` gets. Inputs are contiguous with offset 0 unless the op says `strided`. */
export interface LaunchContext {
  readonly inputs: readonly Operand[];
  readonly output: Operand;
  readonly caps: Capabilities;
  /** A contiguous scratch tensor that lives until the last of this op's calls. */
  temp(shape: readonly number[], dtype?: DType): Operand;
}

/** Workgroups for `count` items, `perGroup` each, as a 2-D grid when one dimension would exceed the limit. The kernel
 *  recovers the flat index as `(group.y * groups.x + group.x) * perGroup + local` and guards it against the count. */
export function linearGrid(count: number, perGroup: number, limit = 65_535): [number, number, number] {
  const groups = Math.max(1, Math.ceil(count / perGroup));
  if (groups <= limit) return [groups, 1, 1];
  const y = Math.ceil(groups / limit);
  const x = Math.ceil(groups / y);
  return [x, y, 1];
}

/** The workgroups of a kernel whose invocations make one of `count` results each. */
export function gridFor({ name, threads }: Kernel, count: number, limit?: number): [number, number, number] {
  if (threads === undefined) throw new Error(`internal: settings decide on the workgroups of shader ${name}`);
  return linearGrid(count, threads, limit);
}
