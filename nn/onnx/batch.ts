/**
 * Files are often made for one batch size, which then stands in the shapes of reshapes. Two runs on symbols find out what to scale for
 * another: one with the batch of the file, one with a prime multiple of it, in which every side that the batch is part of shows itself, and in
 * which every op is watched, so that no sample reaches another.
 */
import { executor } from "../../engine/executor.js";
import type { Tensor } from "../../engine/index.js";
import { DataError } from "../data/error.js";
import { type Batch, type Call, isEngineError } from "./operator.js";
import { before, Sizes, traced, Watch } from "./watch.js";

/** For each reshape to constants, which side to scale with the batch. */
export type ScaledSides = ReadonlyMap<object, number>;

interface Seen {
  readonly x: readonly number[];
  readonly out: readonly number[];
}

/** Runs on symbols that look for a way to scale reshapes; a wrong way mostly ends at the next product. */
const MAX_TRIES = 256;

const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** A small prime that divides none of the sides. */
function primeBeside(sides: ReadonlySet<number>): number {
  const isPrime = (n: number): boolean => {
    for (let d = 2; d * d <= n; d++) if (n % d === 0) return false;
    return true;
  };
  for (let n = 11; ; n += 2) if (isPrime(n) && [...sides].every((side) => side === 0 || side % n !== 0)) return n;
}

/** For each reshape to constants the side to scale. `run` is the graph for a batch. Where several sides may be meant, they are tried in turn,
 *  the last choice first. @throws what the first try threw, where none leads through the graph with the batch as the result's first side. */
export function scaledSides(base: number, run: (batch: Batch) => Tensor): ScaledSides {
  const seen = new Map<object, Seen>();
  let sizes: Sizes | undefined;
  const output = traced(
    (target) => {
      sizes = new Sizes(target);
      return sizes;
    },
    () =>
      run({
        base,
        count: base,
        side(call, { shape: x }, wanted) {
          const out = inferred(x, wanted);
          if (out) seen.set(call.context.node, { x, out });
          return undefined;
        },
      }),
  );
  const prime = primeBeside(sizes!.found);
  const choices = new Map<object, { readonly sides: readonly (number | undefined)[]; at: number }>();
  const batch: Batch = {
    base,
    count: base * prime,
    side(call, x, wanted) {
      const { node } = call.context;
      const choice = choices.get(node) ?? { sides: sidesToScale(seen.get(node), x, wanted, base), at: 0 };
      choices.set(node, choice);
      return choice.sides[choice.at];
    },
  };
  let first: unknown;
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    try {
      const shape = traced(
        (target) => new Watch(target, prime),
        () => run(batch),
      );
      if (shape.join() !== [batch.count, ...output.slice(1)].join())
        throw new DataError("the output does not grow with the batch");
      const chosen = [...choices].map(([node, { sides, at }]) => [node, sides[at]] as const);
      return new Map(chosen.filter((entry): entry is [object, number] => entry[1] !== undefined));
    } catch (error) {
      if (!(error instanceof DataError) && !isEngineError(error)) throw error;
      first ??= error;
      const order = [...choices].reverse();
      const open = order.findIndex(([, { sides, at }]) => at + 1 < sides.length);
      if (open < 0) throw first;
      for (const [node] of order.slice(0, open)) choices.delete(node);
      order[open][1].at++;
    }
  }
  throw first;
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

/** Sides that may hold the batch after a reshape, the likeliest first; undefined stands for one that grows by itself. */
function sidesToScale(
  seen: Seen | undefined,
  x: Tensor,
  wanted: readonly number[],
  base: number,
): readonly (number | undefined)[] {
  const on = executor();
  if (!seen || !(on instanceof Watch)) return [undefined];
  const at = on.sideOf(x.shape);
  if (at < 0 || x.size !== product(seen.x) * on.prime) return [undefined];
  // What comes before the elements of one sample must come before them in the result.
  const ahead = before(seen.x, at) * on.outerOf(x.valueOn(on, "onnx"));
  const inside = (j: number): number => ahead / before(seen.out, j);
  const fits = (side: number, j: number): boolean => Number.isInteger(inside(j)) && (side / base) % inside(j) === 0;
  const candidates = seen.out.flatMap((side, j) => (inside(j) >= 1 && fits(side, j) ? [j] : []));
  if (candidates.length === 0) throw new DataError("a reshape mixes the samples of a batch");
  const unlikely = (j: number): number => (seen.out[j] === base ? 0 : inside(j) === 1 ? 1 : 2);
  const plain = inferred(x.shape, wanted);
  const grows = (j: number): boolean =>
    plain?.every((side, i) => side === (i === j ? seen.out[i] * on.prime : seen.out[i])) ?? false;
  return candidates.sort((a, b) => unlikely(a) - unlikely(b) || a - b).map((j) => (grows(j) ? undefined : j));
}
