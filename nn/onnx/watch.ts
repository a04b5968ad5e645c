/** Runs of a graph on symbols that watch where the batch goes. */
import { executor, type HostArray, type Value, withExecutor } from "../../engine/executor.js";
import { scope, type Tensor } from "../../engine/index.js";
import type { TensorSpec } from "../../engine/lower.js";
import type { OpSpec } from "../../engine/op.js";
import { Tracer } from "../../engine/trace.js";
import { DataError } from "../data/error.js";

/** The shape of what `body` gives, while `make` of the executor at hand traces it. */
export function traced(make: (target: Tracer["target"]) => Tracer, body: () => Tensor): readonly number[] {
  const on = executor();
  const tracer = make(on instanceof Tracer ? on.target : on);
  try {
    return withExecutor(tracer, () => scope(() => body().shape, "onnx batch"));
  } finally {
    tracer.releaseConstants();
  }
}

/** Collects the lengths of all sides. */
export class Sizes extends Tracer {
  readonly found = new Set<number>();

  override run(op: OpSpec<never>, inputs: readonly TensorSpec[], attrs: unknown, output: TensorSpec) {
    for (const { shape } of [...inputs, output]) for (const side of shape) this.found.add(side);
    return super.run(op, inputs, attrs, output);
  }
}

/** Ops that run over all elements of a side, or put parts together. */
interface Along {
  readonly axis?: number;
  readonly axes?: readonly number[];
  readonly steps?: readonly number[];
}

/** Sees to it that no sample reaches another, in a batch that is a multiple of a prime which divides no other side: the batch stays part of one
 *  side, at a known place in it, and no op sums, cuts, joins or orders along that side. */
export class Watch extends Tracer {
  /** How many elements of its side come before those of one sample, where it is not 1: [17,n,8] in one side is 17 before n. */
  readonly #outer = new WeakMap<object, number>();

  constructor(
    target: Tracer["target"],
    readonly prime: number,
  ) {
    super(target);
  }

  /** The side that the batch is part of; -1 for none. @throws DataError for several. */
  sideOf(shape: readonly number[]): number {
    const found = shape.flatMap((side, i) => (side > 0 && side % this.prime === 0 ? [i] : []));
    if (found.length > 1 || found.some((i) => shape[i] % this.prime ** 2 === 0))
      throw new DataError("the batch is part of several sides");
    return found[0] ?? -1;
  }

  outerOf(node: object): number {
    return this.#outer.get(node) ?? 1;
  }

  /** Constants that were made for the batch, as masks are, must be the same for every sample. */
  override upload(data: HostArray, spec: TensorSpec): Value {
    const side = this.sideOf(spec.shape);
    if (side >= 0) {
      const rest = spec.shape.slice(side + 1).reduce((a, b) => a * b, 1);
      const row = spec.shape[side] * rest;
      const own = (spec.shape[side] / this.prime) * rest;
      if (data.some((v, i) => v !== data[Math.floor(i / row) * row + (i % own)]))
        throw new DataError("a constant tells samples apart");
    }
    return super.upload(data, spec);
  }

  override run(op: OpSpec<never>, inputs: readonly (TensorSpec & object)[], attrs: unknown, output: TensorSpec) {
    const node = super.run(op, inputs, attrs, output);
    if (inputs.length === 0 && this.sideOf(output.shape) >= 0) throw new DataError(`${op.name} tells samples apart`);
    if (inputs.some(({ shape }) => this.sideOf(shape) >= 0))
      this.#outer.set(node, this.#outerAfter(op.name, inputs, (attrs ?? {}) as Along, output.shape));
    return node;
  }

  #outerAfter(op: string, inputs: readonly (TensorSpec & object)[], along: Along, shape: readonly number[]): number {
    const carrying = inputs.filter((x) => this.sideOf(x.shape) >= 0);
    const [outer, ...others] = carrying.map((x) => this.outerOf(x));
    const from = this.sideOf(carrying[0].shape);
    const to = this.sideOf(shape);
    if (to < 0) throw new DataError(`${op} leaves no side for the batch`);
    if (op === "reshape") {
      const now = (before(carrying[0].shape, from) * outer) / before(shape, to);
      if (!Number.isInteger(now) || (shape[to] / this.prime) % now !== 0)
        throw new DataError("reshape moves the batch to another place");
      return now;
    }
    const { axis, axes = [], steps = [] } = along;
    const isAlong =
      (op === "gather" ? this.sideOf(inputs[0].shape) === axis : axis === to) ||
      (op === "flip" && axes.includes(to)) ||
      (op === "slice" && steps[to] !== 1);
    if (isAlong || shape[to] !== carrying[0].shape[from] || others.some((other) => other !== outer))
      throw new DataError(`${op} goes along the side of the batch`);
    return outer;
  }
}

/** How many elements of a first side come before the one at `side`. */
export const before = (shape: readonly number[], side: number): number =>
  shape.slice(0, side).reduce((a, b) => a * b, 1);
