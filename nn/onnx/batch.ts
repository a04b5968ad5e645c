/**
 * Files are often made for one batch size, which then stands in the shapes of reshapes. Two runs on symbols find out what to scale for
 * another: one with the batch of the file, one with a prime multiple of it, in which every side that the batch is part of shows itself. The
 * second run also watches every op, so that no sample can reach another: the batch stays part of one side, at a known place in it, and no op
 * sums, cuts, joins or orders along that side.
 */
import { executor, withExecutor } from "../../engine/executor.js";
import { scope, type Tensor } from "../../engine/index.js";
import type { TensorSpec } from "../../engine/lower.js";
import type { OpSpec } from "../../engine/op.js";
import { Tracer } from "../../engine/trace.js";
import { DataError } from "../data/error.js";
import type { Batch, Call } from "./operator.js";

/** No side of a network is a multiple of it by chance. */
export const PRIME = 1009;

/** For each reshape to constants, which side to scale with the batch. */
export type ScaledSides = ReadonlyMap<object, number>;

interface Seen {
  readonly x: readonly number[];
  readonly out: readonly number[];
}

const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** The shape of what `body` gives for a batch of PRIME times the file's, if no sample reaches another. @throws DataError where one might. */
export function watchedShape(body: () => Tensor): readonly number[] {
  const on = executor();
  const tracer = new Watch(on instanceof Tracer ? on.target : on);
  try {
    return withExecutor(tracer, () => scope(() => body().shape, "onnx batch"));
  } finally {
    tracer.releaseConstants();
  }
}

/** Ops that choose elements at an index of their own along `axis`. */
const CHOOSING = ["gather", "gatherAlong"];

class Watch extends Tracer {
  /** How many elements of its side come before those of one sample, where it is not 1: [17,n,8] in one side is 17 before n. */
  readonly #outer = new WeakMap<object, number>();

  override run(op: OpSpec<never>, inputs: readonly (TensorSpec & object)[], attrs: unknown, output: TensorSpec) {
    const node = super.run(op, inputs, attrs, output);
    const carrying = inputs.filter(({ shape }) => batchSide(shape) >= 0);
    if (carrying.length > 0) this.#outer.set(node, this.#outerAfter(op.name, carrying, attrs, output.shape));
    return node;
  }

  #outerAfter(
    op: string,
    carrying: readonly (TensorSpec & object)[],
    attrs: unknown,
    shape: readonly number[],
  ): number {
    const to = batchSide(shape);
    const from = batchSide(carrying[0].shape);
    const [outer, ...others] = carrying.map((x) => this.#outer.get(x) ?? 1);
    if (to < 0) throw new DataError(`${op} leaves no side for the batch`);
    if (op === "reshape") {
      const now = (before(carrying[0].shape, from) * outer) / before(shape, to);
      if (!Number.isInteger(now) || (shape[to] / PRIME) % now !== 0)
        throw new DataError("reshape moves the batch to another place");
      return now;
    }
    const { axis, axes, steps } = (attrs ?? {}) as Record<"axis" | "axes" | "steps", unknown>;
    const alongIt =
      (axis === to && !CHOOSING.includes(op)) ||
      (op === "flip" && (axes as number[]).includes(to)) ||
      (op === "slice" && (steps as number[])[to] !== 1);
    if (alongIt || shape[to] !== carrying[0].shape[from] || others.some((other) => other !== outer))
      throw new DataError(`${op} goes along the side of the batch`);
    return outer;
  }
}

/** The side that the batch is part of; -1 for none. @throws DataError for several. */
function batchSide(shape: readonly number[]): number {
  const found = shape.flatMap((side, i) => (side > 0 && side % PRIME === 0 ? [i] : []));
  if (found.length > 1 || found.some((i) => shape[i] % PRIME ** 2 === 0))
    throw new DataError("the batch is part of several sides");
  return found[0] ?? -1;
}

const before = (shape: readonly number[], side: number): number => product(shape.slice(0, side));

/** For each reshape to constants the side to scale. `trace` runs the graph on symbols for a batch, first the file's, then PRIME times it;
 *  it throws where the graph cannot take that batch. */
export function scaledSides(base: number, trace: (batch: Batch) => void): ScaledSides {
  const seen = new Map<object, Seen>();
  trace({
    base,
    count: base,
    side(call, x, wanted) {
      const out = inferred(x, wanted);
      if (out) seen.set(call.context.node, { x, out });
      return undefined;
    },
  });
  const sides = new Map<object, number>();
  trace({
    base,
    count: base * PRIME,
    side(call, x, wanted) {
      const side = sideToScale(seen.get(call.context.node), x, wanted, base);
      if (side !== undefined) sides.set(call.context.node, side);
      return side;
    },
  });
  return sides;
}

/** A batch of `count` samples in a network whose sides are known. */
export function batchOf(base: number, count: number, sides: ScaledSides): Batch {
  return { base, count, side: (call: Call) => (count === base ? undefined : sides.get(call.context.node)) };
}

/** The shape with its -1 filled in; undefined where it does not fit. */
function inferred(x: readonly number[], wanted: readonly number[]): number[] | undefined {
  const known = product(wanted.filter((side) => side !== -1));
  const rest = known === 0 ? 0 : product(x) / known;
  const out = wanted.map((side) => (side === -1 ? rest : side));
  return Number.isInteger(rest) && product(out) === product(x) ? out : undefined;
}

function sideToScale(
  seen: Seen | undefined,
  x: readonly number[],
  wanted: readonly number[],
  base: number,
): number | undefined {
  const at = batchSide(x);
  if (!seen || at < 0 || product(x) !== product(seen.x) * PRIME) return undefined;
  // The batch is the outermost part of its side, and stays so.
  const candidates = seen.out.flatMap((_, j) => (before(seen.out, j) === before(seen.x, at) ? [j] : []));
  const side = candidates.find((j) => seen.out[j] === base) ?? candidates[0];
  if (side === undefined) throw new DataError("a reshape mixes the samples of a batch");
  const plain = inferred(x, wanted);
  const grown = plain?.every((n, j) => n === (j === side ? seen.out[j] * PRIME : seen.out[j]));
  return grown ? undefined : side;
}
