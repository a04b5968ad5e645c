/**
 * Files are often made for one batch size, which then stands in the shapes of reshapes. Two runs on symbols find out what to scale for
 * another: one with the batch of the file, one with a prime multiple of it, in which every side that the batch is part of shows itself.
 */
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

/** Runs `trace` twice and returns the sides to scale. `trace` throws where the graph cannot take that batch. */
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
  const grown = seen ? x.flatMap((side, i) => (side === seen.x[i] ? [] : [i])) : [];
  if (!seen || grown.length === 0) return undefined;
  const [at] = grown;
  if (grown.length > 1 || x[at] !== seen.x[at] * PRIME)
    throw new DataError("the batch is spread over several sides before a reshape");
  // The elements of one sample lie together from here on; they must in the result.
  const after = product(seen.x.slice(at + 1));
  const candidates = seen.out.flatMap((side, j) => {
    const inner = product(seen.out.slice(j + 1));
    return inner > 0 && after % inner === 0 && inner <= after && after <= inner * side ? [j] : [];
  });
  const plain = inferred(x, wanted);
  const changed = plain?.flatMap((side, j) => (side === seen.out[j] ? [] : [j])) ?? [];
  if (plain && changed.length === 1 && candidates.includes(changed[0])) return undefined;
  const own = candidates.find((j) => seen.out[j] === base && product(seen.out.slice(j + 1)) === after);
  const side = own ?? candidates[0];
  if (side === undefined) throw new DataError("a reshape mixes the samples of a batch");
  return side;
}
