import { CaptureError, describe, LifetimeError } from "./errors.js";
import { type Executor, executor, type HostArray, isTracing, type Value } from "./executor.js";
import type { Stray } from "./leaks.js";
import type { DType, TensorSpec } from "./lower.js";
import { holds, isFloat, isList, rangeOf, requireStored, shown } from "./options.js";
import type { Node } from "./record.js";
import { adopt, disown, type Scope } from "./scope.js";
import { checkShape, MAX_RANK, sizeOf } from "./shape.js";

let nextId = 1;

/** What Node's console and debugger ask for. */
const INSPECT: unique symbol = Symbol.for("nodejs.util.inspect.custom");

/** An n-dimensional array on an executor: f32, i32 or u32 for indices and random bits, or f16, which is only stored. Immutable. Owned by the
 *  innermost memory scope open when it was made, which frees it; `keep` it to own it yourself. */
export class Tensor implements TensorSpec {
  /** Creation order; a result's id is larger than its inputs', which makes it a topological order. */
  readonly id = nextId++;
  readonly shape: readonly number[];
  readonly dtype: DType;
  /** Gradient scopes this tensor depends on, one bit each (see record.ts). */
  bits = 0;
  node: Node | undefined;
  /** The memory scope that owns this handle; undefined when kept. */
  owner: Scope | undefined;
  /** For the notice of lost tensors (leaks.ts). */
  stray: Stray | undefined;
  #value: Value | undefined;
  #freedBy = "";

  /** Takes over one ownership of `value`. For the engine; users call `tensor`, `zeros`, ... */
  constructor(
    readonly executor: Executor,
    value: Value,
    readonly origin: string,
  ) {
    this.shape = value.shape;
    this.dtype = value.dtype;
    this.#value = value;
    adopt(this);
  }

  get rank(): number {
    return this.shape.length;
  }
  /** Number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }
  get disposed(): boolean {
    return this.#value === undefined;
  }

  /** The value, for an executor about to use it in `op`. A tracer takes tensors of its target as constants.
   *  @throws LifetimeError after disposal or on another executor. */
  valueOn(on: Executor, op: string): Value {
    const value = this.#value;
    if (!value)
      throw new LifetimeError(
        `${op}: ${describe(this)} made by ${this.origin} was freed by ${this.#freedBy}; keep() it, or return it from the scope`,
      );
    if (this.executor === on) return value;
    const constant = on.importValue?.(value, this.executor);
    if (constant) return constant;
    throw new LifetimeError(
      `${op}: ${describe(this)} made by ${this.origin} lives on ${this.executor.description}, but ops now run on ` +
        `${on.description}; read it and make it again there`,
    );
  }

  /** Copies the elements to the host, row-major. The only thing here that waits for the GPU.
   *  @throws CaptureError inside `capture`, at once and not in the promise; DeviceError if the device failed. */
  read(): Promise<HostArray> {
    this.#refuseWhileTracing("read");
    return this.#read();
  }

  /** The only element of a one-element tensor. @throws as `read`. */
  item(): Promise<number> {
    this.#refuseWhileTracing("item");
    return this.#item();
  }

