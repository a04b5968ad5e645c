/**
 * The single door every operation passes through. An op is one `OpSpec`: its shape rule, its float64 definition, its
 * lowering to the GPU, its derivative rule and its samples for the generated tests, side by side.
 */

import { abandon, describe, ShapeError } from "./errors.js";
import { type Executor, executor, type HostArray } from "./executor.js";
import type { DType, Launch, LaunchContext, Layout, TensorSpec } from "./lower.js";
import { refuseTensor, requireFunction, shown } from "./options.js";
import { record } from "./record.js";
import { isTensor, Tensor } from "./tensor.js";
import { isPlainObject } from "./tree.js";

/** A contiguous tensor on the host, as the reference executor sees it. f32 data is Float64Array. */
export interface HostTensor extends TensorSpec {
  readonly data: HostArray;
}

/** The gradient of one input, computed only when somebody asks for it; null where none flows. */
export type Cotangent = (() => Tensor) | null;

export interface RuleContext<A> {
  readonly inputs: readonly Tensor[];
  readonly output: Tensor;
  readonly attrs: A;
}

/** Where the elements of a random test input come from. Values keep `gap` (default 0.05) away from `avoid` (kinks). */
export interface InputSpec {
  readonly shape: readonly number[];
  readonly dtype?: DType;
  /** Uniform on [low, high]; default [-2, 2]. Integers (inclusive) for i32 and u32, default [0, 9]. */
  readonly low?: number;
  readonly high?: number;
  readonly avoid?: readonly number[];
  readonly gap?: number;
  /** All elements at least `gap` apart (for max, sort, median). */
  readonly distinct?: boolean;
}

/** One call of an op through its public function, on inputs the test draws. */
export interface Sample {
  readonly inputs: readonly InputSpec[];
  readonly call: (...inputs: Tensor[]) => Tensor;
  readonly note?: string;
  /** False where the op has a rule but this call has no f32 result. */
  readonly differentiable?: false;
}

/** A call that must be refused with a message like `message`. */
export interface Failure {
  readonly inputs: readonly InputSpec[];
  readonly call: (...inputs: Tensor[]) => unknown;
  readonly message: RegExp;
}

/** Random choices for a sample; backed by fast-check in the tests, so that failures shrink. */
export interface Draw {
  /** An integer in [low, high], both included. */
  int(low: number, high: number): number;
  pick<T>(choices: readonly T[]): T;
  boolean(): boolean;
  /** Sides in [minSide, maxSide] (default 1 to 4), rank in [minRank, maxRank] (default 0 to 4). */
  shape(options?: { minRank?: number; maxRank?: number; minSide?: number; maxSide?: number }): number[];
}

export interface OpSpec<A = unknown> {
  readonly name: string;
  /** Validates and gives the result's shape and dtype. Pure. @throws ShapeError. */
  shape(inputs: readonly TensorSpec[], attrs: A): TensorSpec;
  /** The definition, in float64: fills `output.data` (zeros at first). */
  reference(inputs: readonly HostTensor[], attrs: A, output: HostTensor): void;
  /** The derivative rule, in exported ops only, so that a gradient is an ordinary graph. One entry per input; a
   *  gradient larger than its input is summed over the broadcast axes by the caller. null: piecewise constant or
   *  integer, no gradient. */
  readonly vjp: ((g: Tensor, context: RuleContext<A>) => readonly Cotangent[]) | null;

  // Lowering: exactly one of the next three.
  /** Pointwise: a WGSL expression of one element, from expressions of the inputs' elements. Functions of
   *  shaders/lib/scalar.wgsl may be called. Inputs broadcast. */
  expression?(args: readonly string[], attrs: A): string;
  /** Movement without copying, where the input's layout allows; undefined where it does not (the input is then made
   *  contiguous and asked again). */
  view?(input: TensorSpec & Layout, attrs: A, output: TensorSpec): Layout | undefined;
  /** Kernel calls, a pure function of shapes and capabilities. */
  launch?(context: LaunchContext, attrs: A): Launch[];
  /** Takes f16, which other ops refuse: it moves whole tensors, or reads two elements from a word. */
  readonly takesHalves?: true;
  /** `launch` reads any layout; otherwise inputs are made contiguous first. */
  readonly strided?: boolean;
  /** Where the channels lie that an op makes by weights, its second input: an axis of the result and one of them. Factors of channels may be
   *  multiplied into either. */
  channels?(inputs: readonly TensorSpec[], attrs: A): { readonly made: number; readonly weights: number } | undefined;

