/** The loop a pointwise kernel runs over: few dimensions, and how each operand steps through them. Pure. */
import type { Channels, Layout } from "../lower.js";
import { broadcastStrides, sizeOf } from "../shape.js";

/** How an operand is addressed: by the flat index, at one element, or by coordinates. */
export type Access = "linear" | "scalar" | "strided";

export interface Stepping {
  readonly access: Access;
  /** In units of what the binding holds: elements, or vectors of four when `vector`. */
  readonly strides: readonly number[];
  readonly offset: number;
  /** The binding is an array of vec4. */
  readonly vector: boolean;
  /** Where the four elements of a thread lie from its first, if they are neither one vector nor one element. */
  readonly lanes?: readonly number[];
}

export interface Iteration {
  /** Elements one thread makes: 1 or 4. */
  readonly width: 1 | 4;
  /** Sides in threads, outermost first, adjacent dimensions merged where every operand allows. */
  readonly sides: readonly number[];
  /** Number of threads. */
  readonly count: number;
  readonly operands: readonly Stepping[];
}

export interface Operating extends Layout {
  readonly shape: readonly number[];
  /** The operand fills its buffer from 0, so that a last vector may run into the padding. */
  readonly padded?: boolean;
  /** Four elements may be read or written one by one, in a thread that makes four. */
  readonly gathers?: boolean;
}

/** Plans the loop over `shape` for operands that broadcast to it. `shape` has at least one element. A thread makes at most
 *  `widest` elements. */
export function planIteration(shape: readonly number[], operands: readonly Operating[], widest: 1 | 4 = 4): Iteration {
  const { sides, strides } = coalesce(
    shape,
    operands.map((o) => broadcastStrides(o.shape, o.strides, shape)),
  );
  const quads = widest === 4 ? inQuads(sides, strides, operands) : undefined;
  const threads = quads ?? { sides, strides };
  const plan = operands.map((o, at): Stepping => {
    const own = threads.strides[at];
    const lanes = quads?.lanes[at];
    if (own.every((s) => s === 0) && (!lanes || isConstant(lanes)))
      return { access: "scalar", strides: own, offset: o.offset, vector: false };
    const vector = lanes !== undefined && isVector(lanes);
    const steps = vector ? own.map((s) => s / 4) : own;
    return {
      access: (vector || !quads) && isRowMajor(threads.sides, steps) ? "linear" : "strided",
      strides: steps,
      offset: vector ? o.offset / 4 : o.offset,
      vector,
      lanes: lanes === undefined || vector || isConstant(lanes) ? undefined : lanes,
    };
  });
  return { width: quads ? 4 : 1, sides: threads.sides, count: sizeOf(threads.sides), operands: plan };
}

const isConstant = (lanes: readonly number[]): boolean => lanes.every((at) => at === 0);
const isVector = (lanes: readonly number[]): boolean => lanes.every((at, k) => at === k);

/** Most elements that a thread reads and writes one by one: each is code of its own. */
const mostGathered = 16;

/** How four neighbours share dimensions: so many in each of these. */
type Split = readonly (readonly [dimension: number, by: number])[];

/** Four in the innermost dimension, or two by two when that has two elements, the columns of a window of pooling: two windows' rows, or,
 *  where windows are odd in number, a whole window. */
function splitOf(sides: readonly number[]): Split | undefined {
  const inner = sides.length - 1;
  if (sides[inner] >= 4) return [[inner, 4]];
  if (sides[inner] !== 2) return undefined;
  const outer = [inner - 1, inner - 2].find((k) => k >= 0 && sides[k] % 2 === 0);
  return outer === undefined
    ? undefined
    : [
        [outer, 2],
        [inner, 2],
      ];
}

/** The loop in threads of four neighbours, if every operand is a vector, one element or may be gathered. */
function inQuads(
  sides: readonly number[],
  strides: readonly (readonly number[])[],
  operands: readonly Operating[],
): { sides: number[]; strides: number[][]; lanes: number[][] } | undefined {
  const split = splitOf(sides);
  if (!split) return undefined;
  const inner = sides.length - 1;
  const whole = split.every(([k, by]) => sides[k] % by === 0);
  const lanes = strides.map((s) =>
    split.reduce<number[]>((at, [k, by]) => at.flatMap((a) => Array.from({ length: by }, (_, i) => a + i * s[k])), [0]),
  );
  const each = sides.map((_, k) => split.find(([dimension]) => dimension === k)?.[1] ?? 1);
  const steps = strides.map((s) => s.map((step, k) => step * each[k]));
  let gathered = 0;
  const fits = operands.every(({ offset, padded, gathers }, o) => {
    if (isConstant(lanes[o])) return true;
    if (isVector(lanes[o]) && offset % 4 === 0 && steps[o].every((step, k) => step % 4 === 0 || sides[k] === each[k]))
      return whole || (inner === 0 && padded !== false);
    gathered += new Set(lanes[o]).size;
    // What looks like a vector but is not aligned would need a mark of its own.
    return gathers === true && whole && !isVector(lanes[o]) && gathered <= mostGathered;
  });
  if (!fits) return undefined;
  const threads = sides.map((side, k) => Math.ceil(side / each[k]));
  return { ...coalesce(threads, steps), lanes };
}

/** Whether the operand over these loops has one element for each channel, one after the other. */
export function isByChannel(loops: readonly number[], strides: readonly number[], { count, each }: Channels): boolean {
  let inner = 1;
  for (let k = loops.length - 1; k >= 0; k--) {
    const isChannel = inner >= each && inner < each * count;
    if (loops[k] > 1 && strides[k] !== (isChannel ? inner / each : 0)) return false;
    // A loop must not run over more than parts of a plane, channels or images.
    const bound = isChannel ? each * count : each;
    if (inner < bound && inner * loops[k] > bound) return false;
    inner *= loops[k];
  }
  return true;
}

function coalesce(
  shape: readonly number[],
  strides: readonly (readonly number[])[],
): { sides: number[]; strides: number[][] } {
  const sides: number[] = [];
  const merged: number[][] = strides.map(() => []);
  for (let k = 0; k < shape.length; k++) {
    if (shape[k] === 1) continue;
    const last = sides.length - 1;
    if (last >= 0 && strides.every((s, o) => merged[o][last] === s[k] * shape[k])) {
      sides[last] *= shape[k];
      strides.forEach((s, o) => {
        merged[o][last] = s[k];
      });
    } else {
      sides.push(shape[k]);
      strides.forEach((s, o) => {
        merged[o].push(s[k]);
      });
    }
  }
  return { sides, strides: merged };
}

function isRowMajor(sides: readonly number[], strides: readonly number[]): boolean {
  let step = 1;
  for (let k = sides.length - 1; k >= 0; k--) {
    if (strides[k] !== step) return false;
    step *= sides[k];
  }
  return true;
}
