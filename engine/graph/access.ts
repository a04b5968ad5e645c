/**
 * Index maps of fused kernels. A kernel runs over nested loops; each tensor it looks at is addressed by an affine map from
 * the loop counters to the tensor's row-major element number. Views and broadcasts between fused ops become changes of
 * that map, so they cost nothing. Where a map would need a division, the loop is split instead.
 */
import type { Layout } from "../lower.js";
import { broadcastStrides, contiguousStrides, isContiguous, type Shape } from "../shape.js";
import type { OpNode } from "../trace.js";

/** Element = offset + Σ strides[r] · (counter of loop r), in row-major order of the tensor, whatever its layout. */
export interface Access {
  readonly offset: number;
  readonly strides: readonly number[];
}

/** The map can be written after splitting `loop` into an outer loop and an inner one of `factor` turns. */
export class Split {
  constructor(
    readonly loop: number,
    readonly factor: number,
  ) {}
}

/** An access, a split that is needed first, or undefined when no split helps. */
export type Mapped = Access | Split | undefined;

/** A tensor visited in its own order. */
export function wholeAccess(loops: readonly number[]): Access {
  return { offset: 0, strides: contiguousStrides(loops) };
}

export function splitLoop(loops: readonly number[], { loop, factor }: Split): number[] {
  return loops.flatMap((side, r) => (r === loop ? [side / factor, factor] : [side]));
}

/** From the access of a tensor of `shape` to that of a tensor whose elements it picks by `layout` (strides over `shape`,
 *  in elements of the other tensor's row-major order). */
function throughLayout(access: Access, shape: Shape, layout: Layout, loops: readonly number[]): Mapped {
  // Same order of elements: reshapes cost nothing, not even a look at the coordinates.
  if (isContiguous(shape, layout)) return access;
  const axes = coordinates(access, shape, loops);
  if (axes === undefined || axes instanceof Split) return axes;
  const strides = loops.map(() => 0);
  let offset = layout.offset;
  for (const [a, { first, steps }] of axes.entries()) {
    offset += first * layout.strides[a];
    for (const [r, step] of steps) strides[r] += step * layout.strides[a];
  }
  return { offset, strides };
}

/** Through a view op, from its result to its input. */
export function throughView(access: Access, node: OpNode, loops: readonly number[]): Mapped {
  return throughLayout(access, node.shape, viewLayout(node), loops);
}

/** How the result of a view lies in its contiguous input. */
export function viewLayout(node: OpNode): Layout {
  const { shape, dtype } = node.inputs[0];
  const layout = node.op.view!(
    { shape, dtype, strides: contiguousStrides(shape), offset: 0 },
    node.attrs as never,
    node,
  );
  if (!layout) throw new Error(`internal: the view of ${node.op.name} refuses a contiguous input`);
  return layout;
}

/** Through broadcasting, from the result to an operand. */
export function throughBroadcast(access: Access, result: Shape, operand: Shape, loops: readonly number[]): Mapped {
  const strides = broadcastStrides(operand, contiguousStrides(operand), result);
  return throughLayout(access, result, { strides, offset: 0 }, loops);
}

/** Through a reduction of `axes`, from the result to each of the elements that are reduced. */
export function throughReduction(
  access: Access,
  operand: Shape,
  axes: readonly number[],
  loops: readonly number[],
): Access[] | Split | undefined {
  const strides = contiguousStrides(operand);
  const kept = operand.map((side, a) => (axes.includes(a) ? 1 : side));
  const base = throughLayout(
    access,
    kept,
    { strides: strides.map((s, a) => (kept[a] === 1 ? 0 : s)), offset: 0 },
    loops,
  );
  if (base === undefined || base instanceof Split) return base;
  let offsets = [base.offset];
  for (const a of axes)
    offsets = offsets.flatMap((at) => Array.from({ length: operand[a] }, (_, i) => at + i * strides[a]));
  return offsets.map((offset) => ({ offset, strides: base.strides }));
}

/** One axis of a tensor as seen from the loops: coordinate = first + Σ step · counter. */
interface Coordinate {
  readonly first: number;
  readonly steps: readonly (readonly [loop: number, step: number])[];
}

/** Takes an element number apart into coordinates. Each loop has to move along one axis only. */
function coordinates(access: Access, shape: Shape, loops: readonly number[]): Coordinate[] | Split | undefined {
  const rows = contiguousStrides(shape);
  const found = shape.map((): [number, number][] => []);
  for (const [r, stride] of access.strides.entries()) {
    if (stride === 0 || loops[r] === 1) continue;
    const axis = rows.findIndex((row, a) => shape[a] !== 1 && row <= Math.abs(stride));
    if (axis < 0 || stride % rows[axis] !== 0) return undefined;
    found[axis].push([r, stride / rows[axis]]);
  }
  let rest = access.offset;
  const out: Coordinate[] = [];
  for (const [a, side] of shape.entries()) {
    const first = Math.floor(rest / rows[a]);
    rest -= first * rows[a];
    let [low, high] = [first, first];
    for (const [r, step] of found[a]) {
      if (step > 0) high += step * (loops[r] - 1);
      else low += step * (loops[r] - 1);
    }
    if (low < 0 || high >= side) return splitFor(found[a], side, loops);
    out.push({ first, steps: found[a] });
  }
  return out;
}

/** The loop that leaves its axis, cut where it leaves it. */
function splitFor(
  steps: readonly (readonly [number, number])[],
  side: number,
  loops: readonly number[],
): Split | undefined {
  for (const [r, step] of steps) {
    const turns = side / Math.abs(step);
    if (Number.isInteger(turns) && turns > 1 && turns < loops[r] && loops[r] % turns === 0) return new Split(r, turns);
  }
  return undefined;
}
