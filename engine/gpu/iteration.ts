/** The loop a pointwise kernel runs over: few dimensions, and how each operand steps through them. Pure. */
import type { Layout } from "../lower.js";
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
}

/** Plans the loop over `shape` for operands that broadcast to it. `shape` has at least one element. A thread makes at most
 *  `widest` elements. */
export function planIteration(shape: readonly number[], operands: readonly Operating[], widest: 1 | 4 = 4): Iteration {
  const { sides, strides } = coalesce(
    shape,
    operands.map((o) => broadcastStrides(o.shape, o.strides, shape)),
  );
  const vector = widest === 4 && canVectorise(sides, strides, operands);
  const inner = sides.length - 1;
  const threads = vector ? sides.map((d, k) => (k === inner ? Math.ceil(d / 4) : d)) : sides;
  const plan = operands.map((o, at): Stepping => {
    const own = strides[at];
    if (own.every((s) => s === 0)) return { access: "scalar", strides: own, offset: o.offset, vector: false };
    const wide = vector && own[inner] === 1;
    const steps = wide ? own.map((s, k) => (k === inner ? 1 : s / 4)) : own;
    return {
      access: (wide || !vector) && isRowMajor(threads, steps) ? "linear" : "strided",
      strides: steps,
      offset: wide ? o.offset / 4 : o.offset,
      vector: wide,
    };
  });
  return { width: vector ? 4 : 1, sides: threads, count: sizeOf(threads), operands: plan };
}

function coalesce(shape: readonly number[], strides: readonly (readonly number[])[]) {
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

/** Four neighbours per thread: every operand is contiguous or constant along the innermost dimension and aligned. */
function canVectorise(
  sides: readonly number[],
  strides: readonly (readonly number[])[],
  operands: readonly Operating[],
): boolean {
  const inner = sides.length - 1;
  if (inner < 0 || sides[inner] < 4) return false;
  const whole = sides[inner] % 4 === 0;
  return strides.every((s, o) => {
    if (s[inner] === 0) return true;
    const aligned = operands[o].offset % 4 === 0 && s.every((step, k) => k === inner || step % 4 === 0);
    return s[inner] === 1 && aligned && (whole || (inner === 0 && operands[o].padded !== false));
  });
}

function isRowMajor(sides: readonly number[], strides: readonly number[]): boolean {
  let step = 1;
  for (let k = sides.length - 1; k >= 0; k--) {
    if (strides[k] !== step) return false;
    step *= sides[k];
  }
  return true;
}
