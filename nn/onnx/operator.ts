/** A row of the operator table, and what its function gets to see of a node. */
import { ShapeError, Tensor } from "../../engine/index.js";
import { DataError } from "../data/error.js";
import type { Attributes, Read } from "./attributes.js";
import type { ElementType } from "./element-types.js";
import type { GraphProto } from "./proto.js";
import {
  type ArrayValue,
  deviceValue,
  isArray,
  requireModest,
  requireSmall,
  shapeOfValue,
  toTensor,
  type Value,
} from "./value.js";

/** What a row's function returns: tensors take the element type of the first input. */
export type Result = Tensor | Value;

export interface Operator {
  readonly name: string;
  /** "" for ONNX's own. */
  readonly domain: string;
  /** The operator sets for which the row holds, both ends included. */
  readonly since: number;
  readonly until: number;
  readonly attributes: Attributes;
  /** Inputs that must be known before the run: shapes, axes, bounds. Such inputs are no weights. */
  readonly host: readonly number[];
  /** Only the shape of the input counts, so that the result is always known. */
  readonly ofShape: boolean;
  /** It runs graphs of its own, whose nodes see to themselves. */
  readonly control: boolean;
  run(call: Call, attributes: Record<string, unknown>): Result | readonly Result[];
}

export interface OperatorRow<A extends Attributes> {
  readonly name: string;
  readonly domain?: string;
  /** First operator set for which the row holds; default 1. */
  readonly since?: number;
  /** Last one; default all that follow. */
  readonly until?: number;
  readonly attributes?: A;
  readonly host?: readonly number[];
  readonly ofShape?: boolean;
  readonly control?: boolean;
  run(call: Call, attributes: Read<A>): Result | readonly Result[];
}

export function operator<const A extends Attributes = Record<never, never>>(row: OperatorRow<A>): Operator {
  return {
    domain: "",
    since: 1,
    until: Infinity,
    host: [],
    ofShape: false,
    control: false,
    ...row,
    attributes: row.attributes ?? {},
    run: row.run as Operator["run"],
  };
}

/** How the batch of this run compares with the one the file was made for. */
export interface Batch {
  /** The declared one; 1 where the file leaves it open. */
  readonly base: number;
  readonly count: number;
  /** Asked for each reshape to constants: which side to scale by count / base. */
  side(call: Call, x: Tensor, wanted: readonly number[]): number | undefined;
}

export interface CallContext {
  /** Identity of the node, the same in every run. */
  readonly node: object;
  readonly batch: Batch;
  /** Runs a graph inside the node. */
  subgraph(graph: GraphProto, inputs: readonly Value[]): Value[];
  /** Counts a round of a loop, of which there may not be endlessly many. */
  round(): void;
}

/** One node in one run. */
export class Call {
  constructor(
    readonly inputs: readonly (Value | undefined)[],
    readonly opset: number,
    /** Which results somebody names. */
    readonly wanted: readonly boolean[],
    readonly context: CallContext,
  ) {}

  has(i: number): boolean {
    return this.inputs[i] !== undefined;
  }

  any(i: number): Value {
    return this.inputs[i] ?? refuse(`input ${i} is missing; it is required`);
  }

  array(i: number): ArrayValue {
    const value = this.any(i);
    return isArray(value) ? value : refuse(`input ${i} is a sequence or an optional; a tensor is needed`);
  }

  /** All inputs that there are, as tensors. */
  tensors(): Tensor[] {
    return this.inputs.flatMap((value, i) => (value === undefined ? [] : [this.tensor(i)]));
  }

  tensor(i: number): Tensor {
    return toTensor(this.array(i));
  }

  optional(i: number): Tensor | undefined {
    return this.has(i) ? this.tensor(i) : undefined;
  }

  /** A number where one is known, as constants of formulas are, else the tensor: keeps graphs small. */
  operand(i: number, other: number): Tensor | number {
    const value = this.array(i);
    const known = value.kind === "host" && value.data.length === 1 && value.shape.length <= this.shape(other).length;
    return known && this.array(other).kind === "device" ? value.data[0] : toTensor(value);
  }

  shape(i: number): readonly number[] {
    return shapeOfValue(this.array(i));
  }

  type(i: number): ElementType {
    return this.array(i).type;
  }

  /** Elements that must be known before the run. @throws DataError where they depend on the network's input. */
  numbers(i: number): number[] {
    const value = this.array(i);
    return value.kind === "host"
      ? Array.from(value.data)
      : refuse(
          `input ${i} depends on the network's input or on weights; it must be a constant or follow from shapes alone`,
        );
  }

  number(i: number, fallback?: number): number {
    if (!this.has(i) && fallback !== undefined) return fallback;
    const list = this.numbers(i);
    return list.length === 1 ? list[0] : refuse(`input ${i} has ${list.length} elements; 1 is needed`);
  }

  /** Whether all inputs are at hand, so that the result is worked out on the host. */
  get known(): boolean {
    return this.inputs.every((value) => value === undefined || value.kind === "host");
  }

  /** The shape, if a result may have it. @throws DataError for one that a broken file made up. */
  size(shape: readonly number[]): readonly number[] {
    if (this.known) requireSmall(shape);
    requireModest(shape);
    return shape;
  }

  /** An axis as a side of an array of `rank` sides. */
  axis(axis: number, rank: number): number {
    const at = axis < 0 ? axis + rank : axis;
    return Number.isInteger(axis) && at >= 0 && at < rank
      ? at
      : refuse(`axis ${axis} of an array of ${rank} sides; -${rank} to ${rank - 1} exist`);
  }
}

/** @throws DataError; the graph puts the node's name before it. */
export function refuse(sentence: string): never {
  throw new DataError(sentence);
}

/** A row's results as values. */
export function asValues(result: Result | readonly Result[], type: () => ElementType): Value[] {
  const list = Array.isArray(result) ? (result as readonly Result[]) : [result as Result];
  return list.map((one) => (one instanceof Tensor ? deviceValue(type(), one) : one));
}

/** Errors of the engine that a node can bring about. */
export function isEngineError(error: unknown): error is Error {
  return error instanceof ShapeError || error instanceof RangeError || error instanceof TypeError;
}
