/** A captured program: kernel calls over buffers that do not exist yet. */
import type { BufferPlan } from "../graph/plan.js";
import type { Launch, Operand, TensorSpec } from "../lower.js";
import type { InputNode } from "../trace.js";

/** A buffer to be: what it holds, and from which launch to which. */
export class PlannedBuffer {
  first = Number.POSITIVE_INFINITY;
  last = Number.NEGATIVE_INFINITY;
  home: string | undefined;
  constructor(
    /** For people: the op that writes it, or the argument. */
    readonly name: string,
    readonly bytes: number,
  ) {}

  get isUsed(): boolean {
    return this.first <= this.last;
  }

  touch(launch: number): void {
    this.first = Math.min(this.first, launch);
    this.last = Math.max(this.last, launch);
  }
}

/** A captured tensor: its buffer exists already. */
export class ConstantBuffer {
  constructor(readonly operand: Operand) {}
}

export interface ProgramInput {
  readonly node: InputNode;
  readonly buffer: PlannedBuffer;
}

/** Where an output comes from after the last launch. */
export interface ProgramOutput extends TensorSpec {
  /** Contiguous, from its offset. */
  readonly operand: Operand;
  /** The donated input whose buffer it takes over. */
  readonly takesOver: ProgramInput | undefined;
  /** Whether it stays where `operand` is: the launches write it into the buffer it takes over or that is handed out with
   *  it, or it never changes. Otherwise it is copied. */
  readonly inPlace: boolean;
}

export interface Program {
  /** Launches that reach nothing but captured tensors: they run once, before the first replay. */
  readonly once: readonly Launch[];
  /** What they write. It is not part of the plan, which only tells whether launches or outputs use it. */
  readonly fixed: readonly PlannedBuffer[];
  readonly launches: readonly Launch[];
  /** So many of the first launches pack arguments that are not donated. Nothing else writes what they write: while these arguments are the
   *  same tensors in every call they need not run again. */
  readonly packing: number;
  readonly inputs: readonly ProgramInput[];
  readonly outputs: readonly ProgramOutput[];
  /** Everything that gets memory, in the order of `plan.bufferOf`. */
  readonly buffers: readonly PlannedBuffer[];
  readonly plan: BufferPlan;
  /** The most bytes that must live at once, constants excepted. */
  readonly lowerBoundBytes: number;
}