  /** A promise in a condition is true or compares as NaN, so a branch would be taken in silence. */
  #refuseWhileTracing(name: string): void {
    if (this.executor.kind === "trace" || isTracing())
      throw new CaptureError(
        `${name}: a captured function cannot look at values, and ${describe(this)} is asked for its own; return the tensor and ` +
          "read it outside, or choose with where()",
      );
  }

  async #read(): Promise<HostArray> {
    return this.executor.read(this.valueOn(this.executor, "read"));
  }

  async #item(): Promise<number> {
    if (this.size !== 1) throw new RangeError(`item: ${describe(this)} has ${this.size} elements; 1 is needed`);
    return (await this.#read())[0];
  }

  /** Frees the elements now instead of at the end of the scope. A second call does nothing. */
  dispose(by = "dispose()"): void {
    if (!this.#value) return;
    this.executor.release(this.#value);
    this.#value = undefined;
    this.#freedBy = by;
    disown(this);
  }

  toString(): string {
    return `${describe(this)} from ${this.origin}`;
  }

  /** In a console: what it is and where, not how it is kept. */
  [INSPECT](): string {
    const state = this.#value ? `on ${this.executor.description}` : `freed by ${this.#freedBy}`;
    return `Tensor ${describe(this)} from ${this.origin}, ${state}`;
  }

  /** Whether a value is a tensor of this engine; false for a proxy of one, which has none of its private parts. */
  static is(value: unknown): value is Tensor {
    return typeof value === "object" && value !== null && #value in value;
  }
}

/** `Tensor.is` */
export function isTensor(value: unknown): value is Tensor {
  return Tensor.is(value);
}

/** What host data a tensor can be made from. */
export type NestedNumbers = number | readonly NestedNumbers[];

/** A tensor from host data: a flat typed array or list with a shape, nested arrays, or a number. Numbers become f32
 *  unless `dtype` says otherwise; Int32Array and Uint32Array keep their type. For f16 they are rounded as by `cast`.
 *  @throws ShapeError when the data does not fill the shape. */
export function tensor(data: HostArray | NestedNumbers, shape?: readonly number[], dtype?: DType): Tensor {
  const on = executor();
  const [flat, inferred] = isNumericView(data) ? [data, [data.length]] : flatten(data);
  const type =
    dtype !== undefined ? dtype : flat instanceof Int32Array ? "i32" : flat instanceof Uint32Array ? "u32" : "f32";
  requireStored("tensor", type);
  if (shape !== undefined && !isList(shape))
    throw new TypeError(`tensor: shape is ${shown(shape)}; a list of sides is needed, like [2, 3]`);
  const spec = { shape: [...(shape ?? inferred)], dtype: type };
  checkShape("tensor", spec.shape);
  if (sizeOf(spec.shape) !== flat.length)
    throw new RangeError(
      `tensor: ${flat.length} numbers do not fill ${describe(spec)} (${sizeOf(spec.shape)} elements)`,
    );
  if (!isFloat(type) && flat.constructor !== (type === "i32" ? Int32Array : Uint32Array)) requireIntegers(flat, type);
  return new Tensor(on, on.upload(flat, spec), "tensor");
}

/** Typed arrays of numbers, of which those of bytes and halves are taken too. */
function isNumericView(data: unknown): data is HostArray {
  return (
    ArrayBuffer.isView(data) && typeof (data as unknown as ArrayLike<unknown>).length === "number" && !isOfBigInts(data)
  );
}

function isOfBigInts(data: object): boolean {
  return data instanceof BigInt64Array || data instanceof BigUint64Array;
}

/** A fraction would be cut off, and a number out of range come out as another, in silence. */
function requireIntegers(data: HostArray, dtype: DType): void {
  const at = data.findIndex((v: number) => !holds(dtype, v));
  if (at >= 0)
    throw new RangeError(
      `tensor: element ${at} is ${data[at]}, and ${dtype} needs ${rangeOf(dtype)}; round before, or take "f32"`,
    );
}

function requireNumbers(data: unknown): void {
  if (typeof data !== "number" && !isList(data))
    throw new TypeError(`tensor: ${shown(data)} given; a typed array, numbers in nested lists or a number is needed`);
}

function flatten(data: NestedNumbers): [Float64Array, number[]] {
  requireNumbers(data);
  const shape: number[] = [];
  for (let d = data; typeof d !== "number"; d = d[0]) {
    requireNumbers(d);
    // A list that contains itself has no end.
    if (shape.push(d.length) > MAX_RANK)
      throw new TypeError(
        `tensor: lists nested deeper than ${MAX_RANK} given; at most ${MAX_RANK} sides are supported`,
      );
    if (d.length === 0) break;
  }
  const flat: number[] = [];
  const visit = (d: NestedNumbers, depth: number): void => {
    requireNumbers(d);
    if (typeof d === "number" ? depth !== shape.length : d.length !== shape[depth])
      throw new RangeError(`tensor: nested arrays are ragged at depth ${depth}; every row needs the same length`);
    if (typeof d === "number") flat.push(d);
    else for (const e of d) visit(e, depth + 1);
  };
  visit(data, 0);
  return [Float64Array.from(flat), shape];
}
