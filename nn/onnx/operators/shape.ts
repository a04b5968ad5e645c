/** Shapes and how elements are arranged. */
import {
  concat,
  expand,
  flip,
  pad,
  reshape,
  slice,
  split,
  squeeze,
  type Tensor,
  transpose,
} from "../../../engine/index.js";
import { flag, int, ints } from "../attributes.js";
import { type Call, type Operator, operator, type Result, refuse } from "../operator.js";
import { hostList, hostValue, shapeOfValue, toTensor } from "../value.js";

const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** The shape that a reshape asks for: 0 copies a side, -1 is inferred, and what was made for another batch is scaled. */
function reshaped(call: Call, wanted: readonly number[], allowZero: boolean): Tensor {
  const x = call.tensor(0);
  const copied = wanted.map((side, i) =>
    side === 0 && !allowZero ? (x.shape[i] ?? refuse("a side of 0 has no side to copy")) : side,
  );
  if (copied.some((side) => side < -1) || copied.filter((side) => side === -1).length > 1)
    refuse(`shape [${wanted}]; sides of at least 0 and at most one -1 are needed`);
  const at = call.context.batch.side(call, x, copied);
  const { base, count } = call.context.batch;
  const scaled = copied.map((side, i) => (i === at && side > 0 ? (side / base) * count : side));
  return reshape(x, scaled);
}

/** A range of a side as NumPy's slices have it: [start, size, step]. */
function rangeOf(side: number, start: number, end: number, step: number): [number, number, number] {
  if (step === 0 || !Number.isInteger(step)) refuse(`a step of ${step}; a whole number other than 0 is needed`);
  const low = step > 0 ? 0 : -1;
  const high = step > 0 ? side : side - 1;
  const bound = (at: number): number => Math.min(Math.max(at < 0 ? at + side : at, low), high);
  const [from, to] = [bound(start), bound(end)];
  const size = Math.max(0, Math.ceil((to - from) / step));
  return [size === 0 ? 0 : from, size, step];
}

function sliced(
  call: Call,
  starts: readonly number[],
  ends: readonly number[],
  axes: readonly number[] | undefined,
  steps: readonly number[] | undefined,
): Tensor {
  const x = call.tensor(0);
  const at = (axes ?? starts.map((_, i) => i)).map((axis) => call.axis(axis, x.rank));
  if (ends.length !== starts.length || at.length !== starts.length || (steps && steps.length !== starts.length))
    refuse(`${starts.length} starts, ${ends.length} ends, ${at.length} axes; as many of each are needed`);
  const [from, sizes, by] = [x.shape.map(() => 0), [...x.shape], x.shape.map(() => 1)];
  for (const [i, axis] of at.entries())
    [from[axis], sizes[axis], by[axis]] = rangeOf(x.shape[axis], starts[i], ends[i], steps?.[i] ?? 1);
  return slice(x, from, sizes, by);
}

function partsOf(call: Call, axis: number, sizes: readonly number[] | undefined, count: number | undefined): Tensor[] {
  const x = call.tensor(0);
  const at = call.axis(axis, x.rank);
  if (sizes) return split(x, sizes, at);
  const parts = count ?? call.wanted.length;
  const each = Math.ceil(x.shape[at] / parts);
  const equal = Array.from({ length: parts }, (_, i) => Math.max(0, Math.min(each, x.shape[at] - i * each)));
  return split(x, equal, at);
}

function unsqueezed(call: Call, axes: readonly number[]): Tensor {
  const x = call.tensor(0);
  const rank = x.rank + axes.length;
  const at = new Set(axes.map((axis) => call.axis(axis, rank)));
  if (at.size !== axes.length) refuse(`axes [${axes}] name one twice`);
  const left = [...x.shape];
  return reshape(
    x,
    Array.from({ length: rank }, (_, i) => (at.has(i) ? 1 : left.shift()!)),
  );
}

const squeezed = (call: Call, axes: readonly number[] | undefined): Tensor => squeeze(call.tensor(0), axes);

