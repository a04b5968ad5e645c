/**
 * Files are often made for one batch size, which then stands in the shapes of reshapes. Two runs on symbols find out what to scale for
 * another: one with the batch of the file, one with a prime multiple of it, in which every side that the batch is part of shows itself. The
 * second run also watches every op, so that no sample can reach another: the batch stays the outermost part of one side, and no op sums,
 * joins or orders along that side.
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

class Watch extends Tracer {
  override run(op: OpSpec<never>, inputs: readonly TensorSpec[], attrs: unknown, output: TensorSpec) {
    const from = inputs.map(({ shape }) => batchSide(shape)).filter((side) => side >= 0);
    const to = batchSide(output.shape);
    if (from.length > 0) {
      if (to < 0) throw new DataError(`${op.name} leaves no side for the batch`);
      const { axis } = (attrs ?? {}) as { readonly axis?: unknown };
      // Along `axis` these look at all elements, or put them together.
      if (axis === to && !["gather", "gatherAlong"].includes(op.name))
        throw new DataError(`${op.name} goes along the side of the batch`);
      if (op.name === "reshape" && before(inputs[0].shape, from[0]) !== before(output.shape, to))
        throw new DataError("reshape moves the batch to another place");
    }
    return super.run(op, inputs, attrs, output);
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