  // For the generated tests.
  /** Inputs in which the op is linear: they get the adjoint identity. */
  readonly linearIn?: readonly number[];
  /** Data is moved, not computed with: every element of the result is one of an input, or a constant. */
  readonly routes?: true;
  /** For an op that adds up: calls that add `terms` numbers for each element of the result. Rounding is held to √terms. */
  readonly sums?: (terms: number) => readonly Sample[];
  /** Highest order the rule is checked to by finite differences in float64; default 3. */
  readonly smoothOrder?: number;
  /** GPU against float64: relative and absolute tolerance of the forward result. Default 1e-5 and 1e-6. */
  readonly tolerance?: { readonly rtol?: number; readonly atol?: number };
  samples(): Sample[];
  /** A random sample, drawn 100 times per test run. */
  draw?(d: Draw): Sample;
  failures(): Failure[];
}

/** Computes in an op's place: its inputs and attributes → a tensor of the result's shape. `run` is the op itself. */
export type Substitute = (
  inputs: readonly Tensor[],
  attrs: unknown,
  run: (inputs: readonly Tensor[]) => Tensor,
) => Tensor;
/** What runs in the place of ops, by their names. */
export type Substitutes = Readonly<Record<string, Substitute>>;

let substitutes: Substitutes = {};

/** Whether some op has another in its place, so that none may be hidden in a replay. */
export function isSubstituting(): boolean {
  for (const _ in substitutes) return true;
  return false;
}

/** Runs `body` with other ops in the place of some, by name: `withOps({ relu: ([x]) => softplus(x, 20) }, () => network(x))` is
 *  the same network with another activation, whoever wrote it. A substitute sees the op it stands for as it is. Calls nest, the
 *  inner ones counting first. @throws ShapeError when a substitute's result has another shape or dtype, TypeError for a body
 *  that returns a promise. */
export function withOps<T>(table: Substitutes, body: () => T): T {
  if (!isPlainObject(table) || !Object.values(table).every((substitute) => typeof substitute === "function"))
    throw new TypeError(
      `withOps: ${shown(table)} given; an object of functions by the names of ops is needed, like { relu: ([x]) => gelu(x) }`,
    );
  requireFunction("withOps", body, "withOps({ relu: ([x]) => gelu(x) }, () => network(x))");
  const previous = substitutes;
  substitutes = { ...previous, ...table };
  try {
    const result = body();
    if (result instanceof Promise) {
      abandon(result);
      throw new TypeError("withOps: the function returned a promise; give it the synchronous parts only");
    }
    return result;
  } finally {
    substitutes = previous;
  }
}

function substituted<A>(op: OpSpec<A>, inputs: readonly Tensor[], attrs: A): Tensor {
  const previous = substitutes;
  const { [op.name]: substitute, ...others } = previous;
  substitutes = others;
  try {
    const y = substitute(inputs, attrs, (others) => apply(op, others, attrs));
    const wanted = op.shape(inputs, attrs);
    if (!isTensor(y) || describe(y) !== describe(wanted))
      throw new ShapeError(`withOps: the substitute for ${op.name} gave ${shown(y)}; ${describe(wanted)} is needed`);
    return y;
  } finally {
    substitutes = previous;
  }
}

/** Runs `op`: validates, executes, and records the node if somebody is differentiating. */
export function apply<A>(op: OpSpec<A>, inputs: readonly Tensor[], attrs: A): Tensor {
  if (Object.hasOwn(substitutes, op.name)) return substituted(op, inputs, attrs);
  const on = executor();
  for (const x of inputs) {
    if (!isTensor(x)) refuseTensor(op.name, x);
    if (x.dtype === "f16" && !op.takesHalves)
      throw new ShapeError(
        `${op.name}: ${describe(x)} given; f16 is only stored; cast(x, "f32") is needed to compute with it`,
      );
  }
  const values = inputs.map((x) => x.valueOn(on, op.name));
  const output = op.shape(inputs, attrs);
  const y = new Tensor(on, on.run(op as unknown as OpSpec<never>, values, attrs, output), op.name);
  record(y, op, inputs, attrs);
  observer?.(y, op.name, inputs, on);
  return y;
}

type Observer = (y: Tensor, op: string, inputs: readonly Tensor[], on: Executor) => void;
let observer: Observer | undefined;

/** Whether somebody wants to see every op, so that none may be hidden in a replay. */
export function isObserved(): boolean {
  return observer !== undefined;
}

/** Sees every result of every op; for anomaly mode. Returns the previous observer. */
export function observe(next: Observer | undefined): Observer | undefined {
  const previous = observer;
  observer = next;
  return previous;
}