/** Parts that say nothing of the batch, as class tokens, are repeated for each sample. */
function joined(call: Call, axis: number): Tensor {
  const { base, count } = call.context.batch;
  const values = call.inputs.map((_, i) => call.array(i));
  const shapes = values.map(shapeOfValue);
  const at = call.axis(axis, shapes[0]?.length ?? refuse("no input; at least one is needed"));
  const rest = (shape: readonly number[]): string => shape.filter((_, i) => i !== at && i !== 0).join();
  const mixed =
    base === 1 && count !== 1 && at !== 0 && shapes.some((s) => s[0] === count) && shapes.some((s) => s[0] === 1);
  const parts = values.map((value, i) => {
    const x = toTensor(value);
    return mixed && shapes[i][0] === 1 && rest(shapes[i]) === rest(shapes[0])
      ? expand(x, [count, ...shapes[i].slice(1)])
      : x;
  });
  return concat(parts, at);
}

/** Broadcasting of the input with a shape. */
function expanded(call: Call): Tensor {
  const x = call.tensor(0);
  const wanted = call.numbers(1);
  const rank = Math.max(x.rank, wanted.length);
  const [a, b] = [x.shape, wanted].map((s) => [...new Array<number>(rank - s.length).fill(1), ...s]);
  const shape = a.map((side, i) => (side === 1 ? b[i] : side));
  if (b.some((side, i) => side !== 1 && side !== shape[i]))
    refuse(`shape [${x.shape}] does not broadcast with [${wanted}]`);
  return expand(x, call.size(shape));
}

function tiled(call: Call, repeats: readonly number[]): Tensor {
  let x = call.tensor(0);
  if (repeats.length !== x.rank) refuse(`repeats [${repeats}] for shape [${x.shape}]; one for each side is needed`);
  call.size(x.shape.map((side, i) => side * repeats[i]));
  for (const [axis, times] of repeats.entries()) {
    if (times === 1) continue;
    const outer = x.shape.slice(0, axis);
    const inner = x.shape.slice(axis);
    const copies = expand(reshape(x, [product(outer), 1, product(inner)]), [product(outer), times, product(inner)]);
    x = reshape(copies, [...outer, inner[0] * times, ...inner.slice(1)]);
  }
  return x;
}

/** Padding as pairs for every side; negative ones cut. */
export function padded(
  call: Call,
  amounts: readonly number[],
  axes: readonly number[] | undefined,
  mode: string,
  value: number,
): Tensor {
  let x = call.tensor(0);
  const at = (axes ?? x.shape.map((_, i) => i)).map((axis) => call.axis(axis, x.rank));
  if (amounts.length !== 2 * at.length) refuse(`pads [${amounts}] for ${at.length} sides; two for each are needed`);
  const pairs = x.shape.map((_, side): [number, number] => {
    const i = at.indexOf(side);
    return i < 0 ? [0, 0] : [amounts[i], amounts[i + at.length]];
  });
  call.size(x.shape.map((side, i) => side + pairs[i][0] + pairs[i][1]));
  const cut = pairs.map((pair) => pair.map((p) => Math.min(0, p)));
  x = slice(
    x,
    cut.map(([before]) => -before),
    x.shape.map((side, i) => side + cut[i][0] + cut[i][1]),
  );
  const grow = pairs.map(([a, b]): [number, number] => [Math.max(0, a), Math.max(0, b)]);
  if (mode === "constant") return pad(x, grow, value);
  for (const [axis, [before, after]] of grow.entries()) x = continued(x, axis, before, after, mode);
  return x;
}

/** One side made longer from its own elements: in pieces, so that every element keeps its gradient. */
function continued(x: Tensor, axis: number, before: number, after: number, mode: string): Tensor {
  if (before === 0 && after === 0) return x;
  const side = x.shape[axis];
  const piece = (start: number, size: number): Tensor =>
    slice(
      x,
      x.shape.map((_, i) => (i === axis ? start : 0)),
      x.shape.map((d, i) => (i === axis ? size : d)),
    );
  const repeated = (t: Tensor, times: number): Tensor =>
    expand(
      t,
      t.shape.map((d, i) => (i === axis ? times : d)),
    );
  const reach = mode === "wrap" ? side : mode === "reflect" ? side - 1 : Infinity;
  if (side < 1 || Math.max(before, after) > reach)
    refuse(`${mode} padding of ${before} and ${after} for a side of ${side}; at most ${reach} fit`);
  const ends: Record<string, () => [Tensor, Tensor]> = {
    edge: () => [repeated(piece(0, 1), before), repeated(piece(side - 1, 1), after)],
    reflect: () => [flip(piece(1, before), axis), flip(piece(side - 1 - after, after), axis)],
    wrap: () => [piece(side - before, before), piece(0, after)],
  };
  if (!Object.hasOwn(ends, mode)) refuse(`mode is ${mode}; constant, reflect, edge or wrap is needed`);
  const [first, last] = ends[mode]();
  return concat(
    [first, x, last].filter((t) => t.shape[axis] > 0),
    axis,
  );
}

export const shape: readonly Operator[] = [
  operator({
    name: "Shape",
    ofShape: true,
    attributes: { start: int(0), end: int(undefined) },
    run: (call, { start, end }) => hostList(call.shape(0).slice(start, end)),
  }),
  operator({
    name: "Size",
    ofShape: true,
    run: (call) => hostValue("int64", [], [product(call.shape(0))]),
  }),
  operator({
    name: "Reshape",
    until: 4,
    attributes: { shape: ints() },
    run: (call, { shape }) => reshaped(call, shape, false),
  }),
  operator({
    name: "Reshape",
    since: 5,
    host: [1],
    attributes: { allowzero: flag(false) },
    run: (call, { allowzero }) => reshaped(call, call.numbers(1), allowzero),
  }),
  operator({
    name: "Flatten",
    attributes: { axis: int(1) },
    run(call, { axis }) {
      const x = call.tensor(0);
      const at = axis === x.rank ? axis : call.axis(axis, x.rank);
      return reshape(x, [product(x.shape.slice(0, at)), product(x.shape.slice(at))]);
    },
  }),
  operator({
    name: "Transpose",
    attributes: { perm: ints(undefined) },
    run: (call, { perm }) => transpose(call.tensor(0), perm),
  }),
  operator({
    name: "Squeeze",
    until: 12,
    attributes: { axes: ints(undefined) },
    run: (call, { axes }) => squeezed(call, axes),
  }),
  operator({
    name: "Squeeze",
    since: 13,
    host: [1],
    run: (call) => squeezed(call, call.has(1) ? call.numbers(1) : undefined),
  }),
  operator({
    name: "Unsqueeze",
    until: 12,
    attributes: { axes: ints() },
    run: (call, { axes }) => unsqueezed(call, axes),
  }),
  operator({ name: "Unsqueeze", since: 13, host: [1], run: (call) => unsqueezed(call, call.numbers(1)) }),
  operator({
    name: "Concat",
    until: 3,
    attributes: { axis: int(1) },
    run: (call, { axis }) => joined(call, axis),
  }),
  operator({ name: "Concat", since: 4, attributes: { axis: int() }, run: (call, { axis }) => joined(call, axis) }),
  operator({
    name: "Slice",
    until: 9,
    attributes: { axes: ints(undefined), starts: ints(), ends: ints() },
    run: (call, { starts, ends, axes }) => sliced(call, starts, ends, axes, undefined),
  }),
  operator({
    name: "Slice",
    since: 10,
    host: [1, 2, 3, 4],
    run: (call) =>
      sliced(
        call,
        call.numbers(1),
        call.numbers(2),
        call.has(3) ? call.numbers(3) : undefined,
        call.has(4) ? call.numbers(4) : undefined,
      ),
  }),
  operator({
    name: "Split",
    until: 12,
    host: [1],
    attributes: { axis: int(0), split: ints(undefined) },
    run: (call, { axis, split }): Result[] => partsOf(call, axis, call.has(1) ? call.numbers(1) : split, undefined),
  }),
  operator({
    name: "Split",
    since: 13,
    host: [1],
    attributes: { axis: int(0), num_outputs: int(undefined) },
    run: (call, { axis, num_outputs }): Result[] =>
      partsOf(call, axis, call.has(1) ? call.numbers(1) : undefined, num_outputs),
  }),
  operator({ name: "Expand", since: 8, host: [1], run: expanded }),
  operator({
    name: "Tile",
    until: 5,
    host: [1, 2],
    run: (call) =>
      tiled(
        call,
        call.shape(0).map((_, i) => (i === call.number(2) ? call.number(1) : 1)),
      ),
  }),
  operator({ name: "Tile", since: 6, host: [1], run: (call) => tiled(call, call.numbers(1)) }),
];
